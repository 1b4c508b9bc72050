"""Renders and writes log lines on a thread of its own: neither a storm nor a full pipe may hold up a tick."""

import contextlib
from collections.abc import Callable
from queue import Full, Queue
from threading import Thread
from time import monotonic
from typing import TextIO

_QUEUE_LINES = 2048


class LineWriter:
    """A bounded queue of lines; what does not fit is dropped and counted."""

    def __init__(self, stream: TextIO) -> None:
        self.dropped = 0
        self._stream = stream
        self._lines: Queue[Callable[[], str | None] | None] = Queue(_QUEUE_LINES)
        self._thread = Thread(target=self._run, name="livewatch-log", daemon=True)
        self._thread.start()

    def write(self, line: Callable[[], str | None]) -> bool:
        """Queue one line, rendered when its turn comes and return at once; false when dropped. ``None`` is left out."""
        try:
            self._lines.put_nowait(line)
        except Full:
            self.dropped += 1
            return False
        return True

    def close(self, timeout_s: float) -> None:
        """Write what is queued, for at most ``timeout_s`` seconds. Safe to call twice."""
        deadline_s = monotonic() + timeout_s
        with contextlib.suppress(Full):
            self._lines.put(None, timeout=max(0.0, timeout_s))
        self._thread.join(max(0.0, deadline_s - monotonic()))

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # stderr may be closed or gone; nobody is left to tell
                text = line()
                if text is not None:
                    self._stream.write(text + "\n")
                if self._lines.empty():
                    self._stream.flush()
