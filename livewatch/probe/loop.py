"""Loop delay, measured on the loop: a timer that notes how late it fired."""

import asyncio
import time

from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import STALL_RING, bucket_of
from livewatch.probe.selector_clock import SelectorClock

RESOLUTION_S = 0.02
STALL_NS = 100_000_000
"""A delay beyond this is written down as an interval in which nothing on the loop could make progress."""


class LoopSampler:
    """Fires every 20 ms on the loop and writes heartbeat, delay histogram, stalls and utilization onto the board."""

    def __init__(self, board: BoardWriter, resolution_s: float = RESOLUTION_S) -> None:
        self._words = board.words
        self._board = board
        self._resolution_s = resolution_s
        self._resolution_ns = round(resolution_s * 1e9)
        self._histogram_at = board.layout.histogram_at // 8
        self._stalls_at = board.layout.stalls_at // 8
        self._stalls = 0
        self._last_ns = 0
        self._last_cpu_ns = 0
        self._selector_clock = SelectorClock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._selector_clock.start(self._loop)
        self._last_ns, self._last_cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        self._board.set("loop_heartbeat_ns", self._last_ns)
        self._timer = self._loop.call_later(self._resolution_s, self._sample)

    def stop(self) -> None:
        """End; safe before `start` and twice."""
        if self._timer is not None:
            self._timer.cancel()
        self._selector_clock.stop()
        self._loop = None

    def _sample(self) -> None:
        now_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        elapsed_ns = now_ns - self._last_ns
        late_ns = max(0, elapsed_ns - self._resolution_ns)
        # A loop that sleeps in a call uses no CPU and is busy all the same: its lateness is the witness.
        busy_ns = max(cpu_ns - self._last_cpu_ns, late_ns)
        delay_ns, began_ns = late_ns, now_ns - late_ns
        watched = self._selector_clock.take()
        if watched is not None:  # then it is known, not inferred from when this timer happened to be due
            busy_ns, (longest_at_ns, longest_ns) = watched
            if longest_ns > late_ns:
                delay_ns, began_ns = longest_ns, longest_at_ns
        busy_ns = min(elapsed_ns, busy_ns)
        self._words[self._histogram_at + bucket_of(delay_ns)] += 1
        self._board.add("loop_samples")
        self._board.reap()
        self._board.add("loop_busy_ns", busy_ns)
        self._board.add("loop_idle_ns", elapsed_ns - busy_ns)
        if delay_ns > STALL_NS:
            self._stall(began_ns, began_ns + delay_ns)
        # Last of all: who sees this heartbeat must also see the stall that ended with it.
        self._board.set("loop_heartbeat_ns", now_ns)
        self._last_ns, self._last_cpu_ns = now_ns, cpu_ns
        if self._loop is not None:
            self._timer = self._loop.call_later(self._resolution_s, self._sample)

    def _stall(self, start_ns: int, end_ns: int) -> None:
        entry = self._stalls_at + 2 * (self._stalls % STALL_RING)
        self._words[entry] = start_ns
        self._words[entry + 1] = end_ns
        self._stalls += 1
        self._board.set("stalls", self._stalls)
