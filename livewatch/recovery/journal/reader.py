"""Reads a journal without ever writing to it, also while an agent writes."""

import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from livewatch.recording import check_wall, decode_frame
from livewatch.recovery.journal.records import (
    Event,
    EventKind,
    History,
    Life,
    Past,
    StoredEvent,
    StoredFrame,
    StoredIntent,
    StoredLife,
)
from livewatch.recovery.journal.rows import EVENT_KINDS, INTENT_COLUMNS, LIFE_KINDS, checked, stored_intent
from livewatch.recovery.journal.schema import MIGRATIONS
from livewatch.recovery.moment_text import check_facts

_T = TypeVar("_T")
_BUSY_S = 2.0


class JournalUnreadableError(Exception):
    """There is no journal to read; the text says why and what to do."""


def read_journal(path: Path, *, frames_between: tuple[float, float] | None = None) -> History:
    """Return everything in the journal; frames only where asked for.

    Args:
        path: the file.
        frames_between: wall-clock range, in Unix seconds, of the frames to read; none are read without it.

    Raises:
        JournalUnreadableError: when there is no file, or it is no journal that this version can read.
    """
    with opened(path) as (connection, _version):
        return _read(connection, frames_between)


@contextmanager
def opened(path: Path) -> Generator[tuple[sqlite3.Connection, int]]:
    """Open a journal to read, for the length of the block; yields the connection and the file's version.

    Raises:
        JournalUnreadableError: when there is no file, or it is no journal that this version can read.
    """
    if not path.is_file():
        raise JournalUnreadableError(f"no journal at {path}; `livewatch run` writes one, --journal names another")
    try:
        with closing(sqlite3.connect(_address(path), uri=True, timeout=_BUSY_S)) as connection:
            connection.text_factory = _readably
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise JournalUnreadableError(f"{path} was written by a newer livewatch (version {version})")
            yield connection, version
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged schema may be told in no alphabet
        raise JournalUnreadableError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def _readably(data: bytes) -> str:
    """Return text, also of a damaged row: one byte must not hide all the others."""
    return data.decode(errors="replace")


def _address(path: Path) -> str:
    """Return how to open the file to read and leave nothing behind.

    Without a write-ahead log nobody has it open, and SQLite would make one, in the name of whoever only looks.
    """
    untouched = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    return f"file:{quote(str(path))}?mode=ro{untouched}"


def read_past(path: Path, target: str, *, token: str, since_wall_s: float) -> Past:
    """Return what agents other than the one with this life's ``token`` did on a gateway since a moment (Unix time).

    Open intents are returned however old they are.

    Raises:
        JournalUnreadableError: when the file cannot be read.
    """
    asked = {"target": target, "token": token, "since_s": since_wall_s}
    others = "target = :target AND life NOT IN (SELECT id FROM lives WHERE token = :token)"
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_S)
        connection.text_factory = _readably
        try:
            rows = connection.execute(
                f"SELECT {INTENT_COLUMNS} FROM intents WHERE {others}"  # noqa: S608 -- constants
                " AND (wall_s >= :since_s OR how IS NULL) ORDER BY id",
                asked,
            )
            intents, _unreadable = _readable(rows, _intent)
            acted_on = {intent.action.session for intent in intents}
            rows = connection.execute(
                "SELECT session, wall_s FROM events WHERE kind = 'transition' AND target = :target"
                " AND wall_s >= :since_s AND json_extract(data, '$.after.attention') IN ('none', 'long_running')"
                " ORDER BY id",
                {"target": target, "since_s": since_wall_s},
            )
            well: dict[str, list[float]] = {}
            for session, wall_s in rows:
                if session in acted_on and isinstance(wall_s, float):
                    well.setdefault(session, []).append(wall_s)
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise JournalUnreadableError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    return Past(tuple(intents), MappingProxyType({key: tuple(moments) for key, moments in well.items()}))


def _read(connection: sqlite3.Connection, frames_between: tuple[float, float] | None) -> History:
    lives = connection.execute(
        "SELECT id, target, token, wall_s, monotonic_s, pid, version, ended_wall_s FROM lives ORDER BY id"
    )
    events = connection.execute(
        "SELECT id, life, target, wall_s, monotonic_s, kind, session, data FROM events ORDER BY id"
    )
    intents = connection.execute(f"SELECT {INTENT_COLUMNS} FROM intents ORDER BY id")  # noqa: S608 -- constants
    told_lives, bad_lives = _readable(lives, _life)
    told_events, bad_events = _readable(events, _event)
    told_intents, bad_intents = _readable(intents, _intent)
    frames: list[StoredFrame] = []
    bad_frames = 0
    if frames_between is not None:
        found = connection.execute(
            "SELECT life, frame FROM frames WHERE wall_s BETWEEN ? AND ? ORDER BY id", frames_between
        )
        frames, bad_frames = _readable(found, _frame)
    unreadable = bad_lives + bad_events + bad_intents + bad_frames
    return History(tuple(told_lives), tuple(told_events), tuple(told_intents), tuple(frames), unreadable)


def _readable(rows: Iterable[tuple[Any, ...]], read: Callable[[tuple[Any, ...]], _T]) -> tuple[list[_T], int]:
    good: list[_T] = []
    bad = 0
    for row in rows:
        try:
            good.append(read(row))
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            bad += 1
    return good, bad


def _life(row: tuple[Any, ...]) -> StoredLife:
    checked(row, LIFE_KINDS)
    check_wall(row[3])
    return StoredLife(row[0], row[1], Life(*row[2:]))


def _event(row: tuple[Any, ...]) -> StoredEvent:
    number, life, target, wall_s, monotonic_s, kind, session, data = checked(row, EVENT_KINDS)
    facts = msgspec.json.decode(data, type=dict[str, object])
    check_facts(kind, facts)
    return StoredEvent(number, life, target, Event(check_wall(wall_s), monotonic_s, EventKind(kind), session, facts))


def _intent(row: tuple[Any, ...]) -> StoredIntent:
    intent = stored_intent(row)
    check_wall(intent.wall_s)
    check_wall(intent.settled_wall_s or 0.0)
    return intent


def _frame(row: tuple[Any, ...]) -> StoredFrame:
    frame = decode_frame(row[1])
    return StoredFrame(row[0], frame.wall_s, frame.target, frame.snapshot)
