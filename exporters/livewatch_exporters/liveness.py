"""When to warn of a gateway that is not well: as it begins, and not again and again while it flaps."""

from livewatch_classifiers.report import TickReport
from livewatch_exporters.attributes import PROCESS_GONE, UNREADABLE
from livewatch_exporters.edges import liveness_reasons

COOL_DOWN_S = 300.0
"""For so long after a warning the same reason warns no more; its time is still counted."""

_ALWAYS = (PROCESS_GONE, UNREADABLE)
"""Each time is another gateway that ended, or another time in which nobody was watched."""


class LivenessWarnings:
    """Edge-triggered: a reason that merely lasts is no news."""

    def __init__(self, cool_down_s: float = COOL_DOWN_S) -> None:
        self._cool_down_s = cool_down_s
        self._standing: tuple[str, ...] = ()
        self._warned_s: dict[str, float] = {}

    def new(self, report: TickReport) -> tuple[str, ...]:
        """Return the reasons to warn of in this tick; call it once per tick."""
        reasons = liveness_reasons(report)
        begun = [reason for reason in reasons if reason not in self._standing]
        self._standing = reasons
        due = tuple(reason for reason in begun if self._cool(reason, report.now_s))
        self._warned_s |= dict.fromkeys(due, report.now_s)
        return due

    def _cool(self, reason: str, now_s: float) -> bool:
        warned_s = self._warned_s.get(reason)
        return reason in _ALWAYS or warned_s is None or now_s - warned_s >= self._cool_down_s
