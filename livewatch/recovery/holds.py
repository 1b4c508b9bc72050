"""Operators' holds: sessions that recovery leaves alone until a moment, or until somebody resumes."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf, isinf

from livewatch.durations import format_duration

EVERY_SESSION = "*"


@dataclass(frozen=True, slots=True)
class OperatorHold:
    """One person's word about some sessions."""

    glob: str
    """Matches session keys, as a shell would."""
    until_s: float = inf
    """Monotonic moment at which it ends; infinity until somebody resumes."""
    by: str = "an operator"
    reason: str = ""
    """Why, in the operator's own words."""


class Holds:
    """The holds of one gateway; a later word about the same glob replaces the earlier one."""

    def __init__(self, held: Iterable[OperatorHold] = ()) -> None:
        self._held = {hold.glob: hold for hold in held}

    def hold(self, hold: OperatorHold) -> None:
        """Leave every session that matches alone until then."""
        self._held[hold.glob] = hold

    def resume(self, glob: str | None = None) -> int:
        """Let go of one glob, or of all; return how many holds ended."""
        if glob is None:
            count = len(self._held)
            self._held.clear()
            return count
        return 0 if self._held.pop(glob, None) is None else 1

    def why(self, session: str, now_s: float) -> str | None:
        """Return who holds the session at ``now_s`` and for how long still, in words; ``None`` when nobody does."""
        hold = next((hold for hold in self.current(now_s) if fnmatchcase(session, hold.glob)), None)
        if hold is None:
            return None
        left = "" if isinf(hold.until_s) else f" for {format_duration(hold.until_s - now_s)} more"
        return f"by {hold.by}{left}{f' ({hold.reason})' if hold.reason else ''}"

    def current(self, now_s: float) -> list[OperatorHold]:
        """Return the holds that have not ended at ``now_s``."""
        return [hold for hold in self._held.values() if hold.until_s > now_s]
