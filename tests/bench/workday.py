"""Ticks in the middle of a working day, with the limits that hold by default: turns begin, and due times come up.

Time is the machine's, put forward by a second for each tick: what takes minutes passes in as long as it costs.
"""

import random
import time
from pathlib import Path

from livewatch.agent import Agent
from livewatch.clock import SystemClock
from livewatch.sources.board import BoardSource
from livewatch_classifiers.vocabulary import Attention
from tests.bench.figures import Figure, figure
from tests.bench.tick import Crowd, NoIntents

TURN_S = 60
SLOW_SHARE = 0.1
"""Of the sessions: in a turn that is longer than every limit, and makes progress."""
PROGRESS_SHARE = 0.1
_WARM_UP_S = 130
"""Longer than `warn_after`: from then on as many due times come up in each second as in any other."""


class AheadClock(SystemClock):
    """The machine's clock, put forward."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        """Return monotonic seconds."""
        return super().monotonic_s() + self.ahead_s

    def monotonic_ns(self) -> int:
        """Return the same in nanoseconds."""
        return time.monotonic_ns() + round(self.ahead_s * 1e9)


async def working_day(folder: Path, size: int, seconds: int = 60) -> list[Figure]:
    """Return what a tick costs, in ms: every session in turns of `TURN_S` but for the slow ones, a tenth progress."""
    clock, chance = AheadClock(), random.Random(9)
    crowd = Crowd(folder / f"workday-{size}", size, clock.monotonic_ns)
    agent = Agent(BoardSource(crowd.writer.path, None, clock, name="bench"), clock=clock, intents=NoIntents())
    slow = round(size * SLOW_SHARE)
    turns = list(range(slow, size))
    chance.shuffle(turns)
    costs_ms: list[float] = []
    for second in range(_WARM_UP_S + seconds):
        clock.ahead_s += 1.0
        for slot in turns[second % TURN_S :: TURN_S]:
            crowd.begin_turn(slot)
        for slot in chance.sample(range(size), round(size * PROGRESS_SHARE)):
            crowd.writer.stamp(slot, clock.monotonic_ns())
        crowd.beat()
        began_s = time.perf_counter()
        await agent.tick()
        costs_ms.append((time.perf_counter() - began_s) * 1e3)
    assert agent.report is not None
    labels = [verdict.attention for verdict in agent.report.verdicts.values()]
    assert labels.count(Attention.LONG_RUNNING) == slow
    assert labels.count(Attention.NONE) == size - slow
    await agent.close()
    crowd.writer.close()
    name = f"working day of {size:,}, a tick"
    measured_ms = costs_ms[_WARM_UP_S:]
    middle_ms = sorted(measured_ms)[len(measured_ms) // 2]
    return [
        figure(name, measured_ms, "ms", "median tick", middle_ms),
        figure(f"{name}, the slowest", [max(measured_ms)], "ms", "median tick", middle_ms),
    ]
