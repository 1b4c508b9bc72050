"""The journal: whole, within its bounds, on a disk with room, and written."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch.recovery.journal.reader import JournalUnreadableError, opened
from livewatch.recovery.journal.store import Retention

_MIB = 2**20
_ROOM_BYTES = 64 * _MIB
_LITTLE_BYTES = 256 * _MIB
_SIDE_FILES = ("", "-wal", "-shm")

FreeBytes = Callable[[Path], int]
"""Takes a folder, returns the bytes that may still be written there."""


def integrity(case: Case) -> Finding:
    """Let SQLite check the file."""
    if not case.journal.exists():
        return skipped(f"{case.journal} is not there yet")
    try:
        with opened(case.journal) as (connection, version):
            problem = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            count = connection.execute("SELECT count(*) FROM intents").fetchone()[0]
    except (JournalUnreadableError, sqlite3.Error) as error:
        return failure(
            str(error), f"move it aside; the agent does so itself when it starts: mv {case.journal}{{,.bad}}"
        )
    if problem != "ok":
        return failure(f"{case.journal} is damaged: {problem}", "the agent moves it aside when it starts next")
    return ok(f"{case.journal}: version {version}, {count} actions")


def size(case: Case) -> Finding:
    """Compare the file's size with its bound."""
    return judge_size(case.journal, Retention().size_bytes)


def judge_size(path: Path, bound_bytes: int) -> Finding:
    """Judge a journal with its side files."""
    sizes = [side.stat().st_size for suffix in _SIDE_FILES if (side := path.with_name(path.name + suffix)).exists()]
    if not sizes:
        return skipped(f"{path} is not there yet")
    told = f"{sum(sizes) / _MIB:.1f} MiB, bound {bound_bytes / _MIB:.0f} MiB"
    if sum(sizes) > 2 * bound_bytes:
        return warning(told, "is an agent running? Only a running agent thins it out")
    return ok(told)


def disk(case: Case) -> Finding:
    """Look whether the disk has room."""
    return judge_disk(case.journal.parent, lambda folder: shutil.disk_usage(folder).free)


def judge_disk(folder: Path, free_bytes: FreeBytes) -> Finding:
    """Judge the room on the disk of a folder, or of its nearest existing parent."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = free_bytes(there)
    told = f"{free / _MIB:,.0f} MiB free at {there}"
    if free < _ROOM_BYTES:
        return failure(f"{told}: the journal cannot be kept", "free some room, or give another --state-dir")
    if free < _LITTLE_BYTES:
        return warning(told, "free some room, or give another --state-dir")
    return ok(told)


def writing(case: Case) -> Finding:
    """Ask the agent whether it can write."""
    if case.agent is None:
        return skipped("no agent runs")
    health = case.agent.about["journal_health"]
    if health["degraded"]:
        return failure(
            f"the agent cannot write it ({health['problem']}) and keeps notes in memory",
            "mend disk or permissions; it goes on by itself",
        )
    if health["dropped"]:
        return warning(f"{health['dropped']} notes were lost so far", "was the disk away for long? See the agent's log")
    return ok("the agent writes it; nothing was lost")


def set_aside(case: Case) -> Finding:
    """Look for journals that were damaged and moved aside."""
    found = sorted(path for path in case.journal.parent.glob(f"{case.journal.name}.corrupt-*") if path.is_file())
    kept = [path for path in found if not path.name.endswith(_SIDE_FILES[1:])]
    if kept:
        return warning(
            f"{len(kept)} damaged journals were moved aside, the last as {kept[-1].name}",
            "look after the disk; remove them once nobody needs them",
        )
    return ok("none was ever damaged")
