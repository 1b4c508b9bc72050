"""How long the loop ran between two waits, where its selector can be watched (asyncio's own loop; not uvloop)."""

import asyncio
import time
from collections.abc import Callable
from typing import Any


class SelectorClock:
    """Stands around the selector's ``select``: what is outside of it is time in which nothing else could run."""

    def __init__(self) -> None:
        self.longest = (0, 0)
        """Beginning and length in nanoseconds of the longest run of callbacks since the last `take`."""
        self._ran_ns = 0
        self._woke_ns = 0
        self._selector: Any = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch, if this loop has a selector that can be."""
        selector: Any = getattr(loop, "_selector", None)
        if callable(getattr(selector, "select", None)):
            self._woke_ns = time.monotonic_ns()
            self._selector = selector
            selector.select = self._around(selector.select)

    def stop(self) -> None:
        """Leave the selector as it was; safe before `start` and twice."""
        selector, self._selector = self._selector, None
        if selector is not None:
            del selector.select  # the class's own is found again

    def take(self) -> tuple[int, tuple[int, int]] | None:
        """Return what the loop ran since the last call, in nanoseconds, and the longest; ``None`` if unwatched."""
        if self._selector is None:
            return None
        ran_ns, longest = self._ran_ns, self.longest
        self._ran_ns, self.longest = 0, (0, 0)
        return ran_ns, longest

    def _around(self, select: Callable[..., Any]) -> Callable[..., Any]:
        now = time.monotonic_ns

        def watched(timeout: float | None = None) -> Any:
            ran_ns = now() - self._woke_ns
            self._ran_ns += ran_ns
            if ran_ns > self.longest[1]:
                self.longest = (self._woke_ns, ran_ns)
            try:
                return select(timeout)
            finally:
                self._woke_ns = now()

        return watched
