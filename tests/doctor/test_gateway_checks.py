"""The gateway's board, process and control socket, each well and each sick, for real."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from livewatch.configuration.settings import SourceKind
from livewatch.doctor import gateway_checks
from livewatch.doctor.finding import Finding, Health
from livewatch.probe import Levers, Probe
from livewatch.probe.layout import VERSION
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.vocabulary import ProcessState
from tests.doctor.conftest import MakeBoard, MakeCase
from tests.sources.board_on_disk import ASLEEP, Clock
from tests.waiting import until

Start = Callable[[], "subprocess.Popen[bytes]"]
NS = 1_000_000_000


class SomeLevers(Levers):
    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        raise AssertionError(f"a check must not act: {session} {run_id} {cause}")


@pytest.fixture(name="start")
def fixture_start() -> Generator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        running.append(subprocess.Popen([sys.executable, "-c", ASLEEP], stdin=subprocess.PIPE))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_a_board_is_read_and_one_that_cannot_be_says_why(
    make_case: MakeCase, make_board: MakeBoard, folder: Path
) -> None:
    board = make_board()
    board.slot(0, used=1, key="agent:main")
    case = make_case(target={"board": folder / "board"})
    assert gateway_checks.board(case) == Finding(Health.OK, f"layout {VERSION}, 1 of 4 sessions")
    board.header(sessions_overflowed=3)
    assert gateway_checks.board(make_case(target={"board": folder / "board"})).health is Health.WARNING
    board.header(version=99)
    found = gateway_checks.board(make_case(target={"board": folder / "board"}))
    assert (found.health, "version 99" in found.text, bool(found.fix)) == (Health.FAILURE, True, True)


def test_without_a_board_there_must_be_another_way_to_watch(make_case: MakeCase) -> None:
    assert gateway_checks.board(make_case()).health is Health.FAILURE
    assert gateway_checks.board(make_case(target={"source": SourceKind.PROCESS, "pid": 1})).health is Health.SKIPPED


def test_the_writer_is_told_alive_stopped_zombie_gone_and_recycled_apart(
    make_case: MakeCase, make_board: MakeBoard, folder: Path, start: Start
) -> None:
    process = start()
    board = make_board(pid=process.pid)
    target = {"board": folder / "board"}

    def look() -> Finding:
        return gateway_checks.process(make_case(target=target))

    def is_in(state: ProcessState) -> bool:
        found = ProcessStat.of(process.pid)
        return found is not None and found.state is state

    alive = look()
    process.send_signal(signal.SIGSTOP)
    until(lambda: is_in(ProcessState.STOPPED))
    stopped = look()
    process.kill()
    until(lambda: is_in(ProcessState.GONE))
    zombie = look()
    process.communicate()
    gone = look()
    board.header(pid=1, start_ticks=1)
    recycled = look()

    assert [f.health for f in (alive, stopped)] == [Health.OK, Health.WARNING]
    assert [f.health for f in (zombie, gone, recycled)] == [Health.FAILURE] * 3
    assert (f"kill -CONT {process.pid}", "zombie", "is gone", "another process") == (
        stopped.fix,
        *(word for f, word in ((zombie, "zombie"), (gone, "is gone"), (recycled, "another process")) if word in f.text),
    )


def test_a_process_that_is_watched_from_outside_is_looked_up(make_case: MakeCase, start: Start) -> None:
    process = start()
    target = {"source": SourceKind.PROCESS, "pid": process.pid}
    assert gateway_checks.process(make_case(target=target)).health is Health.OK
    process.kill()
    process.communicate()
    assert gateway_checks.process(make_case(target=target)).health is Health.FAILURE
    assert gateway_checks.process(make_case(target={"source": SourceKind.PROCESS})).health is Health.FAILURE


def test_a_process_that_is_watched_from_outside_is_found_by_its_port(make_case: MakeCase) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        target = {"source": SourceKind.PROCESS, "port": server.getsockname()[1]}
        found = gateway_checks.process(make_case(target=target))
        assert gateway_checks.proc_files(make_case(target=target)).health is Health.OK
    gone = gateway_checks.process(make_case(target=target))
    assert (found.health, f"pid {os.getpid()} " in found.text) == (Health.OK, True)
    assert (gone.health, "listens on port" in gone.text) == (Health.FAILURE, True)


@pytest.mark.parametrize(
    ("loop_age_s", "thread_age_s", "expected"),
    [
        (0.1, 0.1, (Health.OK, "loop 100ms ago, probe thread 100ms ago")),
        (30.0, 0.1, (Health.WARNING, "loop 30s ago, probe thread 100ms ago: its loop is blocked")),
        (30.0, 30.0, (Health.WARNING, "loop 30s ago, probe thread 30s ago: the process does not run")),
        (-60.0, 0.1, (Health.FAILURE, "the board's time lies 1m00s in our future: not the same clock")),
    ],
)
def test_the_boards_time_is_compared_with_ours(
    make_case: MakeCase, make_board: MakeBoard, loop_age_s: float, thread_age_s: float, expected: tuple[Health, str]
) -> None:
    clock = Clock(1000.0)
    board = make_board(
        loop_heartbeat_ns=round((clock.now_s - loop_age_s) * NS),
        thread_heartbeat_ns=round((clock.now_s - thread_age_s) * NS),
    )
    found = gateway_checks.heartbeats(make_case(target={"board": board.path}, clock=clock))
    assert (found.health, found.text) == expected


def test_a_gateway_that_never_beat_is_told(make_case: MakeCase, make_board: MakeBoard, folder: Path) -> None:
    make_board()
    assert gateway_checks.heartbeats(make_case(target={"board": folder / "board"})).health is Health.WARNING
    assert gateway_checks.heartbeats(make_case()).health is Health.SKIPPED


async def test_the_control_socket_of_a_real_probe_answers_and_nothing_is_done(
    make_case: MakeCase, folder: Path
) -> None:
    target = {"board": folder / "board", "socket": folder / "control"}
    async with Probe.open(folder / "board", folder / "control", levers=SomeLevers(), capacity=4):
        case = make_case(target=target)
        well = await asyncio.to_thread(gateway_checks.control, case)
    gone = await asyncio.to_thread(gateway_checks.control, case)
    assert (well.health, "abort_run" in well.text) == (Health.OK, True)
    assert (gone.health, gateway_checks.control(make_case()).health) == (Health.FAILURE, Health.SKIPPED)


async def test_a_control_socket_of_another_gateway_is_told(
    make_case: MakeCase, make_board: MakeBoard, folder: Path, start: Start
) -> None:
    make_board(pid=start().pid)
    async with Probe.open(folder / "other", folder / "control", levers=SomeLevers(), capacity=4):
        case = make_case(target={"board": folder / "board", "socket": folder / "control"})
        found = await asyncio.to_thread(gateway_checks.control, case)
    assert (found.health, "livewatch will not act" in found.text) == (Health.FAILURE, True)


async def test_a_gateway_without_levers_can_be_watched_only(make_case: MakeCase, folder: Path) -> None:
    async with Probe.open(folder / "board", folder / "control", capacity=4):
        case = make_case(target={"board": folder / "board", "socket": folder / "control"})
        found = await asyncio.to_thread(gateway_checks.control, case)
    assert (found.health, "offers no action" in found.text) == (Health.WARNING, True)


def test_what_proc_says_about_the_gateway_can_be_read_or_is_told(make_case: MakeCase, start: Start) -> None:
    process = start()
    target = {"source": SourceKind.PROCESS, "pid": process.pid}
    readable = gateway_checks.proc_files(make_case(target=target))
    process.kill()
    process.communicate()
    unreadable = gateway_checks.proc_files(make_case(target=target))
    assert (readable.health, unreadable.health) == (Health.OK, Health.WARNING)
    assert gateway_checks.proc_files(make_case()).health is Health.SKIPPED
