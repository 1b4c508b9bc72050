"""What one tick of the agent says; every exporter, view and journal reads this and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from livewatch_classifiers.decision import Completed, Decision, OverdueHold
from livewatch_classifiers.lane import LaneVerdict
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Disagreement, VitalsState


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a session's label."""

    key: str
    before: Verdict | None
    """``None`` for a session seen for the first time."""
    after: Verdict | None
    """``None`` for a session that is gone."""
    held_s: float = 0.0
    """How long the label before lasted, in monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Dissent:
    """A disagreement between the policy in force and its shadow, when it begins."""

    session: str
    """``*`` for the gateway as a whole."""
    kind: Disagreement
    active: str
    """What the policy in force says or does, in words; likewise ``shadow``."""
    shadow: str


@dataclass(frozen=True, slots=True)
class TickReport:
    """One sample → classify → decide → act → look round."""

    target: str
    now_s: float
    wall_s: float
    snapshot: Snapshot | None
    """``None`` when the gateway could not be read in this tick."""
    problem: str
    """Why it could not be read, and what to do; empty otherwise."""
    vitals: VitalsVerdict
    vitals_before: VitalsState | None
    verdicts: Mapping[str, Verdict] = field(default_factory=lambda: MappingProxyType({}))
    """By key. That of slow work stands as it was given first, until its label changes: `verdict` tells today's ages."""
    lanes: Mapping[str, LaneVerdict] = field(default_factory=lambda: MappingProxyType({}))
    """Shared lanes by name; empty where the source sees none."""
    transitions: tuple[Transition, ...] = ()
    decisions: tuple[Decision, ...] = ()
    """Every action and every hold of this tick; holds repeat while they last."""
    completed: tuple[Completed, ...] = ()
    """Actions whose outcome was seen in this tick."""
    overdue: tuple[OverdueHold, ...] = ()
    """Holds that last longer than their gate's bound; each repeats while it lasts."""
    overdue_holds: tuple[OverdueHold, ...] = ()
    """Those that passed their bound in this tick: each is told once."""
    overdue_ended: tuple[OverdueHold, ...] = ()
    """Those that ended in this tick."""
    may_act: bool = True
    """False while another livewatch holds the lease on this gateway."""
    restarted: bool = False
    """The gateway's process identity changed since the last tick."""
    budget_remaining: int = 0
    longest_backoff_s: float = 0.0
    sample_duration_s: float = 0.0
    tick_duration_s: float = 0.0
    lateness_s: float = 0.0
    """How late this tick began; the agent's own lag, never evidence about the gateway."""
    source_kind: str = "in_process"
    """Where loop delays come from: ``in_process`` (the probe), ``reported`` (the gateway says so) or ``probe``."""
    health_penalty: int = 0
    """How unwell the agent itself feels, 0 when it is well; patience is stretched by it."""
    dissents: tuple[Dissent, ...] = ()
    """About what the shadow policy, if there is one, begins to disagree; nothing follows from it."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """The limits by which it was judged."""
    automatic: frozenset[ActionKind] = frozenset(ActionKind)
    """What livewatch may do by itself: what can be done with this gateway and the mode allows."""

    def verdict(self, key: str) -> Verdict:
        """Return the verdict on a session with the ages of this tick in its evidence.

        Raises:
            KeyError: when there is none of that key.
        """
        given = self.verdicts[key]
        if self.snapshot is None or given.attention is not Attention.LONG_RUNNING:
            return given
        return classify_session(self.snapshot.sessions[key], self.snapshot.vitals, self.thresholds)


class TickListener(Protocol):
    """Something that is told about every tick. It must neither block nor raise."""

    def on_tick(self, report: TickReport) -> None:
        """Take note of one tick; called on the agent's loop."""
        ...
