"""What happened in one run, on the scenario's axis: labels, actions, holds, and what a person was told."""

from dataclasses import dataclass, field

from livewatch.simulation.levers import Deed
from livewatch.simulation.messages import Message
from livewatch.simulation.truth import Affliction
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Completed
from livewatch_classifiers.vocabulary import SICK, ActionKind, Attention, Gate, Reason


@dataclass(frozen=True, slots=True)
class Mark:
    """A label that began at a moment and lasts until the next one."""

    at_s: float
    attention: str
    reason: str = ""
    rule: str = ""

    @property
    def sick(self) -> bool:
        """Whether the label says that something is wrong."""
        return self.attention in SICK

    def __str__(self) -> str:
        """Return the label as scenarios write it."""
        return f"{self.attention}/{self.reason}" if self.reason else self.attention

    def same(self, other: "Mark") -> bool:
        """Return whether two labels say the same, whenever they began."""
        return (self.attention, self.reason, self.rule) == (other.attention, other.reason, other.rule)

    def matches(self, label: str) -> bool:
        """Return whether a label of a scenario means this one: attention, reason, both, or a group of them."""
        if label == "healthy":
            return not self.sick
        if label == "sick":
            return self.sick
        return label in (self.attention, self.reason, str(self))


@dataclass(slots=True)
class Holding:
    """A gate that held an action of one session, from the first to the last tick of it."""

    session: str
    gate: Gate
    kind: ActionKind
    detail: str
    first_s: float
    last_s: float


@dataclass(slots=True)
class Record:
    """Everything that expectations, invariants and scores look at."""

    duration_s: float = 0.0
    labels: dict[str, list[Mark]] = field(default_factory=dict[str, list[Mark]])
    gateway: list[Mark] = field(default_factory=list[Mark])
    lanes: dict[str, list[Mark]] = field(default_factory=dict[str, list[Mark]])
    locks: dict[str, list[Mark]] = field(default_factory=dict[str, list[Mark]])
    reclaimable: dict[str, float] = field(default_factory=dict[str, float])
    """First moment at which a lock was found to be reclaimable."""
    holdings: list[Holding] = field(default_factory=list[Holding])
    told: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Moments at which a person was first told about a session, once per illness."""
    quarantined: dict[str, float] = field(default_factory=dict[str, float])
    completed: list[tuple[float, Completed]] = field(default_factory=list[tuple[float, Completed]])
    deeds: list[Deed] = field(default_factory=list[Deed])
    afflictions: list[Affliction] = field(default_factory=list[Affliction])
    messages: list[Message] = field(default_factory=list[Message])
    violations: list[tuple[float, str, str]] = field(default_factory=list[tuple[float, str, str]])
    counters: dict[str, int] = field(default_factory=dict[str, int])
    restarts: int = 0
    ticks: int = 0
    blind_s: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """From when to when gateway or agent could not run: no repair is due in that time."""
    unseen_s: dict[str, list[tuple[float, float]]] = field(default_factory=dict[str, list[tuple[float, float]]])
    """From when to when a session could not be seen at all; none is repaired in that time either."""
    hidden: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Facts of a session that its source never sees (again)."""
    session_s: float = 0.0
    """Seconds of all sessions together, the base of mistake rates."""

    def mark(self, marks: list[Mark], mark: Mark) -> None:
        """Append a label unless it is the one that lasts already."""
        if not marks or not marks[-1].same(mark):
            marks.append(mark)

    def label(self, session: str, at_s: float, attention: Attention, reason: Reason, rule: str = "") -> None:
        """Note the label of a session."""
        marks = self.labels.setdefault(session, [])
        self.mark(marks, Mark(at_s, attention.value, reason.value, rule))

    def hold(self, session: str, gate: Gate, kind: ActionKind, detail: str, *, at_s: float, every_s: float) -> Holding:
        """Note a hold; one that lasts is one holding."""
        for holding in reversed(self.holdings):
            same = (holding.session, holding.gate, holding.kind) == (session, gate, kind)
            if same and at_s - holding.last_s <= every_s * 3:
                holding.last_s, holding.detail = at_s, detail
                return holding
            if at_s - holding.last_s > every_s * 600:
                break
        holding = Holding(session, gate, kind, detail, at_s, at_s)
        self.holdings.append(holding)
        return holding

    def tell(self, session: str, at_s: float) -> None:
        """Note that a person is told; while the session stays sick this is one telling."""
        since_s = next((m.at_s for m in reversed(self.labels.get(session, [])) if not m.sick), 0.0)
        told = self.told.setdefault(session, [])
        if not told or told[-1] < since_s:
            told.append(at_s)


def runnable_until(record: Record, session: str, since_s: float, bound_s: float) -> float:
    """Return the moment at which ``bound_s`` seconds have passed since a moment in which both sides could run."""
    until_s = since_s + bound_s
    blind_s = [*record.blind_s, *record.unseen_s.get(session, ())]
    for begin_s, end_s in BlindTime.of(blind_s).intervals():
        if end_s > since_s and begin_s < until_s:
            until_s += end_s - max(begin_s, since_s)
    return until_s


def spans(marks: list[Mark], end_s: float) -> list[tuple[float, float, Mark]]:
    """Return each label with its beginning and end; nothing of somebody who was never judged."""
    ends = [*(mark.at_s for mark in marks[1:]), end_s][: len(marks)]
    return [(mark.at_s, until_s, mark) for mark, until_s in zip(marks, ends, strict=True)]
