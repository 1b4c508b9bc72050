"""One round of the agent as facts: what its decisions depended on, and what it said and did. Frozen."""

from dataclasses import dataclass
from typing import Protocol

from livewatch.recovery.holds import OperatorHold
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Completed, Decision
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.report import Dissent, TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decisions depended on besides the look at the gateway, the memory and the settings."""

    capabilities: frozenset[ActionKind] = frozenset()
    """What the gateway itself offers."""
    discards: frozenset[ActionKind] = frozenset()
    penalty: int = 0
    """How unwell the agent felt when it decided."""
    may_act: bool = True
    actor: str = ""
    holds: tuple[OperatorHold, ...] = ()


@dataclass(frozen=True, slots=True)
class SentByHand:
    """A repair that a person sent between the round before and this one."""

    act: Act
    patient: Patient
    sent_s: float


@dataclass(frozen=True, slots=True)
class Round:
    """The input of one round: with the same settings and memory it leads to the same decisions."""

    now_s: float
    wall_s: float
    snapshot: Snapshot | None
    """``None`` when the gateway could not be read."""
    gone: bool = False
    """With no snapshot: the process is known to have ended."""
    circumstances: Circumstances = Circumstances()
    completed: tuple[Completed, ...] = ()
    """Actions whose outcome was seen in this round."""
    acts: tuple[Act, ...] = ()
    """Actions that were really decided in this round, by the policy in force."""
    by_hand: tuple[SentByHand, ...] = ()
    taken_up: Memory | None = None
    """What the memory became when the agent took the lease in this round."""
    began: bool = False
    """The first round of an agent, which remembers nothing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One round with everything around it: what recorder and shadow are told."""

    round: Round
    report: TickReport
    decisions: tuple[Decision, ...]
    """What the policy decided; what people asked for is left out."""
    thresholds: Thresholds
    policy: Policy
    memory: Memory
    """After the round."""


class Witness(Protocol):
    """Something that is told about every round. It must neither block nor raise."""

    def on_moment(self, moment: Moment) -> None:
        """Take note of one round; called on the agent's loop, after the listeners."""
        ...


class SecondOpinion(Protocol):
    """A shadow: told about every round before anybody else, to say where it disagrees. It must not raise."""

    def compare(self, moment: Moment) -> tuple[Dissent, ...]:
        """Return the disagreements that begin in this round."""
        ...
