"""What `decide` looks at besides its memory, and one action under consideration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.settings import Policy
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind


@dataclass(frozen=True, slots=True)
class Situation:
    """One look at the gateway and what is allowed there."""

    snapshot: Snapshot
    verdicts: Mapping[str, Verdict]
    vitals: VitalsVerdict
    capabilities: frozenset[ActionKind]
    held: Callable[[str], str | None] = lambda _session: None
    """Which operator holds this session, in words; ``None`` when nobody does."""
    penalty: int = 0
    """How unwell the agent itself is; its patience with silence grows by it."""
    may_act: bool = True
    """False while another livewatch holds the lease on this gateway."""
    discards: frozenset[ActionKind] = frozenset()
    """The actions that throw queued messages away on this gateway."""
    actor: str = ""
    """Who acts instead, in words, where it is known."""


@dataclass(frozen=True, slots=True)
class Request:
    """One action under consideration, as the gates see it."""

    kind: ActionKind
    session: Session
    verdict: Verdict
    patient: Patient
    situation: Situation
    memory: Memory
    policy: Policy
    now_s: float

    @property
    def discards(self) -> int | None:
        """How many queued messages the action would throw away; ``None`` when that cannot be seen."""
        if self.kind not in self.situation.discards:
            return 0
        restart = self.kind is ActionKind.RESTART_TARGET
        sessions = self.situation.snapshot.sessions.values() if restart else [self.session]
        counts = [session.queued for session in sessions]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None
