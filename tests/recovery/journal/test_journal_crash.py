"""Real processes: killed at random points, out of disk space, out of permissions."""

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.reconcile import reconcile
from tests.recovery.journal.facts import a_session, a_snapshot

ROOT = Path(__file__).parents[3]


def child(mode: str, path: Path, name: str = "x") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.recovery.journal.child", mode, str(path), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def kill_after(process: subprocess.Popen[str], lines: int) -> list[str]:
    """Kill the child after some promises; return every promise that it made."""
    assert process.stdout is not None
    promised = [process.stdout.readline().strip() for _ in range(lines)]
    process.kill()
    promised += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    assert process.wait(10) == -9
    return promised


async def test_no_promised_intent_is_lost_by_twenty_kills_and_none_stays_unexplained(path: Path) -> None:
    chance = random.Random(4)
    promised: list[str] = []
    for round_ in range(20):
        promised += kill_after(child("for-ever", path, f"c{round_}"), chance.randint(1, 40))
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    written = {str(key) for (key,) in query(path, "SELECT idempotency_key FROM intents")}
    assert set(promised) <= written
    assert len(promised) >= 20
    assert query(path, "SELECT count(*) FROM lives WHERE ended_wall_s IS NOT NULL") == [(0,)]

    journal = Journal(path, "gw")
    journal.start()
    left = await journal.open_intents()
    assert left
    journal.settle(reconcile(left, a_snapshot(a_session("s1"))))
    assert journal.close(10.0)
    assert query(path, "SELECT count(*) FROM intents WHERE how IS NULL") == [(0,)]
    assert not list(path.parent.glob("*.corrupt-*"))


def test_a_full_disk_degrades_to_memory_and_everything_is_written_once_there_is_room(path: Path) -> None:
    process = child("full-disk", path)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    degraded, counts = output.splitlines()
    assert "disk" in degraded
    _, dropped, _, intents = counts.split()
    assert dropped == "0"
    assert query(path, "SELECT count(*) FROM intents") == [(int(intents),)]
    assert query(path, "SELECT count(*) FROM intents WHERE idempotency_key IN ('first', 'while-full', 'after')") == [
        (3,)
    ]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_directory_that_may_not_be_written_degrades_to_memory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    script = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from livewatch.recovery.journal import Journal\n"
        "from tests.recovery.journal.facts import an_act\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "journal = Journal(Path(sys.argv[1]) / 'journal.sqlite', 'gw')\n"
        "journal.start()\n"
        "asyncio.run(journal.intent(an_act()))\n"
        "print(journal.degraded, journal.health.problem)\n"
    )
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", script, str(closed)], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("True ")
    assert "PermissionError" in done.stdout
