"""The probe's own thread: its heartbeat, and a look at where the loop is blocked."""

import selectors
import sys
import threading
import time
from types import FrameType

from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import HEADER, STACK_BYTES

PERIOD_S = 0.05
LATE_NS = 20_000_000
"""A thread that wakes later than this was kept from running: by the GIL, or with the whole process."""
BLOCKED_NS = 250_000_000
"""Age of the loop's heartbeat at which its stack is taken; the wait until the next look doubles."""
_DEPTH = 30
_PERIOD_NS = round(PERIOD_S * 1e9)


class Watcher:
    """Runs beside the loop; when the loop is blocked it records the loop thread's stack, never locals or contents."""

    def __init__(self, board: BoardWriter, loop_thread: int) -> None:
        self._board = board
        self._loop_thread = loop_thread
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livewatch-probe", daemon=True)
        self._look_at_ns = BLOCKED_NS
        self._text = ""
        self._count = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End within one period; safe to call twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        heartbeat = HEADER["loop_heartbeat_ns"]
        due_ns = time.monotonic_ns() + _PERIOD_NS
        while not self._ended.wait(PERIOD_S):
            now_ns = time.monotonic_ns()
            if now_ns - due_ns > LATE_NS:
                self._board.add("thread_late_ns", now_ns - due_ns)
            due_ns = now_ns + _PERIOD_NS
            self._board.set("thread_heartbeat_ns", now_ns)
            blocked_ns = now_ns - self._board.words[heartbeat]
            if blocked_ns < BLOCKED_NS:
                self._look_at_ns = BLOCKED_NS
            elif blocked_ns >= self._look_at_ns:
                self._look_at_ns *= 2
                self._record(now_ns)

    def _record(self, now_ns: int) -> None:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 -- the documented way  # pyright: ignore[reportPrivateUsage]
        if frame is None or frame.f_code.co_filename == selectors.__file__:
            return  # a loop that waits for events is blocked by nothing of its own: its process was stopped, or starved
        text = _stack(frame)
        self._count = self._count + 1 if text == self._text else 1
        self._text = text
        data = text.encode("utf-8", "replace")[-STACK_BYTES:]
        board = self._board
        board.add("stack_seq")
        board.put_text(board.layout.stack_at, data)
        board.set("stack_bytes", len(data))
        board.set("stack_captured_ns", now_ns)
        board.set("stack_count", self._count)
        board.add("stack_seq")


def _stack(frame: FrameType | None) -> str:
    lines: list[str] = []
    while frame is not None and len(lines) < _DEPTH:
        code = frame.f_code
        lines.append(f"{code.co_filename}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return "\n".join(reversed(lines))
