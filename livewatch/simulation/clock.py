"""Virtual time: a heap of events that is walked as fast as the machine can, and the clocks that read it.

The scenario's axis is real time in seconds since its start. A suspend stops ``CLOCK_MONOTONIC`` but not the boot
clock; a jump moves the wall clock alone.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

MONOTONIC_BASE_S: Final = 100_000.0
"""Monotonic seconds at the start, so that moments before the scenario are positive too."""
WALL_BASE_S: Final = 1_780_000_000.0


class Event:
    """Something that happens at a moment; cancelling leaves it in the heap, without effect."""

    __slots__ = ("call", "cancelled")

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.cancelled = False


class Timeline:
    """Events in the order of their time; those of one moment in the order in which they were planned."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._heap: list[tuple[float, int, Event]] = []
        self._sequence = 0

    def at(self, moment_s: float, call: Callable[[], None]) -> Event:
        """Plan ``call`` for a moment of the axis; a moment in the past means now."""
        event = Event(call)
        self._sequence += 1
        heapq.heappush(self._heap, (max(moment_s, self.now_s), self._sequence, event))
        return event

    def after(self, delay_s: float, call: Callable[[], None]) -> Event:
        """Plan ``call`` in ``delay_s`` seconds."""
        return self.at(self.now_s + delay_s, call)

    def next_s(self) -> float | None:
        """Return the moment of the next event, or ``None`` when nothing is planned."""
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def step(self) -> bool:
        """Let the next event happen; return False when there is none."""
        if self.next_s() is None:
            return False
        moment_s, _, event = heapq.heappop(self._heap)
        self.now_s = max(self.now_s, moment_s)
        event.call()
        return True

    def run_until(self, moment_s: float) -> None:
        """Let everything happen that is due up to and including ``moment_s``, and stand there."""
        heap = self._heap
        while heap and heap[0][0] <= moment_s:
            due_s, _, event = heapq.heappop(heap)
            if not event.cancelled:
                self.now_s = max(self.now_s, due_s)
                event.call()
        self.now_s = max(self.now_s, moment_s)


class SimulatedClock:
    """The clocks of the simulated host, as `livewatch.clock.Clock` wants them."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._suspended_s = 0.0
        self._asleep_since_s: float | None = None
        self._jumped_s = 0.0
        self._shifts: list[tuple[float, float]] = []

    def monotonic_s(self) -> float:
        """Return monotonic seconds: they stand still while the host sleeps."""
        now_s = self._timeline.now_s
        asleep_s = 0.0 if self._asleep_since_s is None else now_s - self._asleep_since_s
        return MONOTONIC_BASE_S + now_s - self._suspended_s - asleep_s

    def boottime_s(self) -> float:
        """Return seconds since boot, sleep included."""
        return MONOTONIC_BASE_S + self._timeline.now_s

    def wall_s(self) -> float:
        """Return Unix time, with every jump."""
        return WALL_BASE_S + self._timeline.now_s + self._jumped_s

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time; whoever walks the timeline must let the loop run in between."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timeline.after(seconds, lambda: None if done.done() else done.set_result(None))
        await done

    def fall_asleep(self) -> None:
        """Stop the monotonic clock."""
        if self._asleep_since_s is None:
            self._asleep_since_s = self._timeline.now_s

    def wake_up(self) -> float:
        """Start the monotonic clock again; return how many seconds it stood."""
        if self._asleep_since_s is None:
            return 0.0
        slept_s = self._timeline.now_s - self._asleep_since_s
        self._suspended_s += slept_s
        self._asleep_since_s = None
        self._shifts.append((self.monotonic_s(), slept_s))
        return slept_s

    def jump(self, seconds: float) -> None:
        """Move the wall clock."""
        self._jumped_s += seconds
        self._shifts.append((self.monotonic_s(), seconds))

    def wall_age_s(self, moment_s: float) -> float:
        """Return how old a monotonic moment looks on the wall clock: with every sleep and every jump since."""
        shifted_s = sum(delta_s for at_s, delta_s in self._shifts if at_s >= moment_s)
        return self.monotonic_s() - moment_s + shifted_s
