"""The host sampler on real processes."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from livewatch.sources.board import BoardSource
from livewatch.sources.child_work import ChildWork
from livewatch.sources.host import HostSampler
from livewatch.sources.host_reading import HostReading
from livewatch_classifiers.model import Activity
from tests.sources.board_on_disk import ASLEEP, Board, Clock, until

BUSY = "while True: pass"
Start = Callable[[str], subprocess.Popen[bytes]]
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def sampler() -> Iterator[HostSampler]:
    sampler = HostSampler(period_s=0.05)
    yield sampler
    sampler.close()
    sampler.close()


def wait_for(
    sampler: HostSampler, pid: int, holds: Callable[[HostReading], bool], children: frozenset[int] = frozenset()
) -> HostReading:
    deadline_s, tick = until(), threading.Event()
    while not holds(reading := sampler.reading(pid, children)):
        assert time.monotonic() < deadline_s, reading
        tick.wait(0.01)
    return reading


def test_a_busy_process_is_measured(sampler: HostSampler, start: Start) -> None:
    pid = start(BUSY).pid
    assert sampler.reading(pid).cpu_cores is None
    reading = wait_for(sampler, pid, lambda reading: (reading.cpu_cores or 0) > 0.2)
    assert reading.rss_bytes is not None
    assert reading.rss_bytes > 1_000_000
    assert reading.file_descriptors is not None
    assert reading.created_wall_s is not None
    assert None not in (reading.cpu_user_s, reading.cpu_system_s, reading.measured_s)
    assert reading.threads == 1
    assert reading.major_faults_per_s is not None


def test_a_look_interns_nothing_for_the_interpreter_to_keep_room_for(
    sampler: HostSampler, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    interned: list[str] = []
    intern = sys.intern

    def noted(text: str) -> str:
        interned.append(text)
        return intern(text)

    pid = start(ASLEEP).pid
    first = wait_for(sampler, pid, lambda reading: reading.cpu_cores is not None).measured_s or 0.0
    monkeypatch.setattr(sys, "intern", noted)

    wait_for(sampler, pid, lambda reading: (reading.measured_s or 0.0) > first + 0.2)

    assert interned == []


def test_another_pid_never_gets_the_reading_of_the_one_before(sampler: HostSampler, start: Start) -> None:
    busy, asleep = start(BUSY).pid, start(ASLEEP).pid
    wait_for(sampler, busy, lambda reading: reading.cpu_cores is not None)
    assert sampler.reading(asleep).cpu_cores is None
    assert (wait_for(sampler, asleep, lambda reading: reading.cpu_cores is not None).cpu_cores or 0) < 0.5


def test_a_process_that_is_gone_leaves_only_what_the_host_knows(sampler: HostSampler, start: Start) -> None:
    ended = start("")
    ended.wait()
    wait_for(sampler, ended.pid, lambda _reading: sampler._latest is not None)
    assert sampler.reading(ended.pid).rss_bytes is None


def test_a_missing_permission_is_unknown_and_told_once(
    sampler: HostSampler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []

    def denied(process: psutil.Process) -> None:
        looks.append(process.pid)
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "num_threads", denied)
    with caplog.at_level(logging.WARNING):
        reading = wait_for(sampler, os.getpid(), lambda _reading: len(looks) >= 3)
    assert reading.cpu_cores is None
    assert len([record for record in caplog.records if "permission" in record.message]) == 1


def test_a_child_that_computes_is_seen_working_and_one_that_sleeps_is_not(sampler: HostSampler, start: Start) -> None:
    busy, asleep = start(BUSY).pid, start(ASLEEP).pid
    children = frozenset({busy, asleep})
    _settle(asleep)
    first = wait_for(sampler, os.getpid(), lambda reading: busy in reading.working_s, children)
    again = wait_for(
        sampler, os.getpid(), lambda reading: reading.working_s.get(busy, 0) > first.working_s[busy], children
    )
    assert asleep not in again.working_s


def test_the_work_of_a_grandchild_counts_for_the_child(start: Start) -> None:
    parent, work, deadline_s = start(PARENT).pid, ChildWork(), until()
    while not psutil.Process(parent).children():
        assert time.monotonic() < deadline_s
    _settle(parent)
    own = psutil.Process(parent).cpu_times()
    work.look(frozenset({parent}), 1.0)
    while parent not in (seen := work.look(frozenset({parent}), 2.0)):
        assert time.monotonic() < deadline_s
    assert seen == {parent: 2.0}
    assert psutil.Process(parent).cpu_times()[:2] == own[:2]


def test_what_was_seen_of_a_child_stays_after_it_ended(start: Start) -> None:
    process, work, deadline_s = start(BUSY), ChildWork(), until()
    child = frozenset({process.pid})
    while process.pid not in work.look(child, 3.0):
        assert time.monotonic() < deadline_s
    process.kill()
    process.wait()
    assert work.look(child, 4.0) == {process.pid: 3.0}
    assert not work.look(frozenset(), 5.0)


def test_a_child_that_never_was_is_not_seen_working() -> None:
    work = ChildWork()
    for _ in range(2):
        assert not work.look(frozenset({(1 << 22) + 7, 1 << 62}), 1.0)


async def test_work_of_a_tools_child_becomes_evidence_of_its_session(tmp_path: Path, start: Start) -> None:
    board = Board(tmp_path / "board")
    board.slot(0, used=1, key="k", activity=2, child_pid=start(BUSY).pid)
    source = BoardSource(board.path, None, Clock())
    source._host._period_s = 0.05
    deadline_s, activity = until(), Activity(None)
    while activity.working_s is None:
        assert time.monotonic() < deadline_s
        activity = (await source.sample()).sessions["k"].activity or activity
    while (snapshot := await source.sample()).vitals.rss_bytes is None:
        assert time.monotonic() < deadline_s
    assert snapshot.vitals.threads is not None
    await source.close()
    board.close()


def _settle(pid: int) -> None:
    """Wait until a process's start-up is over: it sleeps and has used nothing for 0.2 s."""
    deadline_s, process = until(), psutil.Process(pid)
    before, since_s = None, time.monotonic()
    while before is None or time.monotonic() - since_s < 0.2:
        assert time.monotonic() < deadline_s
        now = (process.status() == psutil.STATUS_SLEEPING, process.cpu_times()[:2], process.io_counters())
        if now != before or not now[0]:
            before, since_s = now, time.monotonic()
