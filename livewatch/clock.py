"""Time as an argument: the one place that reads the machine's clocks."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the agent may ask about time; the simulator has its own."""

    def monotonic_s(self) -> float:
        """Return seconds of ``CLOCK_MONOTONIC``; the base of every age."""
        ...

    def boottime_s(self) -> float:
        """Return seconds since boot including suspend; the difference to monotonic grows while the host sleeps."""
        ...

    def wall_s(self) -> float:
        """Return Unix time; for the journal and exports only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic_s(self) -> float:
        """Return seconds of ``CLOCK_MONOTONIC``."""
        return time.monotonic()

    def boottime_s(self) -> float:
        """Return ``CLOCK_BOOTTIME`` where the system has it, else monotonic seconds."""
        identifier = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if identifier is None else time.clock_gettime(identifier)

    def wall_s(self) -> float:
        """Return Unix time."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` on the running loop."""
        await asyncio.sleep(seconds)
