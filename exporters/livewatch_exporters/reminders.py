"""When an unchanged sick session is mentioned again."""

from dataclasses import dataclass

from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import SICK

FIRST_S = 60.0
LONGEST_S = 4 * 3600.0


@dataclass(slots=True)
class _Reminder:
    since_s: float
    due_s: float
    pause_s: float = FIRST_S


class Reminders:
    """Each silence is twice as long as the one before it, from `FIRST_S` to `LONGEST_S` seconds."""

    def __init__(self) -> None:
        self._sick: dict[str, _Reminder] = {}

    def due(self, report: TickReport) -> list[tuple[str, float]]:
        """Return the sessions to mention again in this tick, with how many seconds they have been as they are."""
        for change in report.transitions:
            if change.after is not None and change.after.attention in SICK:
                self._sick[change.key] = _Reminder(report.now_s, report.now_s + FIRST_S)
            else:
                self._sick.pop(change.key, None)
        mentioned: list[tuple[str, float]] = []
        for key, reminder in self._sick.items():
            if report.now_s >= reminder.due_s and key in report.verdicts:
                mentioned.append((key, report.now_s - reminder.since_s))
                reminder.pause_s = min(2 * reminder.pause_s, LONGEST_S)
                reminder.due_s = report.now_s + reminder.pause_s
        return mentioned
