"""Finds a process's door and knocks there; looks for another one when nobody is behind it any more."""

from collections.abc import Callable

from livewatch.sources.zero_touch.door import Door, Listener, door_of, listeners, same_network
from livewatch.sources.zero_touch.knock import Knock

SEARCH_EVERY_KNOCKS = 15
"""A search walks every process's files; while there is no door it is made at every 15th knock only."""


class Doorbell:
    """Callable: one connection to the process, or ``None`` where there is no door to knock at."""

    def __init__(self, pid: int, port: int | None, find: Callable[[], list[Listener]] = listeners) -> None:
        """Knock at ``port``; without one, at whatever port the process alone listens on."""
        self._pid = pid
        self._port = port
        self._find = find
        self._door: Door | None = None
        self._knocks = 0

    def __call__(self) -> Knock | None:
        """Knock once."""
        if self._door is None and self._knocks % SEARCH_EVERY_KNOCKS == 0:
            same = same_network(self._pid)
            reachable = same is True or (same is None and self._port is not None)
            self._door = door_of(self._pid, self._port, self._find()) if reachable else None
        self._knocks += 1
        if self._door is None:
            return None
        try:
            knock = Knock(self._pid, self._door)
        except OSError:
            self._door, self._knocks = None, 0
            return None
        return knock
