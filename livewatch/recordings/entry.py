"""One recorded round: what went in, what was said and done, and under which settings. Frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from livewatch.recovery.memory import Memory
from livewatch.recovery.rounds import Moment, Round
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Action, Hold
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import VitalsVerdict
from livewatch_classifiers.vocabulary import VitalsState


@dataclass(frozen=True, slots=True)
class Said:
    """What an agent said and did in one round, short enough to be kept."""

    state: VitalsState | None = None
    """``None`` in files that hold looks and nothing else."""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """``attention/reason`` by session; empty while the gateway could not be read."""
    holds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """``action/gate`` by session, of every hold."""
    acts: tuple[Action, ...] = ()
    """What the policy decided to do; repairs that a person asked for are in the round."""

    @classmethod
    def of(cls, moment: Moment) -> "Said":
        """Return what a live round said."""
        report = moment.report
        return cls(
            state=report.vitals.state,
            labels={key: f"{v.attention.value}/{v.reason.value}" for key, v in report.verdicts.items()},
            holds={d.session: f"{d.kind.value}/{d.gate.value}" for d in moment.decisions if isinstance(d, Hold)},
            acts=tuple(act.action for act in moment.round.acts),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One round as recorded."""

    target: str
    round: Round
    said: Said
    thresholds: Thresholds
    policy: Policy
    memory_before: Memory | None = None
    """What the agent remembered before this round, where that is told: at the head of a file and after a hole."""
    vitals_before: VitalsVerdict | None = None
    """Likewise, the gateway's label."""
    missing: int = 0
    """Rounds between the one before and this one that were not recorded."""
    sparse: bool = False
    """Looks from before this format, or around incidents only: no decision can be reproduced from them."""
