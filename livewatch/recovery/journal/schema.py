"""The tables of the journal and how an older file becomes a newer one."""

import sqlite3
from collections.abc import Sequence

from livewatch.recovery.journal.schema_audit import FEED_AND_AUDIT

Migration = tuple[str, ...]

_FIRST: Migration = (
    """
    CREATE TABLE lives (
        id INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        monotonic_s REAL NOT NULL,
        pid INTEGER NOT NULL,
        version TEXT NOT NULL,
        ended_wall_s REAL
    ) STRICT
    """,
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        life INTEGER NOT NULL,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        monotonic_s REAL NOT NULL,
        kind TEXT NOT NULL,
        session TEXT,
        data TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX events_by_time ON events (wall_s)",
    """
    CREATE TABLE intents (
        id INTEGER PRIMARY KEY,
        life INTEGER NOT NULL,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        monotonic_s REAL NOT NULL,
        idempotency_key TEXT NOT NULL,
        action TEXT NOT NULL,
        verdict TEXT NOT NULL,
        identity TEXT,
        how TEXT,
        outcome TEXT,
        detail TEXT NOT NULL DEFAULT '',
        reply TEXT,
        settled_wall_s REAL,
        settled_monotonic_s REAL,
        settled_life INTEGER
    ) STRICT
    """,
    "CREATE INDEX intents_by_time ON intents (wall_s)",
    "CREATE INDEX intents_open ON intents (target, idempotency_key) WHERE how IS NULL",
    """
    CREATE TABLE frames (
        id INTEGER PRIMARY KEY,
        life INTEGER NOT NULL,
        target TEXT NOT NULL,
        wall_s REAL NOT NULL,
        frame TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX frames_by_time ON frames (wall_s)",
)

MIGRATIONS: tuple[Migration, ...] = (_FIRST, FEED_AND_AUDIT)
"""Statements that lead from ``user_version`` n to n + 1. Only ever appended to."""


class NewerJournalError(Exception):
    """The file was written by a newer version; it is left as it is."""


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Bring the file to the newest version, each step whole or not at all; return the version it had.

    Raises:
        NewerJournalError: when the file is newer than this program.
        sqlite3.Error: when a step fails; the file keeps the version it had before that step.
    """
    found = _version(connection)
    if found > len(migrations):
        raise NewerJournalError(f"the journal has version {found}, this program knows {len(migrations)}")
    for number, _ in enumerate(migrations[found:], start=found):
        _step(connection, number, migrations)
    return found


def _step(connection: sqlite3.Connection, number: int, migrations: Sequence[Migration]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) == number:  # another agent may have been faster
            for statement in migrations[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
