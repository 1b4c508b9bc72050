"""The loop sampler on real loops: what it says of a block is the block, wherever its timer stood."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import HEADER, HISTOGRAM_BUCKETS, STALL_RING, bucket_middle_s
from livewatch.probe.loop import RESOLUTION_S, LoopSampler

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
Factory = Callable[[], asyncio.AbstractEventLoop]


def sampled(board: BoardWriter, block_s: float, factory: Factory) -> float:
    """Block a loop once; return how long the block was by the clock, in seconds."""

    async def main() -> float:
        sampler = LoopSampler(board)
        sampler.start()
        turns = asyncio.Event()
        asyncio.get_running_loop().call_later(RESOLUTION_S * 1.5, turns.set)
        await turns.wait()  # in the middle between two samples
        began_s = time.monotonic()
        time.sleep(block_s)  # noqa: ASYNC251 -- the block that is measured
        took_s = time.monotonic() - began_s
        turns.clear()
        asyncio.get_running_loop().call_later(RESOLUTION_S * 2, turns.set)
        await turns.wait()
        sampler.stop()
        sampler.stop()
        return took_s

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


def longest_s(board: BoardWriter) -> float:
    """Return the largest delay in the histogram."""
    at = board.layout.histogram_at // 8
    filled = [bucket for bucket in range(HISTOGRAM_BUCKETS) if board.words[at + bucket]]
    return bucket_middle_s(filled[-1])


def test_a_block_between_two_samples_is_seen_whole(tmp_path: Path) -> None:
    board = BoardWriter(tmp_path / "board", 1)
    took_s = sampled(board, 0.05, asyncio.new_event_loop)
    assert longest_s(board) >= took_s * 0.96


@pytest.mark.parametrize("factory", LOOPS)
def test_a_long_block_is_a_stall_of_its_true_length_on_every_loop(tmp_path: Path, factory: Factory) -> None:
    board = BoardWriter(tmp_path / "board", 1)
    took_s = sampled(board, 0.3, factory)
    at = board.layout.stalls_at // 8
    stalls = [(board.words[at + 2 * n], board.words[at + 2 * n + 1]) for n in range(STALL_RING)]
    lengths_s = [(end - start) / 1e9 for start, end in stalls if end]
    assert len(lengths_s) == board.words[HEADER["stalls"]]
    assert max(lengths_s) >= took_s - RESOLUTION_S
    assert board.words[HEADER["loop_busy_ns"]] >= (took_s - RESOLUTION_S) * 1e9


def test_the_selector_is_left_as_it_was(tmp_path: Path) -> None:
    async def main() -> tuple[bool, bool]:
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  # what the sampler watches
        sampler = LoopSampler(BoardWriter(tmp_path / "board", 1))
        sampler.start()
        during = "select" in vars(selector)
        sampler.stop()
        return during, "select" in vars(selector)

    assert asyncio.run(main()) == (True, False)
