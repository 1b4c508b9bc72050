"""One open journal file: WAL, STRICT tables, 0600. For one thread; errors are `sqlite3.Error` or `OSError`."""

import errno
import os
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from livewatch.recovery.journal.audit import audit_pruning
from livewatch.recovery.journal.records import Life, StoredIntent
from livewatch.recovery.journal.rows import INTENT_COLUMNS, Statement, stored_intent
from livewatch.recovery.journal.schema import MIGRATIONS, Migration, migrate

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE = 0xFF
_PRIVATE = 0o600
_SIDE_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Retention:
    """How much the journal keeps. Open intents are never removed."""

    age_s: float = 30 * 86_400.0
    size_bytes: int = 64 * 2**20
    frames: int = 5_000
    audit_age_s: float = 365 * 86_400.0
    audit_rows: int = 50_000
    """About 20 MB; beyond it the oldest tenth goes, and that is recorded too."""


class Store:
    """The file. Construction opens, checks and migrates it."""

    def __init__(
        self, path: Path, target: str, life: Life, *, busy_s: float, migrations: Sequence[Migration] = MIGRATIONS
    ) -> None:
        self._path = path
        self._target = target
        _create(path)
        self._inode = path.stat().st_ino
        self._connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None)
        try:
            self._prepare(migrations)
            self._life = self._begin(life)
        except BaseException:
            self._connection.close()
            raise

    def write(self, statements: Sequence[Statement]) -> None:
        """Commit all of them, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self._connection.execute(sql, {**values, "life": self._life})
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def open_intents(self) -> list[StoredIntent]:
        """Return the intents of earlier lives on this gateway that have no outcome; unreadable ones are left out."""
        rows = self._connection.execute(
            f"SELECT {INTENT_COLUMNS} FROM intents"  # noqa: S608 -- constants
            " WHERE target = ? AND how IS NULL AND life != ? ORDER BY id",
            (self._target, self._life),
        )
        intents: list[StoredIntent] = []
        for row in rows:
            with suppress(msgspec.MsgspecError):
                intents.append(stored_intent(row))
        return intents

    def displaced(self) -> bool:
        """Return whether somebody removed or replaced the file under us."""
        try:
            return self._path.stat().st_ino != self._inode
        except OSError:
            return True

    def retain(self, retention: Retention, wall_s: float) -> None:
        """Remove what is too old, then what is too much, oldest first; give the space back."""
        self.write(_expire(retention, wall_s))
        pruned = audit_pruning(self._connection, retention, wall_s)
        if pruned:
            self.write(pruned)
        while self._used_bytes() > retention.size_bytes:
            before = self._connection.total_changes
            self.write(_thin_out())
            if self._connection.total_changes == before:
                break  # only open intents and the audit are left
        self._connection.executescript("PRAGMA incremental_vacuum")  # execute() would stop after one page
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def end(self, wall_s: float) -> None:
        """Note that this life ended in order."""
        self.write([("UPDATE lives SET ended_wall_s = :wall_s WHERE id = :life", {"wall_s": wall_s})])

    def close(self) -> None:
        """Let go of the file; safe after any error."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _prepare(self, migrations: Sequence[Migration]) -> None:
        execute = self._connection.execute
        execute("PRAGMA auto_vacuum = INCREMENTAL")  # only a file without tables can still take it
        execute("PRAGMA journal_mode = WAL").fetchall()
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA journal_size_limit = 4194304").fetchall()
        execute("PRAGMA cache_size = -256")  # KiB; by default 2 MiB, which a file of this kind never reads twice
        problem = execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            error = sqlite3.DatabaseError(str(problem))
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        migrate(self._connection, migrations)

    def _begin(self, life: Life) -> int:
        self._connection.execute(
            "INSERT INTO lives (token, target, wall_s, monotonic_s, pid, version) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (token) DO NOTHING",
            (life.token, self._target, life.wall_s, life.monotonic_s, life.pid, life.version),
        )
        row = self._connection.execute("SELECT id FROM lives WHERE token = ?", (life.token,)).fetchone()
        if row is None:
            raise sqlite3.OperationalError("it does not keep what is written into it: no journal of this version")
        return int(row[0])

    def _used_bytes(self) -> int:
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def corrupt(error: BaseException) -> bool:
    """Return whether an error says that the file itself is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY_CODE in _CORRUPT


def move_aside(path: Path, wall_s: float) -> Path:
    """Rename a damaged journal and its side files; return its new name. Nothing is ever deleted.

    Raises:
        OSError: when the directory cannot be written.
    """
    stamp = datetime.fromtimestamp(wall_s, UTC).strftime("%Y%m%dT%H%M%S")
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    for suffix in _SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    return target


def _create(path: Path) -> None:
    """Make the file private before SQLite sees it; its side files inherit the mode.

    A file that exists is never opened here: closing it would drop the locks of another connection of this process.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE))
    except FileExistsError:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "the journal is not a regular file", str(path)) from None
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) != _PRIVATE:
            path.chmod(_PRIVATE)


def _expire(retention: Retention, wall_s: float) -> list[Statement]:
    oldest = {"oldest": wall_s - retention.age_s}
    return [
        ("DELETE FROM feed WHERE wall_s < :oldest", oldest),
        ("DELETE FROM events WHERE wall_s < :oldest", oldest),
        ("DELETE FROM frames WHERE wall_s < :oldest", oldest),
        ("DELETE FROM intents WHERE wall_s < :oldest AND how IS NOT NULL", oldest),
        ("DELETE FROM lives WHERE wall_s < :oldest AND id != :life AND ended_wall_s IS NOT NULL", oldest),
        (
            "DELETE FROM frames WHERE id IN (SELECT id FROM frames ORDER BY id DESC LIMIT -1 OFFSET :frames)",
            {"frames": retention.frames},
        ),
    ]


def _thin_out() -> list[Statement]:
    """Remove a tenth of each table, the frames first in effect because they are the largest."""
    tenth = "SELECT id FROM {0} {1} ORDER BY id LIMIT (SELECT 1 + count(*) / 10 FROM {0})"
    return [
        (f"DELETE FROM frames WHERE id IN ({tenth.format('frames', '')})", {}),  # noqa: S608 -- constants
        (f"DELETE FROM events WHERE id IN ({tenth.format('events', '')})", {}),  # noqa: S608 -- constants
        ("DELETE FROM feed WHERE kind = 'event' AND row < (SELECT coalesce(min(id), 0) FROM events)", {}),
        (f"DELETE FROM intents WHERE id IN ({tenth.format('intents', 'WHERE how IS NOT NULL')})", {}),  # noqa: S608 -- constants
    ]
