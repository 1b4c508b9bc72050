"""The lock inspector on real files and real processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import cli
from livewatch.clock import SystemClock
from livewatch.lock_watch import LockWatch
from livewatch.locks import LockInspector, LockSettings
from livewatch_classifiers import BlindTime
from livewatch_classifiers.lock import LockCondition
from livewatch_classifiers.vocabulary import Presence


class Clock(SystemClock):
    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def start_ticks(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def write_lock(directory: Path, pid: int, name: str = "s1", **facts: object) -> Path:
    path = directory / f"{name}.jsonl.lock"
    payload = {
        "pid": pid,
        "starttime": start_ticks(pid) if Path(f"/proc/{pid}").exists() else 1,
        "createdAt": int(time.time() * 1000),
        "pid_namespace": str(Path("/proc/self/ns/pid").readlink()),
    }
    path.write_text(json.dumps(payload | facts))
    return path


def conditions(inspector: LockInspector) -> list[LockCondition]:
    return [verdict.condition for verdict in inspector.inspect_now(BlindTime())]


async def test_a_lock_of_a_live_process_is_held_until_it_dies(tmp_path: Path, owner: subprocess.Popen[bytes]) -> None:
    lock = write_lock(tmp_path, owner.pid)
    inspector = LockInspector(LockSettings(tmp_path), SystemClock())
    (verdict,) = await inspector.inspect()
    assert verdict.condition is LockCondition.HELD
    owner.kill()
    ends_s = time.monotonic() + 10
    while conditions(inspector) == [LockCondition.HELD]:  # a killed child is a zombie first, then gone
        assert time.monotonic() < ends_s
    (verdict,) = await inspector.inspect()
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.OWNER_DEAD, True)
    assert lock.exists()


def test_a_recycled_pid_is_told_by_its_start_time_openclaw_5006(tmp_path: Path, owner: subprocess.Popen[bytes]) -> None:
    write_lock(tmp_path, owner.pid, starttime=start_ticks(owner.pid) - 1)
    assert conditions(LockInspector(LockSettings(tmp_path), SystemClock())) == [LockCondition.PID_RECYCLED]


def test_a_stopped_owner_still_holds_its_lock(tmp_path: Path, owner: subprocess.Popen[bytes]) -> None:
    write_lock(tmp_path, owner.pid)
    owner.send_signal(signal.SIGSTOP)
    assert conditions(LockInspector(LockSettings(tmp_path), SystemClock())) == [LockCondition.HELD]


def test_the_pid_of_another_namespace_is_not_looked_at_openclaw_126524(tmp_path: Path) -> None:
    write_lock(tmp_path, 2**22 - 1, pid_namespace="pid:[1]")
    assert conditions(LockInspector(LockSettings(tmp_path), SystemClock())) == [LockCondition.UNVERIFIABLE]


def test_our_own_lock_without_a_holder_is_seen_openclaw_128032(tmp_path: Path) -> None:
    write_lock(tmp_path, os.getpid())
    clock = Clock()
    inspector = LockInspector(LockSettings(tmp_path), clock, holder=lambda _path: Presence.ABSENT)
    assert conditions(inspector) == [LockCondition.HELD]
    clock.ahead_s = 6.0
    assert conditions(inspector) == [LockCondition.HOLDER_UNKNOWN]


@pytest.mark.parametrize("content", ["", '{"pid": 12'])
def test_an_empty_or_torn_lock_is_a_suspicion_after_five_seconds_of_our_own_watching(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "s1.jsonl.lock"
    path.write_text(content)
    os.utime(path, (1.0, 1.0))  # its own time stamp is not believed
    clock = Clock()
    inspector = LockInspector(LockSettings(tmp_path), clock)
    assert conditions(inspector) == [LockCondition.HELD]
    clock.ahead_s = 5.5
    assert conditions(inspector) == [LockCondition.PAYLOAD_MISSING]
    path.unlink()
    path.write_text(content)
    assert conditions(inspector) == [LockCondition.HELD]


@pytest.mark.parametrize(
    "content", ["locked by vim", '{"owner": "x"}', "[1]", '{"pid": true}', '{"pid": -4}', "{" * 5000]
)
def test_a_file_that_is_no_lock_of_ours_is_never_judged(tmp_path: Path, content: str) -> None:
    (tmp_path / "s1.jsonl.lock").write_text(content)
    clock = Clock()
    inspector = LockInspector(LockSettings(tmp_path), clock)
    conditions(inspector)
    clock.ahead_s = 1_000.0
    assert conditions(inspector) == [LockCondition.UNVERIFIABLE]


def test_links_pipes_and_directories_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.lock").symlink_to("/etc/hostname")
    (tmp_path / "b.jsonl.lock").mkdir()
    os.mkfifo(tmp_path / "c.jsonl.lock")
    assert conditions(LockInspector(LockSettings(tmp_path), SystemClock())) == []


def test_each_process_is_looked_up_once_per_round(
    tmp_path: Path, owner: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        write_lock(tmp_path, owner.pid, f"s{n:02}")
    inspector = LockInspector(LockSettings(tmp_path), SystemClock())
    looked: list[int] = []
    look = inspector._process
    monkeypatch.setattr(inspector, "_process", lambda pid: looked.append(pid) or look(pid))
    assert conditions(inspector) == [LockCondition.HELD] * 20
    assert looked == [owner.pid]


def test_files_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    for n in range(5):
        write_lock(tmp_path, os.getpid(), f"s{n}")
    inspector = LockInspector(LockSettings(tmp_path, files_max=3), SystemClock())
    assert len(conditions(inspector)) == 3
    assert inspector.skipped == 2


def test_a_lock_held_too_long_by_its_own_account_is_told(tmp_path: Path, owner: subprocess.Popen[bytes]) -> None:
    write_lock(tmp_path, owner.pid, createdAt="2020-01-01T00:00:00Z")
    assert conditions(LockInspector(LockSettings(tmp_path), SystemClock())) == [LockCondition.HELD_TOO_LONG]


def told(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["locks", *map(str, arguments)])


def test_the_command_says_which_lock_nobody_holds_and_removes_none(
    tmp_path: Path, owner: subprocess.Popen[bytes]
) -> None:
    write_lock(tmp_path, owner.pid, "live")
    held = told(tmp_path)
    dead = write_lock(tmp_path, 2**22 - 3, "dead")
    mixed = told(tmp_path, "--json")

    assert (held.exit_code, mixed.exit_code) == (0, 1)
    assert [lock["condition"] for lock in json.loads(mixed.stdout)["locks"]] == ["owner_dead", "held"]
    assert dead.exists()


async def test_the_agent_tells_a_change_of_a_lock_once(
    tmp_path: Path, owner: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    watch = LockWatch(LockInspector(LockSettings(tmp_path), SystemClock()))
    write_lock(tmp_path, owner.pid)
    await watch.look()
    assert watch.listed() == []
    owner.kill()
    owner.wait()
    await watch.look()
    await watch.look()

    assert [lock["condition"] for lock in watch.listed()] == ["owner_dead"]
    assert [r.message for r in caplog.records if "owner_dead" in r.message] == [
        f"lock {tmp_path / 's1.jsonl.lock'} is owner_dead (was held)"
    ]
