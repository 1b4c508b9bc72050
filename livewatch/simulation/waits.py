"""Steps that wait: for a person, for another run, for a lane or a phase."""

from livewatch.simulation.plan import DeadlineWay, Step
from livewatch.simulation.sessions import Run, Session, Waiting
from livewatch.simulation.tools import Books, Process, StepFailedError, hang, pick
from livewatch.simulation.truth import Fault
from livewatch_classifiers.vocabulary import Presence, WaitKind


def ask(books: Books, session: Session, run: Run, step: Step) -> Process:
    """Ask a person and wait for the answer; legal as long as somebody can still end it."""
    assert step.ask is not None
    since_s, mono_s = books.now_s, books.mono_s()
    if not step.undeclared:
        session.wait = Waiting(
            step.ask,
            mono_s,
            None if step.deadline_s is None else mono_s + step.deadline_s,
            delivered=Presence.of(step.delivered),
            answer_impossible=not step.answerable,
        )
        session.touch()
    if step.delivered is False or not step.answerable:
        books.dead(session, run, Fault.UNANSWERED_WAIT, since_s)
    answer_s = None if step.answered_after is None else pick(books.random, step.answered_after)
    if answer_s is not None and (step.deadline_s is None or answer_s <= step.deadline_s):
        yield answer_s
    elif step.deadline_s is not None:
        yield step.deadline_s
        if step.on_deadline is DeadlineWay.ENDS and books.now_s - since_s >= step.deadline_s:
            raise StepFailedError
        if books.now_s - since_s >= step.deadline_s:
            books.dead(session, run, Fault.UNANSWERED_WAIT, books.now_s)
            yield None
    else:
        yield None
    books.alive(session, run, "answered")
    session.wait = None
    session.touch()


def pause(books: Books, session: Session, run: Run, step: Step) -> Process:
    """Wait under one of the other names; one that hangs is a wait that nobody ends."""
    assert step.wait is not None
    began_s, mono_s = books.now_s, books.mono_s()
    if not step.undeclared:
        deadline_s = None if step.deadline_s is None else mono_s + step.deadline_s
        session.wait = Waiting(step.wait, mono_s, deadline_s, lane=step.lane, session=step.waits_for)
        session.touch()
    if step.takes is not None:
        yield pick(books.random, step.takes)
    if step.hangs:
        circular = step.lane is not None or step.waits_for is not None or step.wait is WaitKind.LANE_ADMISSION
        fault = Fault.LANE_CYCLE if circular else Fault.UNANSWERED_WAIT
        yield from hang(books, session, run, step, began_s=began_s, fault=fault)
    session.wait = None
    session.touch()
