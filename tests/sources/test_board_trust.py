"""What is not a whole board of a living gateway is refused with one clear line."""

import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livewatch.guard.owner import GatewayOwner
from livewatch.probe.layout import SLOT_FIELDS, VERSION, Layout
from livewatch.sources import board_file
from livewatch.sources.base import SourceError
from livewatch.sources.board import BoardSource
from livewatch.sources.board_file import check_writer
from livewatch.sources.board_slots import BoardSlots
from tests.sources.board_on_disk import ASLEEP, Board, Clock

Make = Callable[..., Board]
Start = Callable[[str], subprocess.Popen[bytes]]


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def put(path: Path, kind: str) -> None:
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        other = path.with_name("other")
        Board(other).close()
        path.symlink_to(other)


async def refusal(source: BoardSource) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await source.sample()
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value


async def test_a_missing_board_is_not_a_gone_gateway(source: BoardSource) -> None:
    error = await refusal(source)
    assert "no board" in error.problem
    assert not error.gone


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ({"magic": 0}, "being written"),
        ({"magic": 7}, "not a board"),
        ({"version": VERSION + 1}, "version"),
        ({"capacity": 0}, "0 slots"),
        ({"capacity": 1 << 40}, "slots"),
        ({"header_bytes": 8}, "damaged"),
        ({"capacity": 5}, "truncated"),
    ],
)
async def test_a_header_that_is_not_right_is_named(
    make: Make, source: BoardSource, header: dict[str, int], problem: str
) -> None:
    board = make()
    board.header(**header)
    error = await refusal(source)
    assert problem in error.problem
    assert not error.gone


@pytest.mark.parametrize("kept", [0, 5, 256, 8000])
async def test_a_board_that_shrinks_under_the_reader_is_truncated_and_kills_nobody(
    make: Make, source: BoardSource, path: Path, kept: int
) -> None:
    make()
    await source.sample()
    os.truncate(path, kept)
    assert "truncated" in (await refusal(source)).problem


async def test_a_gateway_whose_pid_is_dead_is_gone(make: Make, source: BoardSource, start: Start) -> None:
    ended = start("")
    ended.wait()
    make(pid=ended.pid)
    error = await refusal(source)
    assert error.gone
    assert str(ended.pid) in error.problem


@pytest.mark.invariant(21)
async def test_a_recycled_pid_is_a_gone_gateway(make: Make, source: BoardSource) -> None:
    make(start_ticks=1)
    error = await refusal(source)
    assert error.gone
    assert "another process" in error.problem


