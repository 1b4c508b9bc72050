"""Signs of life, and the time in which nobody can be blamed."""

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from livewatch.probe.layout import STALL_RING, bucket_middle_s, bucket_of
from livewatch.sources.board import BoardSource
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.vocabulary import Phase, ProcessState
from tests.sources.board_on_disk import ASLEEP, Board, Clock, until

Make = Callable[..., Board]
S = 1_000_000_000


async def test_heartbeats_phase_and_readiness_arrive(make: Make, source: BoardSource) -> None:
    make(phase=2, ready_ns=20 * S, loop_heartbeat_ns=999 * S, thread_heartbeat_ns=998 * S)
    vitals = (await source.sample()).vitals
    assert (vitals.phase, vitals.ready_s) == (Phase.DRAINING, 20.0)
    assert (vitals.loop_heartbeat_s, vitals.thread_heartbeat_s) == (999.0, 998.0)
    assert vitals.now_s == 1000.0


async def test_a_probe_that_is_on_no_loop_has_no_heartbeat_and_no_stall(make: Make, source: BoardSource) -> None:
    make()
    vitals = (await source.sample()).vitals
    assert vitals.loop_heartbeat_s is None
    assert vitals.thread_heartbeat_s is None
    assert not vitals.blind.intervals()


async def test_an_impossible_phase_is_counted(make: Make, source: BoardSource) -> None:
    make(phase=77)
    assert (await source.sample()).counters["unreadable_fields"] == 1


async def test_delay_is_that_of_the_time_since_the_last_look(make: Make, source: BoardSource, clock: Clock) -> None:
    board = make()
    board.delays(bucket_of(5 * S), 1)
    first = (await source.sample()).vitals
    assert (first.loop_delay_p99_s, first.loop_delay_max_s) == (None, None)
    board.delays(0, 1000)
    board.delays(bucket_of(S // 2), 2)
    clock.now_s += 1
    second = (await source.sample()).vitals
    assert second.loop_delay_p99_s == bucket_middle_s(0)
    assert second.loop_delay_max_s == pytest.approx(0.5, rel=0.04)
    third = (await source.sample()).vitals
    assert (third.loop_delay_p99_s, third.loop_delay_max_s) == (None, None)


async def test_utilization_is_the_busy_share_since_the_last_look(make: Make, source: BoardSource) -> None:
    board = make(loop_busy_ns=5 * S, loop_idle_ns=5 * S)
    assert (await source.sample()).vitals.loop_utilization is None
    board.header(loop_busy_ns=6 * S, loop_idle_ns=8 * S)
    assert (await source.sample()).vitals.loop_utilization == 0.25
    assert (await source.sample()).vitals.loop_utilization is None


async def test_stalls_of_the_ring_stay_blind_time_after_the_ring_forgot_them(
    make: Make, source: BoardSource, clock: Clock
) -> None:
    board = make(loop_heartbeat_ns=1000 * S)
    board.stall(0, 100, 101)
    board.stall(1, 200, 202)
    assert (await source.sample()).vitals.blind.intervals() == [(100, 101), (200, 202)]
    for number in range(2, 2 + STALL_RING):
        board.stall(number, 300 + number, 300.5 + number)
    clock.now_s = 1001.0
    snapshot = await source.sample()
    assert snapshot.vitals.blind.overlap(0, 1001) == 3 + STALL_RING / 2 + 1.0
    assert snapshot.counters["stall_ring_overruns"] == 0


async def test_stalls_that_the_ring_lost_are_counted(make: Make, source: BoardSource) -> None:
    board = make()
    await source.sample()
    for number in range(STALL_RING + 5):
        board.stall(number, 100 + number, 100.5 + number)
    assert (await source.sample()).counters["stall_ring_overruns"] == 5


async def test_the_ongoing_stall_is_blind_until_the_ring_knows_its_true_end(
    make: Make, source: BoardSource, clock: Clock
) -> None:
    board = make(loop_heartbeat_ns=990 * S)
    assert (await source.sample()).vitals.blind.intervals() == [(990, 1000)]
    clock.now_s = 1005.0
    assert (await source.sample()).vitals.blind.intervals() == [(990, 1005)]
    board.stall(0, 990.02, 1003)
    board.header(loop_heartbeat_ns=1005 * S)
    assert (await source.sample()).vitals.blind.intervals() == [(990.02, 1003)]


async def test_a_punctual_heartbeat_is_no_stall(make: Make, source: BoardSource) -> None:
    make(loop_heartbeat_ns=round(999.95 * S))
    assert not (await source.sample()).vitals.blind.intervals()


@pytest.mark.parametrize(("start_s", "end_s"), [(0.001, 900), (500, 400), (500, 1e9), (0, 0)])
async def test_a_damaged_ring_entry_makes_nobody_blameless(
    make: Make, source: BoardSource, start_s: float, end_s: float
) -> None:
    make().stall(0, start_s, end_s)
    assert not (await source.sample()).vitals.blind.intervals()


async def test_blind_time_is_forgotten_after_a_day(make: Make, source: BoardSource, clock: Clock) -> None:
    make().stall(0, 100, 101)
    assert (await source.sample()).vitals.blind.intervals()
    clock.now_s += 24 * 3600
    assert not (await source.sample()).vitals.blind.intervals()


async def test_a_suspended_host_is_told_once(make: Make, source: BoardSource, clock: Clock) -> None:
    make()
    assert not (await source.sample()).vitals.suspended
    clock.asleep_s = 60
    assert (await source.sample()).vitals.suspended
    assert not (await source.sample()).vitals.suspended


async def test_the_blocked_stack_is_read_under_its_lock(make: Make, source: BoardSource) -> None:
    board = make()
    assert (await source.sample()).vitals.stack is None
    board.stack("a.py:1 f\nb.py:2 g", seq=2, captured_s=900, count=3)
    stack = (await source.sample()).vitals.stack
    assert stack is not None
    assert (stack.text, stack.captured_s, stack.count) == ("a.py:1 f\nb.py:2 g", 900.0, 3)
    assert (await source.sample()).vitals.stack is stack
    board.stack("half", seq=3, captured_s=950)
    assert (await source.sample()).vitals.stack is stack


async def test_a_stopped_gateway_is_seen_as_stopped_then_as_running_then_as_gone(
    make: Make, source: BoardSource, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    gateway = start(ASLEEP)
    make(pid=gateway.pid)
    gateway.send_signal(signal.SIGSTOP)
    await _until_state(source, {ProcessState.STOPPED})
    gateway.send_signal(signal.SIGCONT)
    await _until_state(source, {ProcessState.RUNNING, ProcessState.SLEEPING})
    gateway.kill()  # not waited for: a zombie is still in the process table
    await _until_state(source, {ProcessState.GONE})


def test_a_command_name_with_parentheses_does_not_confuse_the_process_state() -> None:
    text = "12 (evil) R 1) S 1 2 3 4 5 6 7 8 99 10 11 12 13 14 15 16 17 18 4711 20"
    assert ProcessStat.parse(text) == ProcessStat(ProcessState.SLEEPING, 4711, 99)
    assert ProcessStat.parse("garbage").state is ProcessState.UNKNOWN


async def _until_state(source: BoardSource, wanted: set[ProcessState]) -> None:
    deadline_s = until()
    while (state := (await source.sample()).vitals.process) not in wanted:
        assert time.monotonic() < deadline_s, state
