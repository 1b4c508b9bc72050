"""Operators' holds: sessions that recovery leaves alone until a moment, or until somebody resumes."""

from fnmatch import fnmatchcase
from math import isinf

EVERY_SESSION = "*"


class Holds:
    """Globs over session keys, each with the monotonic moment at which it ends."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def hold(self, glob: str, until_s: float) -> None:
        """Leave every session that matches ``glob`` alone until ``until_s`` (infinity: until resumed)."""
        self._until_s[glob] = until_s

    def resume(self, glob: str | None = None) -> int:
        """Let go of one glob, or of all; return how many holds ended."""
        if glob is None:
            count = len(self._until_s)
            self._until_s.clear()
            return count
        return 0 if self._until_s.pop(glob, None) is None else 1

    def holds(self, session: str, now_s: float) -> bool:
        """Return whether the session is held at ``now_s``."""
        return any(until_s > now_s and fnmatchcase(session, glob) for glob, until_s in self._until_s.items())

    def listed(self, now_s: float) -> dict[str, float | None]:
        """Return the globs that hold now, with their remaining seconds; ``None`` until somebody resumes."""
        remaining = {glob: until_s - now_s for glob, until_s in self._until_s.items() if until_s > now_s}
        return {glob: None if isinf(left_s) else left_s for glob, left_s in remaining.items()}
