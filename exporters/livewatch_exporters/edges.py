"""What is said once although every tick repeats it."""

from collections.abc import Mapping

from livewatch_classifiers.decision import Hold
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Gate, VitalsState
from livewatch_exporters.attributes import PROCESS_GONE, PROCESS_STOPPED, UNREADABLE


class HoldEdges:
    """Tells holds that began, or whose gate changed, from those that merely last."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, ActionKind], Gate] = {}

    def new(self, report: TickReport) -> list[Hold]:
        """Return the holds of this tick that the tick before did not have. A blind tick changes nothing."""
        if report.snapshot is None:
            return []
        holds = [decision for decision in report.decisions if isinstance(decision, Hold)]
        begun = [hold for hold in holds if self._held.get((hold.session, hold.kind)) is not hold.gate]
        self._held = {(hold.session, hold.kind): hold.gate for hold in holds}
        return begun


class CounterEdges:
    """Turns the gateway's running counts of one kind into increments, across its restarts."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._counts: Mapping[str, int] | None = None
        self._told: Mapping[str, int] | None = None
        """All counters of the look before: mostly none has moved."""

    def new(self, report: TickReport) -> dict[str, int]:
        """Return what was added since the last tick, by what follows the prefix. Before the first look is not ours."""
        if report.snapshot is None:
            return {}
        told, self._told = self._told, report.snapshot.counters
        if told == self._told and not report.restarted:
            return {}
        prefix = self._prefix
        counts = {name.removeprefix(prefix): count for name, count in self._told.items() if name.startswith(prefix)}
        before = counts if self._counts is None else {} if report.restarted else self._counts
        self._counts = counts
        grown = {reason: count - before.get(reason, 0) for reason, count in counts.items()}
        return {reason: count for reason, count in grown.items() if count > 0}


def drop_edges() -> CounterEdges:
    """Return the edges of dropped heartbeats, by reason."""
    return CounterEdges("heartbeats_dropped.")


def liveness_reasons(report: TickReport) -> tuple[str, ...]:
    """Return why the gateway is not well, also where its state says it and no threshold does; empty when it is."""
    state = report.vitals.state
    if report.vitals.reasons:
        return tuple(report.vitals.reasons)
    if state is VitalsState.GONE:
        return (PROCESS_GONE,)
    if report.snapshot is None:
        return (UNREADABLE,)
    return (PROCESS_STOPPED,) if state is VitalsState.FROZEN else ()
