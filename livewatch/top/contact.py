"""Whether somebody answers: found, lost, found again. Pure; times are monotonic seconds."""

from dataclasses import dataclass, replace

from livewatch.durations import format_duration

_SLOW_S = 2.5
"""An answer that is this much older than the time between two looks is told."""
_BACK_TOLD_S = 5.0


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of the one who is asked."""

    who: str
    """In words: ``the agent`` or ``the board``."""
    interval_s: float = 1.0
    answered_s: float | None = None
    lost_s: float | None = None
    """When it first did not answer; ``None`` while it does."""
    problem: str = ""
    back_s: float | None = None
    """When it answered again after it had been lost."""

    def answered(self, now_s: float) -> "Contact":
        """Return the state after an answer."""
        back_s = self.back_s if self.lost_s is None else now_s
        return replace(self, answered_s=now_s, lost_s=None, problem="", back_s=back_s)

    def missed(self, problem: str, now_s: float) -> "Contact":
        """Return the state after no answer."""
        return replace(self, lost_s=now_s if self.lost_s is None else self.lost_s, problem=problem)

    def fresh(self, now_s: float) -> bool:
        """Return whether what is shown is the present."""
        return self.lost_s is None and not self._late(now_s)

    def words(self, now_s: float) -> str:
        """Return what to tell; nothing while all is well."""
        if self.lost_s is not None:
            since = (
                "" if self.answered_s is None else f", last seen {format_duration(round(now_s - self.answered_s))} ago"
            )
            return f"{self.who} is lost{since}; asking again: {self.problem}"
        if self.answered_s is not None and self._late(now_s):
            return f"{self.who} has not answered for {format_duration(round(now_s - self.answered_s))}"
        if self.back_s is not None and now_s - self.back_s < _BACK_TOLD_S:
            return f"{self.who} answers again"
        return ""

    def _late(self, now_s: float) -> bool:
        return self.answered_s is not None and now_s - self.answered_s > self.interval_s + _SLOW_S
