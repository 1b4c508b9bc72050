"""Everything that happened, in one sequence: events, actions, outcomes, and the agent's own beginnings and ends."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livewatch.recovery.journal.reader import JournalUnreadableError, opened
from livewatch.recovery.moment_text import brief, check_facts

PAGE_ITEMS = 500
_SINCE_VERSION = 2
_ROWS = """
    SELECT f.seq, f.target, f.wall_s, f.kind,
        e.kind, e.session, e.data, i.action, i.how, i.outcome, i.detail, i.reply, l.pid, l.version
    FROM feed f
    LEFT JOIN events e ON f.kind = 'event' AND e.id = f.row
    LEFT JOIN intents i ON f.kind IN ('intent', 'outcome') AND i.id = f.row
    LEFT JOIN lives l ON f.kind IN ('began', 'ended') AND l.id = f.row
    WHERE f.seq > :after AND f.wall_s >= :since AND (:target IS NULL OR f.target = :target)
        AND coalesce(e.id, i.id, l.id) IS NOT NULL
    ORDER BY f.seq LIMIT :limit
"""


_NUMBER = re.compile(r"[0-9]{1,18}")
"""As far as SQLite can count."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened."""

    cursor: str
    """Asking for what came after it gives exactly what is not known yet, also from the next agent."""
    target: str
    wall_s: float
    kind: str
    session: str | None
    text: str
    data: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "cursor": self.cursor,
            "time": self.wall_s,
            "target": self.target,
            "kind": self.kind,
            "session": self.session,
            "text": self.text,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some happenings in the order in which they were written down, and where to go on."""

    items: tuple[Happening, ...]
    cursor: str


def read_feed(
    path: Path, *, after: str = "", since_wall_s: float = 0.0, target: str | None = None, limit: int = PAGE_ITEMS
) -> Page:
    """Return what was written after a cursor, or (without one, or with that of another file) since a Unix time.

    Raises:
        JournalUnreadableError: when there is no journal that this version can read.
    """
    with opened(path) as (connection, version):
        if version < _SINCE_VERSION:
            raise JournalUnreadableError(f"{path} has no sequence yet; `livewatch run` of this version begins one")
        (token,) = connection.execute("SELECT token FROM origin").fetchone() or ("",)
        seen = _seq(after, token)
        asked = {
            "after": seen or 0,
            "since": since_wall_s if seen is None else float("-inf"),
            "target": target,
            "limit": limit,
        }
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM feed").fetchone()[0]
        rows = connection.execute(_ROWS, asked).fetchall()
    items = tuple(_happening(row, token) for row in rows)
    if items:
        return Page(items, items[-1].cursor)
    return Page((), f"{token}:{max(seen or 0, last)}")


def newest_wall_s(path: Path) -> float | None:
    """Return the Unix time of the newest entry, or ``None`` when there is none.

    Raises:
        JournalUnreadableError: when there is no journal that this version can read.
    """
    with opened(path) as (connection, version):
        table = "feed" if version >= _SINCE_VERSION else "events"
        found = connection.execute(f"SELECT max(wall_s) FROM {table}").fetchone()  # noqa: S608 -- constants
    return None if found[0] is None else float(found[0])


def _seq(cursor: str, token: str) -> int | None:
    """Return the place in the sequence that a cursor of this file names."""
    origin, _, number = cursor.partition(":")
    return int(number) if origin == token and _NUMBER.fullmatch(number) else None


def _happening(row: Sequence[Any], token: str) -> Happening:
    seq, target, wall_s, part = row[:4]
    try:
        kind, session, facts = _told(part, row[4:])
        if part not in _LIVES:
            check_facts(kind, facts)
        text = _LIVES[part].format(**facts) if part in _LIVES else brief(kind, facts)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        kind, session, facts, text = (
            part,
            None,
            {},
            "a damaged record",
        )  # told, so that whoever follows goes on behind it
    return Happening(f"{token}:{seq}", target, wall_s, kind, session, text, facts)


def _told(part: str, row: Sequence[Any]) -> tuple[str, str | None, dict[str, Any]]:
    event, session, data, action_text, how, outcome, detail, reply, pid, version = row
    if part == "event":
        facts: dict[str, Any] = json.loads(data)
        return str(event), session, facts
    if part in _LIVES:
        return f"agent_{part}", None, {"pid": pid, "version": version}
    action: dict[str, Any] = json.loads(action_text)
    facts = {"action": action["kind"], "run": action.get("run_id")}
    if part == "intent":
        facts |= {"cause": action["cause"], "reason": action["reason"]}
    else:
        answer = None if reply is None else json.loads(reply).get("status")
        facts |= {"outcome": outcome, "how": how, "detail": detail, "reply": answer}
    return part, str(action["session"]), facts


_LIVES = {"began": "livewatch {version} began, pid {pid}", "ended": "livewatch ended in order, pid {pid}"}
