"""The gateway's own activity tracker: begun and ended by hand, as in the incidents."""

from collections.abc import Generator
from contextlib import contextmanager


class ActivityTracker:
    """What a session is doing. An activity whose owner dies before `end` stays for ever, or until `clear`."""

    def __init__(self) -> None:
        self._open: list[object] = []

    @property
    def active(self) -> bool:
        """Whether anything was begun and not ended."""
        return bool(self._open)

    def begin(self, activity: object) -> None:
        """Note the begin of an activity; the object is kept alive until it ends."""
        self._open.append(activity)

    def end(self, activity: object) -> None:
        """Note the end of an activity; one that was cleared is ignored."""
        if activity in self._open:
            self._open.remove(activity)

    @contextmanager
    def during(self, activity: object) -> Generator[None]:
        """Track an activity for the length of a block."""
        self.begin(activity)
        try:
            yield
        finally:
            self.end(activity)

    def clear(self) -> int:
        """Forget everything; return how many there were."""
        count = len(self._open)
        self._open.clear()
        return count
