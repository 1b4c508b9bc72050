"""How a run goes through its steps, and what the books show meanwhile."""

from collections.abc import Callable
from typing import Protocol, cast

from livewatch.simulation.plan import Step, TimeoutWay
from livewatch.simulation.sessions import Marker, Run, Session, Waiting
from livewatch.simulation.tools import Books, Process, StepFailedError, pick, work
from livewatch.simulation.truth import Fault
from livewatch.simulation.waits import ask, pause
from livewatch_classifiers.vocabulary import ActivityKind, Presence, TerminalMark


class Turns(Books, Protocol):
    """What runs may ask of the gateway besides what steps ask."""

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Do something later, when the loop runs."""
        ...

    def work(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something after so many seconds in which the loop ran."""
        ...

    def block(self, for_s: float) -> None:
        """Block the loop."""
        ...

    def child(self, parent: Session, run: Run, step: Step) -> Waiting:
        """Return the wait of a parent for its child; starts the child if the step says so."""
        ...

    def circle(self, session: Session) -> list[tuple[Session, Run]]:
        """Return the runs of the circle of waits that this session closes; none where it closes none."""
        ...

    def over(self, session: Session, run: Run, *, failed: bool) -> None:
        """Note that the run's steps are over."""
        ...


def advance(turns: Turns, session: Session, run: Run, token: int) -> None:
    """Let the run go on to its next moment, unless something else happened to it meanwhile."""
    if run.ended or token != run.token:
        return
    process = cast("Process", run.process)
    try:
        wait_s = next(process)
    except StopIteration:
        turns.over(session, run, failed=False)
        return
    except StepFailedError:
        turns.over(session, run, failed=True)
        return
    if run.ended or wait_s is None:
        return
    run.token += 1
    following = run.token
    turns.work(wait_s, lambda: advance(turns, session, run, following))


def poke(turns: Turns, session: Session, run: Run) -> None:
    """Let a run that waits for somebody go on now."""
    if not run.ended:
        run.token += 1
        advance(turns, session, run, run.token)


def perform(turns: Turns, session: Session, run: Run) -> Process:
    """Do the steps of the run's turn, one after the other."""
    for step in run.turn.steps:
        run.step = step
        turns.begin(session, run, step)
        yield from _do(turns, session, run, step)
        _end_step(turns, session, run, step)


def _do(turns: Turns, session: Session, run: Run, step: Step) -> Process:
    if step.blocks_loop:
        length_s = pick(turns.random, step.takes or (0.0, 0.0))
        yield 0.0
        turns.block(length_s)
        yield 0.001
    elif step.ask is not None:
        yield from ask(turns, session, run, step)
    elif step.awaits is not None:
        yield from _await_child(turns, session, run, step)
    elif step.wait is not None:
        yield from pause(turns, session, run, step)
    else:
        yield from work(turns, session, run, step)


def _await_child(turns: Turns, session: Session, run: Run, step: Step) -> Process:
    """Wait for another session's run; the gateway pokes us when it ended, unless the wake gets lost."""
    wait = turns.child(session, run, step)
    if not step.undeclared:
        session.wait = wait
        session.touch()
    run.wake_lost = not step.wake
    if wait.child is None or wait.child.over:
        if not step.wake:
            turns.dead(session, run, Fault.LOST_WAKE, turns.now_s)
            yield None
    else:
        for member, blocked in turns.circle(session):
            turns.dead(member, blocked, Fault.LANE_CYCLE, turns.now_s)
        yield None
    turns.alive(session, run, "woken")
    session.wait = None
    session.touch()


def _end_step(turns: Turns, session: Session, run: Run, step: Step) -> None:
    run.real_progress_s = turns.now_s
    marker = session.marker
    if not step.unseen and marker is not None and marker.run_id == run.id:
        session.marker = None
    session.repeats, session.repeating_since_s = 0, None
    turns.moved(session, run, counted=not step.unseen)
    if step.looks_terminal:
        session.terminal = TerminalMark.ITEM_END
    session.touch()


def mark(session: Session, run: Run, step: Step, now_s: float) -> None:
    """Write the step into the session's books at monotonic ``now_s``."""
    if step.unseen:
        session.marker = None
    elif step.kind is None or step.kind is ActivityKind.EMBEDDED_RUN:
        session.marker = None
        if step.works_s or step.touches_s or step.declares_s or step.repeats_s or step.name:
            session.marker = _marker(ActivityKind.EMBEDDED_RUN, run, step, now_s)
    else:
        session.marker = _marker(step.kind, run, step, now_s)
    session.touch()


def _marker(kind: ActivityKind, run: Run, step: Step, now_s: float) -> Marker:
    return Marker(
        kind=kind,
        name=step.name,
        run_id=run.id,
        since_s=now_s,
        allowance_s=step.declares_s,
        owner=Presence.PRESENT,
        works_s=step.works_s,
        touches_s=step.touches_s,
        repeats_s=step.repeats_s,
        repeats_max=step.times,
    )


def run_out(turns: Turns, session: Session, run: Run, now_s: float) -> None:
    """Let the gateway's own run timeout fire."""
    if run.ended or session.run is not run or run.turn.on_timeout is TimeoutWay.NOTHING:
        return
    if run.turn.on_timeout is TimeoutWay.ENDS:
        turns.over(session, run, failed=True)
        return
    run.abort_requested_s = now_s
    run.token += 1
    turns.dead(session, run, Fault.ZOMBIE_HANDLE, run.real_progress_s)
    session.touch()
