"""A log line for each tick, for whoever asks for the level debug."""

from collections import Counter
from collections.abc import Callable, Mapping

from livewatch_classifiers.report import TickReport


class TickLines:
    """A `TickListener` that tells what each tick saw and decided, and how long it took."""

    def __init__(self, say: Callable[[str, str, Mapping[str, object], float | None], None]) -> None:
        self._say = say

    def on_tick(self, report: TickReport) -> None:
        """Tell one tick."""
        counts = Counter(verdict.attention.value for verdict in report.verdicts.values())
        facts: dict[str, object] = {
            "state": report.vitals.state.value,
            "sessions": len(report.verdicts),
            **counts,
            "decisions": len(report.decisions),
            "sample_ms": round(report.sample_duration_s * 1000, 3),
            "tick_ms": round(report.tick_duration_s * 1000, 3),
            "late_ms": round(report.lateness_s * 1000, 3),
            "problem": report.problem,
        }
        self._say("debug", "livewatch.tick", facts, report.wall_s)
