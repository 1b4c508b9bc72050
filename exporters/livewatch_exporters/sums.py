"""Things that come every second, told at once and then as one sum a minute."""

from collections import Counter
from collections.abc import Mapping

EVERY_S = 60.0


class Sums:
    """Counts by name. The first ones of a name are told at once, what follows within a minute together."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self._every_s = every_s
        self._untold = Counter[str]()
        self._told_s: dict[str, float] = {}

    def due(self, new: Mapping[str, int], now_s: float) -> dict[str, int]:
        """Take new ones, and return what is to be told at ``now_s``, by name."""
        self._untold.update(new)
        due = {
            name: count
            for name, count in sorted(self._untold.items())
            if count and now_s - self._told_s.get(name, -self._every_s) >= self._every_s
        }
        for name in due:
            del self._untold[name]
            self._told_s[name] = now_s
        return due
