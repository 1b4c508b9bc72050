"""Failures that are counted each time and told once per episode."""

from collections.abc import Callable
from threading import Lock

Say = Callable[..., None]


class Episodes:
    """A run of failures without a success between them is one episode. Callable from any thread."""

    def __init__(self, count: Callable[[str, str], None], say: Callable[[str, str, dict[str, object]], None]) -> None:
        self._count = count
        self._say = say
        self._failing: dict[str, int] = {}
        self._lock = Lock()

    def failed(self, what: str, *, signal: str, error: str, detail: str) -> None:
        """Count one failure of ``what``; the first of an episode is also logged, with ``detail``."""
        self._count(signal, error)
        with self._lock:
            self._failing[what] = self._failing.get(what, 0) + 1
            first = self._failing[what] == 1
        if first:
            self._say("warning", "livewatch.telemetry.failing", {"what": what, "error": error, "detail": detail})

    def worked(self, what: str) -> None:
        """Note a success of ``what``; if it ends an episode, that is logged."""
        with self._lock:
            failures = self._failing.pop(what, 0)
        if failures:
            self._say("info", "livewatch.telemetry.working", {"what": what, "failures": failures})
