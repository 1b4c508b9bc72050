"""One tick over many sessions: a real board file, a real agent, and the full scan of the same snapshot beside it."""

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from livewatch.agent import Agent
from livewatch.clock import SystemClock
from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import ACTIVITIES, STATES
from livewatch.recording import Frame, encode_frame
from livewatch.sources.board import BoardSource
from livewatch_classifiers.decision import Act, Completed
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_exporters.gauges import LastLook, points
from tests.bench.figures import Figure, figure

SIZES = (1_000, 10_000, 100_000)
SHARES = (0.0, 0.01, 0.1)
ROUNDS = 7


class NoIntents:
    """A journal that nothing is written to: here nobody is sick."""

    async def intent(self, act: Act) -> None:
        """Do nothing."""

    def completed(self, done: Completed) -> None:
        """Do nothing."""


class Crowd:
    """A board full of sessions that are all in a model call and well; by ``now_ns`` it is so many nanoseconds."""

    def __init__(self, path: Path, size: int, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.writer = BoardWriter(path, size)
        self.size = size
        self.now_ns = now_ns
        self.writer.set("phase", 1)
        self.beat()
        began_ns = now_ns()
        values = {
            "used": 1,
            "state": STATES.index("processing"),
            "state_since_ns": began_ns,
            "owner": 1,
            "run_started_ns": began_ns,
            "activity": ACTIVITIES.index("model_call"),
            "activity_owner": 1,
            "activity_since_ns": began_ns,
            "generation": 1,
        }
        for number in range(size):
            slot = self.writer.acquire()
            assert slot is not None
            texts = {"key": f"agent:main:{number}", "run_id": f"r{number}", "handle": "h"}
            self.writer.stamp(slot, began_ns)
            self.writer.write(slot, values, texts)

    def beat(self) -> None:
        """Move the loop's heartbeat, as a loop that runs does."""
        for name in ("loop_heartbeat_ns", "thread_heartbeat_ns"):
            self.writer.set(name, self.now_ns())

    def progress(self, share: float) -> None:
        """Let a random part of the sessions make progress."""
        for slot in random.sample(range(self.size), round(self.size * share)):
            self.writer.stamp(slot, self.now_ns())

    def change(self, share: float) -> None:
        """Let a random part of the sessions change state."""
        for slot in random.sample(range(self.size), round(self.size * share)):
            self.writer.write(slot, {"queued": random.randrange(1, 1000)})

    def begin_turn(self, slot: int, texts: dict[str, str] | None = None) -> None:
        """Begin a run, and a model call in it."""
        now_ns = self.now_ns()
        self.writer.stamp(slot, now_ns)
        values = {"state_since_ns": now_ns, "run_started_ns": now_ns, "activity_since_ns": now_ns}
        self.writer.write(slot, values, texts)


async def tick_costs(folder: Path, sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> list[Figure]:
    """Return what a tick costs for each number of sessions and share of them that changed, in milliseconds."""
    figures: list[Figure] = []
    for size in sizes:
        figures += await _of_size(folder / f"board-{size}", size, rounds)
    return figures


async def _of_size(path: Path, size: int, rounds: int) -> list[Figure]:
    crowd = Crowd(path, size)
    source = BoardSource(path, None, SystemClock(), name="bench")
    # However long this takes, nobody falls silent: the cost of the healthy is measured.
    agent = Agent(source, clock=SystemClock(), intents=NoIntents(), thresholds=Thresholds(warn_after_s=24 * 3600.0))
    await agent.tick()
    await agent.tick()
    scans_ms, jsons_ms = await _of_every_session(path, agent.thresholds)
    base, baseline = statistics.median(scans_ms), f"full scan of {size:,}"
    figures = [
        figure(baseline, scans_ms, "ms", baseline, base),
        figure(f"json of {size:,} sessions", jsons_ms, "ms", baseline, base),
    ]
    for word, alter in (("progressed", crowd.progress), ("changed state", crowd.change)):
        for share in SHARES if word == "progressed" else SHARES[1:]:
            costs_ms: list[float] = []
            for _ in range(rounds):
                alter(share)
                crowd.beat()
                began_s = time.perf_counter()
                await agent.tick()
                costs_ms.append((time.perf_counter() - began_s) * 1e3)
            figures.append(figure(f"tick of {size:,}, {share:.0%} {word}", costs_ms, "ms", baseline, base))
    report = agent.report
    assert report is not None
    assert len(report.verdicts) == size
    passes_ms = [_took_ms(lambda: points(LastLook(report, {}), agent.thresholds)) for _ in range(3)]
    figures.append(figure(f"gauges of {size:,}, once a scrape", passes_ms, "ms", baseline, base))
    await agent.close()
    crowd.writer.close()
    return figures


async def _of_every_session(path: Path, thresholds: Thresholds) -> tuple[list[float], list[float]]:
    """Return what a full scan and a JSON text of the same board take, in ms.

    By a reader of its own: nobody keeps every session decoded beside an agent that decodes hardly any.
    """
    source = BoardSource(path, None, SystemClock(), name="bench")
    snapshot = await source.sample()

    def full_scan() -> None:
        for session in snapshot.sessions.values():
            classify_session(session, snapshot.vitals, thresholds)

    scans_ms = [_took_ms(full_scan) for _ in range(3)]
    jsons_ms = [_took_ms(lambda: encode_frame(Frame(0.0, "bench", snapshot))) for _ in range(3)]
    await source.close()
    return scans_ms, jsons_ms


def _took_ms(call: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    call()
    return (time.perf_counter() - began_s) * 1e3
