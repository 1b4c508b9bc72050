"""Journal files: readers say in one line what they cannot read; the agent keeps what was there and goes on writing."""

import asyncio
import json
import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from uuid import uuid4

from livewatch.cli import audit as audit_command
from livewatch.cli import incidents as incidents_command
from livewatch.cli.incident_page import render
from livewatch.recording import RecordingError
from livewatch.recovery.incident import build_incidents
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.feed import read_feed
from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal
from livewatch.recovery.journal.writer import WriterSettings
from livewatch.replay.inputs import open_input
from livewatch.tuning.journal_silences import journal_silences
from livewatch_classifiers.thresholds import Thresholds
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.config import one_line
from tests.recovery.journal.facts import a_tick, falls_sick
from tests.recovery.journal.story import tell

_VALUES = (
    None,
    0,
    -1,
    1e300,
    -1e300,
    2**62,
    "",
    "x",
    "{}",
    "[]",
    "null",
    '{"a":',
    "\ud7ff",
    b"\xff\xfe",
    "1e999",
    '{"session":1}',
    "sent",
)
_STATEMENTS = (
    "DROP TABLE events",
    "DROP TABLE intents",
    "DROP TABLE lives",
    "DELETE FROM lives",
    "ALTER TABLE events RENAME TO e",
    "ALTER TABLE events DROP COLUMN data",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = 1",
    "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER u BEFORE INSERT ON lives BEGIN SELECT RAISE(IGNORE); END",
    "PRAGMA journal_mode = DELETE",
)
_PAGE_BYTES = 4096
_PAGES_WRITTEN = 8


class JournalTarget(Target):
    """A whole SQLite file; its tables are changed as well as its bytes."""

    name = "journal"
    brief = 60

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        logging.getLogger("livewatch.journal").setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Let the journal speak again."""
        logging.getLogger("livewatch.journal").setLevel(logging.NOTSET)

    def seeds(self) -> list[bytes]:
        """Return a journal with an incident, an empty one, and somebody else's database."""
        path = self.folder / "seed"
        asyncio.run(tell(path))
        with closing(sqlite3.connect(self.folder / "foreign")) as foreign:
            foreign.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, words TEXT)")
            foreign.execute("INSERT INTO events VALUES (1, 'not ours')")
            foreign.commit()
        return [
            path.read_bytes(),
            (self.folder / "foreign").read_bytes(),
            b"",
            b"SQLite format 3\0",
            b"not a database" * 100,
        ]

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Change rows and tables, or bytes."""
        if random.random() < 0.4:
            return super().mutated(random, data, pool)
        path = self.folder / "changing"
        path.write_bytes(data)
        with (
            suppress(sqlite3.Error, UnicodeError, OverflowError),
            closing(sqlite3.connect(path, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA journal_mode = OFF").fetchall()
            for _ in range(random.randint(1, 4)):
                with suppress(sqlite3.Error):
                    self._change(random, connection)
        return path.read_bytes()

    @staticmethod
    def _change(random: Random, connection: sqlite3.Connection) -> None:
        if random.random() < 0.2:
            connection.execute(random.choice(_STATEMENTS))
            return
        tables = [
            row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        table = random.choice(tables or ["nothing"])
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        where = "" if random.random() < 0.3 else f" WHERE rowid % {random.randint(2, 9)} = 1"
        connection.execute(
            f"UPDATE OR REPLACE {table} SET {random.choice(columns or ['x'])} = ?{where}", (random.choice(_VALUES),)
        )

    def run(self, data: bytes) -> str:
        """Read it in every way, then let an agent open it, write, and close."""
        folder = self.folder / "state"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        path = folder / "journal.sqlite"
        path.write_bytes(data)
        outcome = _read(path)
        if path.read_bytes() != data:
            raise Finding("reading has changed the file")
        return f"{outcome} {_written(path, data)}"


def _read(path: Path) -> str:
    words: list[str] = []
    for read in (_incidents, _audit, _feed, _replayed, _silences):
        try:
            words.append(read(path))
        except (JournalUnreadableError, RecordingError) as error:
            words.append(one_line(error))
    return " ".join(words)


def _incidents(path: Path) -> str:
    history = read_journal(path, frames_between=(0.0, float("inf")))
    found = build_incidents(history)
    for incident in found:
        "\n".join(incidents_command.lines(incident)).encode()
        json.dumps([incidents_command._short(incident), incidents_command._timeline(incident)])
        render(incident, history.frames)
    incidents_command._table(found)
    return f"{min(len(found), 3)} {history.unreadable > 0}"


def _audit(path: Path) -> str:
    audit = read_audit(path, since_wall_s=0.0, session=None)
    "\n".join(audit_command.lines(audit)).encode()
    json.dumps(audit_command._document(audit, path))
    return str(bool(audit.entries))


def _feed(path: Path) -> str:
    after = ""
    for _ in range(5):
        page = read_feed(path, after=after, since_wall_s=0.0, target="gw")
        json.dumps([item.document() for item in page.items])
        if page.cursor == after:
            break
        after = page.cursor
    return str(bool(after))


def _replayed(path: Path) -> str:
    return str(len(list(open_input(path).entries)) > 0)


def _silences(path: Path) -> str:
    history = read_journal(path)
    return str(bool(journal_silences(history, "gw", Thresholds()).samples))


def _written(path: Path, data: bytes) -> str:
    """Let an agent live with the file for two ticks."""
    journal = Journal(path, "gw", settings=WriterSettings(retry_s=0.01, busy_s=0.05))
    journal.start()
    asyncio.run(journal.past())
    key = uuid4().hex
    journal.on_tick(a_tick(0.0))
    journal.on_tick(a_tick(1.0, transitions=(falls_sick(key),)))
    if not journal.close(20.0):
        raise Finding("the journal does not end")
    health = journal.health
    aside = [other.read_bytes() for other in path.parent.glob("*.corrupt-*")]
    told = _tells(path, key)
    if not told and not health.problem and not health.dropped:
        raise Finding(f"a note is lost and nobody says so: {health}")
    if aside and not any(_kept(data, other) for other in aside):
        raise Finding("what was moved aside is not what was there")
    return f"{told} {bool(aside)} {health.problem[:40]}"


def _kept(data: bytes, aside: bytes) -> bool:
    """Return whether a file is still what it was, but for what SQLite wrote into it before it found the damage."""
    pages = range(_PAGE_BYTES, len(data) - _PAGE_BYTES + 1, _PAGE_BYTES)
    other = sum(data[at : at + _PAGE_BYTES] != aside[at : at + _PAGE_BYTES] for at in pages)
    return data == aside or (data.startswith(b"SQLite") and other <= _PAGES_WRITTEN)


def _tells(path: Path, key: str) -> bool:
    with suppress(JournalUnreadableError):
        return any(event.event.session == key for event in read_journal(path).events)
    return False
