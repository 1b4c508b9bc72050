"""Blocks a real loop for known times, and compares what the board and well-known means say of the same run."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path

from livewatch.clock import SystemClock
from livewatch.probe import Probe
from livewatch.sources.board import BoardSource

BLOCKS_S = (0.02, 0.05, 0.1, 0.25, 0.5, 2.0)
DRIFT_EVERY_S = 0.5
"""Loop-lag gauges commonly sleep for so long and take what was too much."""
_SETTLE_S = 0.2
_TOOK = re.compile(r"took ([0-9.]+) seconds")


class SlowCallbacks(logging.Handler):
    """The longest callback of asyncio's debug log since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._longest_s = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Read one line."""
        found = _TOOK.search(record.getMessage())
        self._longest_s = max(self._longest_s, float(found[1]) if found else 0.0)

    def take(self) -> float:
        """Return and forget."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s


class SleepDrift:
    """A loop-lag gauge as many programs have it."""

    def __init__(self) -> None:
        self._worst_s = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            began_s = time.perf_counter()
            await asyncio.sleep(DRIFT_EVERY_S)
            self._worst_s = max(self._worst_s, time.perf_counter() - began_s - DRIFT_EVERY_S)

    def take(self) -> float:
        """Return and forget."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return worst_s


async def seen_blocks(folder: Path) -> list[tuple[float, dict[str, float]]]:
    """Return for each block its true length and what each means saw of it, in seconds."""
    drift = SleepDrift()
    with _debug_log() as slow:
        async with Probe.open(folder / "board", capacity=8) as probe:
            probe.ready()
            source = BoardSource(folder / "board", None, SystemClock(), name="bench")

            async def board_s() -> float:
                return (await source.sample()).vitals.loop_delay_max_s or 0.0

            drifting = asyncio.ensure_future(drift.run())
            found = [await _one(wanted_s, board_s, slow, drift) for wanted_s in BLOCKS_S]
            drifting.cancel()
            await source.close()
    return found


async def _one(
    wanted_s: float, board_s: Callable[[], Awaitable[float]], slow: SlowCallbacks, drift: SleepDrift
) -> tuple[float, dict[str, float]]:
    await asyncio.sleep(_SETTLE_S)
    await board_s()
    slow.take(), drift.take()
    began_s = time.perf_counter()
    time.sleep(wanted_s)  # noqa: ASYNC251 -- the block that is measured
    true_s = time.perf_counter() - began_s
    await asyncio.sleep(DRIFT_EVERY_S + _SETTLE_S)
    return true_s, {
        "board": await board_s(),
        "asyncio debug log": slow.take(),
        f"{DRIFT_EVERY_S:g} s sleep drift": drift.take(),
    }


@contextlib.contextmanager
def _debug_log() -> Generator[SlowCallbacks]:
    loop, log, slow = asyncio.get_running_loop(), logging.getLogger("asyncio"), SlowCallbacks()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.005
    log.addHandler(slow)
    try:
        yield slow
    finally:
        log.removeHandler(slow)
        loop.set_debug(False)
