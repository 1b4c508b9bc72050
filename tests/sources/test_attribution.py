"""What stopped the loop: the pure rule, and real processes that are stopped in each way."""

import asyncio
import gc
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from livewatch.clock import SystemClock
from livewatch.probe.board import BoardWriter
from livewatch.probe.gc_clock import GcClock
from livewatch.probe.layout import HEADER
from livewatch.sources.attribution import StallFacts, stall_cause
from livewatch.sources.board import BoardSource
from livewatch_classifiers.model import Vitals
from livewatch_classifiers.vocabulary import StallCause

C = StallCause
LOOK_EVERY_S = 0.05


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (StallFacts(0.0, collected_s=1.0, thread_late_s=1.0, cpu_cores=1.0, host_share=1.0), C.UNKNOWN),
        (StallFacts(1.0), C.OWN_CODE),
        (StallFacts(1.0, collected_s=0.49), C.OWN_CODE),
        (StallFacts(1.0, collected_s=0.5, thread_late_s=1.0, cpu_cores=1.0), C.GARBAGE_COLLECTION),
        (StallFacts(1.0, thread_late_s=0.6, cpu_cores=1.0), C.GIL),
        (StallFacts(1.0, thread_late_s=0.4, cpu_cores=1.0), C.OWN_CODE),
        (StallFacts(1.0, thread_late_s=1.0, cpu_cores=0.1), C.STOPPED),
        (StallFacts(1.0, thread_late_s=1.0), C.OWN_CODE),
        (StallFacts(1.0, collected_s=1.0, host_share=0.5), C.HOST),
        (StallFacts(1.0, collected_s=1.0, host_share=0.49), C.GARBAGE_COLLECTION),
        (StallFacts(0.0, thrashing=True), C.HOST),
        (StallFacts(1.0, thrashing=True, suspended=True), C.SUSPEND),
    ],
)
def test_a_cause_must_account_for_half_of_the_stall_and_the_host_is_asked_first(
    facts: StallFacts, cause: StallCause
) -> None:
    assert stall_cause(facts) is cause


def test_only_full_collections_are_counted(tmp_path: Path) -> None:
    board = BoardWriter(tmp_path / "board", 4)
    clock, words = GcClock(board), board.words
    clock.start()
    try:
        gc.collect(0)
        assert words[HEADER["gc_ns"]] == 0
        gc.collect()
        assert words[HEADER["gc_ns"]] > 0
        assert words[HEADER["gc_since_ns"]] == 0
    finally:
        clock.stop()
        clock.stop()
        board.close()


GATEWAY = """
import asyncio, gc, re, sys, time
from livewatch.probe import Probe
from livewatch.probe.board import BoardWriter

def compute(until):
    while time.monotonic() < until: sum(range(1000))

def collect(until):
    rings = [[] for _ in range(1_500_000)]
    for ring in rings: ring.append(ring)
    while time.monotonic() < until: gc.collect()

def gil(until):
    while time.monotonic() < until: re.match(r"(a+)+$", "a" * 24 + "b")

async def main():
    async with Probe.open(sys.argv[1]) as probe:
        probe.ready()
        faults = {"compute": compute, "collect": collect, "gil": gil, "sleep": lambda until: time.sleep(2)}
        fault = faults.get(sys.argv[2])
        print("ready", flush=True)
        while True:
            await asyncio.sleep(0.5)
            if fault: fault(time.monotonic() + 2.0)

asyncio.run(main())
"""


@pytest.fixture(name="gateway")
def _gateway(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", GATEWAY, str(tmp_path / "board"), request.param]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.fixture(name="source")
async def _source(tmp_path: Path) -> AsyncGenerator[BoardSource]:
    source = BoardSource(tmp_path / "board", None, SystemClock())
    source._host._period_s = 0.2
    yield source
    await source.close()


async def look_until(source: BoardSource, wanted: Callable[[Vitals], bool]) -> None:
    """Look until it is as wanted, within a generous deadline."""
    ends_s = time.monotonic() + 60.0
    while not wanted(vitals := (await source.sample()).vitals):
        assert time.monotonic() < ends_s, vitals
        await asyncio.sleep(LOOK_EVERY_S)


@pytest.mark.parametrize(
    ("gateway", "cause"),
    [("compute", C.OWN_CODE), ("sleep", C.OWN_CODE), ("collect", C.GARBAGE_COLLECTION), ("gil", C.GIL)],
    indirect=["gateway"],
)
@pytest.mark.usefixtures("gateway")
async def test_a_real_loop_that_stands_is_attributed(source: BoardSource, cause: StallCause) -> None:
    await look_until(source, lambda vitals: vitals.cause is cause)


@pytest.mark.parametrize("gateway", ["none"], indirect=True)
async def test_a_stop_that_is_over_when_somebody_looks_is_known_as_one(
    source: BoardSource, gateway: subprocess.Popen[str]
) -> None:
    causes: set[StallCause] = set()

    def stopped_for(vitals: Vitals) -> float:
        return vitals.now_s - (vitals.thread_heartbeat_s or 0.0)

    def known(vitals: Vitals) -> bool:
        causes.add(vitals.cause)
        return StallCause.STOPPED in causes or stopped_for(vitals) < LOOK_EVERY_S * 2

    for _ in range(20):
        await look_until(source, lambda vitals: vitals.cpu_cores is not None)
        gateway.send_signal(signal.SIGSTOP)
        await look_until(source, lambda vitals: stopped_for(vitals) > 0.6)
        gateway.send_signal(signal.SIGCONT)
        await look_until(source, known)
        if StallCause.STOPPED in causes:
            break
    assert StallCause.STOPPED in causes