async def test_a_boot_that_could_not_be_told_once_is_told_later(
    make: Make, source: BoardSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(boot_id_low=1)
    board_file._known_boot_id.cache_clear()
    with monkeypatch.context() as unreadable:
        unreadable.setattr(board_file, "_BOOT_ID", Path("/proc/self/nothing"))
        await source.sample()
    with pytest.raises(SourceError, match="boot"):
        await source.sample()


async def test_a_board_from_before_the_last_boot_is_of_a_gone_gateway(make: Make, source: BoardSource) -> None:
    make(boot_id_low=1)
    error = await refusal(source)
    assert error.gone
    assert "boot" in error.problem


async def test_a_pid_of_another_namespace_is_not_looked_up_here(make: Make, source: BoardSource) -> None:
    make(pid_namespace=1, start_ticks=1)
    snapshot = await source.sample()
    assert snapshot.vitals.process.value == "unknown"
    assert snapshot.vitals.rss_bytes is None


async def test_a_board_removed_by_a_gateway_that_ended_says_gone(
    make: Make, source: BoardSource, path: Path, start: Start
) -> None:
    gateway = start(ASLEEP)
    make(pid=gateway.pid)
    await source.sample()
    remove(path)
    assert not (await refusal(source)).gone
    gateway.communicate()
    assert (await refusal(source)).gone


async def test_a_board_of_somebody_else_is_refused(
    make: Make, source: BoardSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "belongs to uid" in (await refusal(source)).problem


async def test_root_reads_the_board_of_any_user(
    make: Make, source: BoardSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert await source.sample()


async def test_the_named_owner_of_the_gateway_is_believed_and_to_root_nobody_else_is(
    make: Make, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    mine = os.getuid()
    for user in (mine + 1, 0):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        named = BoardSource(path, None, clock, owner=GatewayOwner(mine))
        assert await named.sample()
        await named.close()
    other = BoardSource(path, None, clock, owner=GatewayOwner(mine + 2))
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    assert "target.owner names" in (await refusal(other)).hint
    await other.close()


@pytest.fixture(name="nobodys")
def fixture_nobodys() -> Iterator[int]:
    """Return the pid of a process that belongs neither to root nor to the owner of the board in the test."""
    if os.geteuid():
        yield os.getpid()
        return
    with subprocess.Popen(["sleep", "60"], user=54321) as process:
        yield process.pid
        process.kill()


def test_a_board_that_names_a_process_of_somebody_else_is_refused(path: Path, nobodys: int) -> None:
    """A user's forged board must not make root's agent act on another user's gateway."""
    uid = Path(f"/proc/{nobodys}").stat().st_uid
    with pytest.raises(SourceError, match="names a process of"):
        check_writer(path, uid + 1, nobodys)
    check_writer(path, uid, nobodys)
    check_writer(path, 0, nobodys)
    check_writer(path, uid + 1, 1 << 30)


async def test_a_board_in_which_somebody_elses_process_is_named_is_not_read(
    make: Make, source: BoardSource, nobodys: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(pid=nobodys)
    if os.geteuid() == 0:
        os.chown(path, 54399, -1)
    else:
        fstat = os.fstat
        monkeypatch.setattr(os, "fstat", lambda fd: _of_uid(fstat(fd), os.getuid() + 1))
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "names a process of" in (await refusal(source)).problem


def _of_uid(found: os.stat_result, uid: int) -> os.stat_result:
    return os.stat_result((*found[:4], uid, *found[5:]))


@pytest.mark.parametrize("kind", ["directory", "fifo", "symlink"])
async def test_what_is_not_a_regular_file_is_refused_without_waiting(
    source: BoardSource, path: Path, kind: str
) -> None:
    put(path, kind)
    assert not (await refusal(source)).gone


async def test_a_restarted_gateway_is_read_from_its_new_board(make: Make, source: BoardSource, start: Start) -> None:
    make().slot(0, used=1, key="old")
    first = await source.sample()
    gateway = start(ASLEEP)
    make(pid=gateway.pid).slot(0, used=1, key="new")
    second = await source.sample()
    assert list(second.sessions) == ["new"]
    assert first.identity != second.identity


async def test_refused_boards_leave_no_open_file(make: Make, source: BoardSource) -> None:
    make(version=9)
    await refusal(source)
    before = open_files()
    for _ in range(20):
        await refusal(source)
    assert open_files() == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=20_000))
async def test_arbitrary_bytes_are_refused_and_nothing_else(path: Path, clock: Clock, data: bytes) -> None:
    write(path, data)
    source = BoardSource(path, None, clock)
    await refusal(source)
    await source.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(), used=st.integers(0, 8), noise=st.sampled_from(["all", "slots"]))
async def test_garbage_behind_a_true_header_never_raises_and_never_invents_a_session(
    path: Path, clock: Clock, seed: int, used: int, noise: str
) -> None:
    board = Board(path, capacity=4, slots_used=used)
    at = board.layout.stalls_at if noise == "all" else board.layout.header_bytes
    os.pwrite(board.file.fileno(), random.Random(seed).randbytes(board.layout.total_bytes - at), at)
    for slot in range(4):
        board.slot(slot, seq=2, used=1 if slot % 2 else 0)
    source = BoardSource(path, None, clock)
    for _ in range(2):
        snapshot = await source.sample()
        assert len(snapshot.sessions) <= len([slot for slot in range(min(4, used)) if slot % 2])
    await source.close()
    board.close()


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.integers(-(1 << 63), (1 << 63) - 1), min_size=len(SLOT_FIELDS), max_size=len(SLOT_FIELDS)))
def test_any_values_in_a_slot_give_a_session_or_none(values: list[int]) -> None:
    layout = Layout(1)
    data = bytearray(layout.total_bytes)
    for name, value in zip(SLOT_FIELDS, values, strict=True):
        struct.pack_into("<q", data, layout.field_at(name, 0), value)
    struct.pack_into("<q", data, layout.field_at("seq", 0), 2)
    struct.pack_into("<q", data, layout.field_at("used", 0), 1)
    data[layout.text_at("key", 0)] = ord("k")
    slots = BoardSlots()
    slots.look(lambda offset, size: bytes(data[offset : offset + size]), layout, 1)
    assert list(slots.sessions({})) == ["k"]
