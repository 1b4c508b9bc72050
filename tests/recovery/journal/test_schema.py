"""An older file becomes a newer one, each step whole or not at all."""

import sqlite3
from pathlib import Path

import pytest

from livewatch.recovery.journal.schema import MIGRATIONS, NewerJournalError, migrate

NEXT = (*MIGRATIONS, ("ALTER TABLE events ADD COLUMN weight INTEGER", "CREATE TABLE extra (id INTEGER) STRICT"))


@pytest.fixture
def connection(path: Path):  # noqa: ANN201 -- a generator fixture
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_an_empty_file_gets_every_table_strict(connection: sqlite3.Connection) -> None:
    assert migrate(connection) == 0
    assert version(connection) == len(MIGRATIONS)
    tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_")}
    assert ours == dict.fromkeys(("lives", "events", "intents", "frames", "origin", "feed", "audit"), 1)


def test_an_older_file_keeps_its_rows(connection: sqlite3.Connection) -> None:
    migrate(connection)
    connection.execute(
        "INSERT INTO events (life, target, wall_s, monotonic_s, kind, data) VALUES (1, 'gw', 1.0, 1.0, 'vitals', '{}')"
    )
    assert migrate(connection, NEXT) == len(MIGRATIONS)
    assert version(connection) == len(NEXT)
    assert connection.execute("SELECT kind, weight FROM events").fetchall() == [("vitals", None)]


def test_a_step_that_fails_leaves_the_file_as_it_was(connection: sqlite3.Connection) -> None:
    migrate(connection)
    broken = (*MIGRATIONS, ("CREATE TABLE extra (id INTEGER) STRICT", "this is no SQL"))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, broken)
    assert version(connection) == len(MIGRATIONS)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)
    assert not connection.in_transaction


def test_a_newer_file_is_refused(connection: sqlite3.Connection) -> None:
    migrate(connection, NEXT)
    with pytest.raises(NewerJournalError):
        migrate(connection)


def test_migrating_twice_changes_nothing(connection: sqlite3.Connection) -> None:
    migrate(connection)
    assert migrate(connection) == len(MIGRATIONS)
