"""What is really so: who is dead since when, what of, and how it ended. Only the world writes here."""

from dataclasses import dataclass, field
from enum import StrEnum

from livewatch_classifiers.vocabulary import ActivityKind, EvidenceClass


class Fault(StrEnum):
    """What a dead session died of."""

    HUNG_MODEL_CALL = "hung_model_call"
    HUNG_TOOL = "hung_tool"
    HUNG_MID_TURN = "hung_mid_turn"
    HUNG_COMPACTION = "hung_compaction"
    HUNG_PHASE = "hung_phase"  # preparation, delivery, maintenance
    LIVELOCK = "livelock"
    ZOMBIE_HANDLE = "zombie_handle"
    LEAKED_HANDLE = "leaked_handle"
    ORPHANED_ACTIVITY = "orphaned_activity"
    POST_TERMINAL_HOLD = "post_terminal_hold"
    STALE_STATE = "stale_state"
    STRANDED_QUEUE = "stranded_queue"
    GHOST_SESSION = "ghost_session"
    STRANDED_MARKER = "stranded_marker"
    LOST_WAKE = "lost_wake"
    UNANSWERED_WAIT = "unanswered_wait"
    LANE_CYCLE = "lane_cycle"


CERTAIN = frozenset(
    {
        Fault.ZOMBIE_HANDLE,
        Fault.GHOST_SESSION,
        Fault.STRANDED_MARKER,
        Fault.LOST_WAKE,
        Fault.LANE_CYCLE,
    }
)
"""Faults that can be proved; the others only show as silence."""

FOR_A_PERSON = frozenset({Fault.UNANSWERED_WAIT})
"""Faults that no lever mends: telling somebody in time is the whole remedy."""

_BY_KIND = {
    ActivityKind.MODEL_CALL: Fault.HUNG_MODEL_CALL,
    ActivityKind.TOOL_CALL: Fault.HUNG_TOOL,
    ActivityKind.EMBEDDED_RUN: Fault.HUNG_MID_TURN,
    ActivityKind.COMPACTION: Fault.HUNG_COMPACTION,
}


def hang_of(kind: ActivityKind | None) -> Fault:
    """Return the fault of work of this kind that hangs."""
    return Fault.HUNG_MID_TURN if kind is None else _BY_KIND.get(kind, Fault.HUNG_PHASE)


@dataclass(slots=True)
class Affliction:
    """One death of one session, on the scenario's axis in seconds."""

    session: str
    fault: Fault
    since_s: float
    until_s: float | None = None
    ended_by: str = ""
    detected_s: float | None = None
    told_s: float | None = None
    no_lever: bool = False
    """True when by design no lever is pulled for it: telling somebody in time is the whole remedy."""

    @property
    def evidence(self) -> EvidenceClass:
        """Whether the fault can be proved or only shows as silence."""
        return EvidenceClass.CERTAIN if self.fault in CERTAIN else EvidenceClass.SILENCE


@dataclass(slots=True)
class Truth:
    """The ledger of afflictions; at most one per session at a time."""

    current: dict[str, Affliction] = field(default_factory=dict[str, Affliction])
    history: list[Affliction] = field(default_factory=list[Affliction])

    def afflict(self, session: str, fault: Fault, since_s: float, *, no_lever: bool = False) -> None:
        """Note a death; a session that is dead already only changes what it is called."""
        known = self.current.get(session)
        if known is not None:
            known.fault, known.no_lever = fault, no_lever or fault in FOR_A_PERSON
            return
        affliction = Affliction(session, fault, since_s, no_lever=no_lever or fault in FOR_A_PERSON)
        self.current[session] = affliction
        self.history.append(affliction)

    def mend(self, session: str, now_s: float, how: str) -> None:
        """Note that the session can live again; nothing happens to a healthy one."""
        affliction = self.current.pop(session, None)
        if affliction is not None:
            affliction.until_s = now_s
            affliction.ended_by = how

    def dead(self, session: str) -> bool:
        """Return whether the session is dead now."""
        return session in self.current
