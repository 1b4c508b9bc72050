"""One agent acts: the kernel's lock decides, whatever stands in the file. Real files, real processes."""

import contextlib
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from livewatch.recovery.lease import Holder, Lease, lease_path
from tests.waiting import until

HOLD = """
import sys, threading
from pathlib import Path
from livewatch.recovery.lease import Lease
lease = Lease(Path(sys.argv[1]), look_every_s=0.02)
lease.start()
print(lease.held, flush=True)
threading.Event().wait()
"""
MakeLease = Callable[[], Lease]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "control.lease"


@pytest.fixture(name="make")
def _make(path: Path) -> Generator[MakeLease]:
    made: list[Lease] = []

    def make() -> Lease:
        lease = Lease(path, look_every_s=0.02)
        made.append(lease)
        lease.start()
        return lease

    yield make
    for lease in made:
        lease.close()
        lease.close()


@contextlib.contextmanager
def another_process(path: Path) -> Generator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "True\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_first_holds_it_and_the_second_says_who_does(path: Path, make: MakeLease) -> None:
    with another_process(path) as first:
        second = make()

        assert not second.held
        assert f"pid {first.pid} " in second.other
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_holder_that_was_killed_is_followed_at_once(path: Path, make: MakeLease) -> None:
    with another_process(path) as first:
        second = make()
        first.send_signal(signal.SIGKILL)
        first.wait()

        until(lambda: second.held, "the second has the lease")
        assert second.other == ""
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_stopped_holder_keeps_the_lease_because_it_may_wake_up(path: Path, make: MakeLease) -> None:
    with another_process(path) as first:
        first.send_signal(signal.SIGSTOP)
        second = make()

        assert not second.held
        assert f"pid {first.pid} " in second.other


def test_who_lets_go_is_followed_and_leaves_no_name_behind(path: Path, make: MakeLease) -> None:
    first = make()
    second = make()
    assert (first.held, second.held) == (True, False)
    first.close()

    assert not first.held
    assert path.read_text() in ("", json.dumps(asdict(Holder.this_process())))  # empty, or the second's already
    until(lambda: second.held, "the second has the lease")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"pid": "x"}', b"[" * 4000, json.dumps({"pid": 1}).encode()]
)
def test_what_stands_in_a_file_that_nobody_holds_keeps_nobody_out(path: Path, make: MakeLease, content: bytes) -> None:
    path.write_bytes(content)

    assert make().held


def test_the_name_of_a_living_process_in_an_unlocked_file_keeps_nobody_out(path: Path, make: MakeLease) -> None:
    path.write_text(json.dumps(asdict(Holder.this_process())))

    assert make().held


def test_a_recycled_pid_is_not_named_as_the_holder(path: Path, make: MakeLease) -> None:
    """OpenClaw 5006, 128032: a pid alone is recycled."""
    first = make()
    path.write_text(json.dumps(asdict(replace(Holder.this_process(), start_ticks=1))))
    second = make()

    assert (first.held, second.held) == (True, False)
    assert "pid" not in second.other


def test_a_lease_whose_file_was_removed_is_not_held_twice(path: Path, make: MakeLease) -> None:
    first = make()
    path.unlink()
    second = make()  # locks a new file of the same name

    until(lambda: not (first.held and second.held), "only one holds it")
    until(lambda: first.held or second.held, "one holds it")


def test_a_lease_that_cannot_be_taken_means_observing_and_says_why(tmp_path: Path) -> None:
    lease = Lease(tmp_path / "missing" / "control.lease")
    lease.start()

    assert not lease.held
    assert "No such file" in lease.other
    lease.close()


def test_a_link_in_its_place_is_not_followed(path: Path, make: MakeLease, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep")
    path.symlink_to(target)

    assert not make().held
    assert target.read_text() == "keep"


def test_the_lease_stands_beside_the_socket_that_it_is_about() -> None:
    assert lease_path(Path("/run/gw/control.sock"), Path("/run/gw/board")) == Path("/run/gw/control.sock.lease")
    assert lease_path(None, Path("/run/gw/board")) == Path("/run/gw/board.lease")


def test_a_file_removed_between_opening_and_locking_gives_no_lease(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def remove_then_lock(descriptor: int, operation: int) -> None:
        path.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_then_lock)
    lease = Lease(path, look_every_s=3600.0)
    lease.start()

    assert not lease.held
    lease.close()


def test_a_link_to_the_socket_leads_to_the_same_lease(tmp_path: Path) -> None:
    (tmp_path / "gw").mkdir()
    (tmp_path / "gw" / "control").touch()
    (tmp_path / "other").symlink_to("gw")
    (tmp_path / "link").symlink_to("gw/control")
    lease = tmp_path / "gw" / "control.lease"

    for way in (tmp_path / "gw" / "control", tmp_path / "other" / "control", tmp_path / "link"):
        assert lease_path(way, tmp_path / "board") == lease
