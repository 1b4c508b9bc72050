"""What a gateway reports stays on the board: no event leaves memory behind, and progress takes none at all."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.probe import Probe

EVENTS = 1_000
SPARE_BLOCKS = 50
"""What the interpreter itself may take or give back meanwhile, however many events there are."""
ATTEMPTS = 5
"""The best one counts: in any of them the probe's own thread may wake up and look."""


@pytest.mark.parametrize("what", ["progress", "state change", "queue depth", "tool call", "model call"])
async def test_no_event_leaves_memory_behind(tmp_path: Path, what: str) -> None:
    async with Probe.open(tmp_path / "board", capacity=2) as probe:
        session = probe.session("s")
        async with session.run("r") as run:

            def tool_call() -> None:
                with run.tool_call("t", allowance=60):
                    pass

            def model_call() -> None:
                with run.model_call("m"):
                    run.progress("token")

            events: dict[str, Callable[[], object]] = {
                "progress": run.progress,
                "state change": lambda: session.state("processing"),
                "queue depth": lambda: session.queued(3),
                "tool call": tool_call,
                "model call": model_call,
            }
            event = events[what]
            gc.collect()
            left = [_blocks_left_by(event) for _ in range(ATTEMPTS)]
            assert min(left) < SPARE_BLOCKS


async def test_progress_takes_no_more_than_the_moment_itself(tmp_path: Path) -> None:
    async with Probe.open(tmp_path / "board", capacity=2) as probe, probe.session("s").run("r") as run:
        peaks = [_peak_bytes_of(run.progress) for _ in range(ATTEMPTS)]
        assert min(peaks) < 1024  # a few numbers, none of which outlives its call


def _blocks_left_by(event: Callable[[], object]) -> int:
    before = sys.getallocatedblocks()
    for _ in range(EVENTS):
        event()
    return sys.getallocatedblocks() - before


def _peak_bytes_of(event: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(EVENTS):
            event()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
