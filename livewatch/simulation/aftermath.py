"""What a turn leaves behind in the books when it is over, clean or not; each form was a report."""

from typing import Protocol

from livewatch.simulation.plan import Ending
from livewatch.simulation.sessions import Marker, Run, Session
from livewatch.simulation.truth import Fault, Truth
from livewatch_classifiers.vocabulary import ActivityKind, Presence, SessionState, TerminalMark


class Keeper(Protocol):
    """What is needed of the gateway here."""

    truth: Truth

    @property
    def now_s(self) -> float:
        """The scenario's time."""
        ...

    def mono_s(self) -> float:
        """Monotonic seconds."""
        ...

    def clear(self, session: Session, state: SessionState = SessionState.IDLE) -> None:
        """Clean the books of a session."""
        ...


_FAULTS = {
    Ending.KEEPS_LANE: Fault.POST_TERMINAL_HOLD,
    Ending.KEEPS_HANDLE: Fault.LEAKED_HANDLE,
    Ending.KEEPS_HANDLE_PROCESSING: Fault.LEAKED_HANDLE,
    Ending.ORPHANS_ACTIVITY: Fault.ORPHANED_ACTIVITY,
    Ending.ORPHANS_ACTIVITY_PROCESSING: Fault.ORPHANED_ACTIVITY,
    Ending.KEEPS_PROCESSING: Fault.STALE_STATE,
    Ending.KEEPS_STORE_MARKER: Fault.STRANDED_MARKER,
    Ending.LEAVES_STORE: Fault.GHOST_SESSION,
    Ending.STRANDS_QUEUE: Fault.STRANDED_QUEUE,
}
_STAYS_PROCESSING = frozenset({Ending.ORPHANS_ACTIVITY_PROCESSING, Ending.KEEPS_PROCESSING, Ending.LEAVES_STORE})
_LATENT = frozenset({Ending.KEEPS_LANE, Ending.ORPHANS_ACTIVITY, Ending.STRANDS_QUEUE})
"""Endings that nobody notices before the next message comes (OpenClaw 90308)."""


def leave_behind(keeper: Keeper, session: Session, run: Run, ending: Ending) -> None:
    """Bring the books into the state that the ending names; ``run`` itself is over."""
    now_s = keeper.mono_s()
    step = run.step
    if ending in (Ending.KEEPS_HANDLE, Ending.KEEPS_HANDLE_PROCESSING):
        session.clear_marks()
        if ending is Ending.KEEPS_HANDLE:
            session.enter(SessionState.IDLE, now_s)
        session.store_running = False
    elif ending is Ending.KEEPS_LANE:
        session.run = None
        session.clear_marks()
        session.lane_held = True
        session.terminal = TerminalMark.TURN_END
        session.progress_s = now_s
        session.store_running = False
        session.touch()
    else:
        kind = step.kind if step is not None and step.kind is not None else ActivityKind.EMBEDDED_RUN
        keeper.clear(session)
        if ending in _STAYS_PROCESSING:
            session.enter(SessionState.PROCESSING, now_s)
        if ending in (Ending.ORPHANS_ACTIVITY, Ending.ORPHANS_ACTIVITY_PROCESSING):
            session.marker = Marker(kind, step.name if step else "", run.id, now_s, owner=Presence.ABSENT)
        session.lane_held = ending is not Ending.CLEAN
        session.in_store = ending is not Ending.LEAVES_STORE
        session.store_running = ending is Ending.KEEPS_STORE_MARKER
        session.touch()
    if ending is Ending.CLEAN:
        return
    fault = _FAULTS[ending]
    if ending in _LATENT:
        session.latent = fault
    if ending not in _LATENT or session.queue:
        keeper.truth.afflict(session.key, fault, keeper.now_s)
