"""How steps do their work: progress at intervals, silence, failing attempts, repetition, hanging."""

from collections.abc import Generator
from random import Random
from typing import Protocol

from livewatch.simulation.plan import ALWAYS, Span, Step
from livewatch.simulation.providers import Providers
from livewatch.simulation.sessions import Run, Session, Waiting
from livewatch.simulation.truth import Fault, hang_of
from livewatch_classifiers.vocabulary import ActivityKind, WaitKind

Process = Generator[float | None, None, None]
"""Yields how many seconds to wait; ``None`` waits until somebody pokes the run."""


class StepFailedError(Exception):
    """The step ended without success: the turn is over."""


class Books(Protocol):
    """What steps may ask of the gateway."""

    random: Random
    providers: Providers

    @property
    def now_s(self) -> float:
        """The scenario's time."""
        ...

    def mono_s(self) -> float:
        """Monotonic seconds."""
        ...

    def begin(self, session: Session, run: Run, step: Step) -> None:
        """Write into the books what the run does now."""
        ...

    def moved(self, session: Session, run: Run, *, counted: bool) -> None:
        """Note new content."""
        ...

    def dead(self, session: Session, run: Run, fault: Fault, since_s: float) -> None:
        """Note the truth: nothing will ever move here."""
        ...

    def alive(self, session: Session, run: Run, how: str) -> None:
        """Note the truth: it moves again."""
        ...


def pick(random: Random, span: Span) -> float:
    """Return a value between the two ends of a span."""
    low_s, high_s = span
    return low_s if low_s == high_s else random.uniform(low_s, high_s)


def work(books: Books, session: Session, run: Run, step: Step) -> Process:
    """Do an ordinary step: work for a while, then end, fail or hang."""
    began_s = books.now_s
    if step.attempts is not None:
        yield from _failing(books, session, run, step)
    if step.repeats_s is not None:
        yield from _repeating(books, session, run, step)
        return
    if step.takes is not None:
        yield from _progressing(books, session, run, step, pick(books.random, step.takes))
    if step.hangs or step.result_lost:
        yield from hang(books, session, run, step, began_s=began_s)


def hang(
    books: Books, session: Session, run: Run, step: Step, *, began_s: float, fault: Fault | None = None
) -> Process:
    """Never end, unless the gateway's own limit ends it or somebody pokes the run back to life."""
    if step.own_timeout_s is not None:
        yield max(0.0, began_s + step.own_timeout_s - books.now_s)
        raise StepFailedError
    books.dead(session, run, fault or hang_of(step.kind), books.now_s)
    yield None
    books.alive(session, run, "resumed by itself")


def _progressing(books: Books, session: Session, run: Run, step: Step, takes_s: float) -> Process:
    end_s = books.now_s + takes_s
    interval_s = step.progress_s
    while books.now_s < end_s:
        last_s = books.now_s
        left_s = end_s - last_s
        yield left_s if interval_s is None else min(left_s, interval_s)
        outage = books.providers.outage(step.name, last_s, books.now_s) if _provided(step) else None
        if outage is not None and outage.lost:
            books.dead(session, run, Fault.HUNG_MODEL_CALL, max(last_s, outage.since_s))
            session.stops_working(books.mono_s())
            yield None
            books.alive(session, run, "resumed by itself")
        elif outage is not None:
            yield max(0.0, outage.until_s - books.now_s)
        if interval_s is not None:
            books.moved(session, run, counted=step.counted and not step.unseen)
        else:
            run.real_progress_s = books.now_s


def _provided(step: Step) -> bool:
    return step.kind is ActivityKind.MODEL_CALL


def _failing(books: Books, session: Session, run: Run, step: Step) -> Process:
    """Attempts that yield nothing, each with a back-off after it (OpenClaw hermes-agent 72016)."""
    assert step.attempts is not None
    began_s, mono_s = books.now_s, books.mono_s()
    endless = step.attempts == ALWAYS
    if endless:
        books.dead(session, run, Fault.LIVELOCK, began_s)
    done = 0
    while run.hung if endless else done < step.attempts:
        yield pick(books.random, step.attempt)
        done += 1
        session.repeats = max(0, done - 1)
        session.repeating_since_s = mono_s
        session.touch()
        pause_s = pick(books.random, step.backoff)
        if pause_s > 0:
            if not step.hidden_backoff:
                now_s = books.mono_s()
                session.wait = Waiting(WaitKind.PROVIDER_BACKOFF, now_s, now_s + pause_s, attempts=done)
                session.touch()
            yield pause_s
            if not step.hidden_backoff and session.wait is not None:
                mono_s += books.mono_s() - session.wait.since_s  # waiting is not repeating
                session.repeating_since_s = mono_s
            session.wait = None
            session.touch()
        if step.own_timeout_s is not None and books.now_s - began_s >= step.own_timeout_s:
            raise StepFailedError
        if session.marker is not None and not step.unseen:
            session.marker.since_s = books.mono_s()
    session.repeats, session.repeating_since_s = 0, None
    session.touch()


def _repeating(books: Books, session: Session, run: Run, step: Step) -> Process:
    """The same step with the same outcome again and again; nothing new comes of it (OpenClaw 89090)."""
    assert step.repeats_s is not None
    if step.times is not None:
        yield step.repeats_s * step.times
        return
    books.dead(session, run, Fault.LIVELOCK, books.now_s)
    yield None
    books.alive(session, run, "stopped repeating itself")
