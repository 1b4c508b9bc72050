"""Reports of ticks, as far as a supervisor's side looks at them."""

from types import MappingProxyType

from livewatch_classifiers.model import Snapshot, Vitals
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import VitalsVerdict
from livewatch_classifiers.vocabulary import VitalsState


def seen(*transitions: Transition) -> TickReport:
    snapshot = Snapshot(Vitals(0.0), MappingProxyType({}))
    verdict = VitalsVerdict(VitalsState.RESPONSIVE)
    return TickReport("gw", 0.0, 0.0, snapshot, "", verdict, None, transitions=transitions)


def blind(problem: str = "no board at x") -> TickReport:
    return TickReport("gw", 0.0, 0.0, None, problem, VitalsVerdict(VitalsState.GONE), None)
