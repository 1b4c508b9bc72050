"""The audit: every decision that could change the gateway, who took it, and what came of it. Rows are never changed."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from livewatch.recovery.journal.reader import JournalUnreadableError, opened
from livewatch.recovery.journal.rows import AUDIT_KINDS, checked

AUTOMATIC = "livewatch"
"""Stands for the agent itself where an entry names who decided."""
_SINCE_VERSION = 2
_COLUMNS = "id, target, wall_s, kind, decision, who, uid, what, session, run, why, outcome, detail, removed"


class Bounds(Protocol):
    """How much of the audit is kept."""

    @property
    def audit_age_s(self) -> float:
        """Oldest entry that is kept, in seconds."""
        ...

    @property
    def audit_rows(self) -> int:
        """Most rows that are kept."""
        ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision, with its outcome where that is known."""

    id: int
    """Grows with time; never used twice."""
    target: str
    wall_s: float
    who: str
    """`AUTOMATIC`, or the user as the kernel named the other end of the socket."""
    uid: int | None
    what: str
    session: str | None
    run: str | None
    why: str
    outcome: str | None = None
    detail: str = ""
    settled_wall_s: float | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit holds, oldest first."""

    entries: tuple[AuditEntry, ...] = ()
    removed: int = 0
    """Entries that were pruned so far, because they were too old or too many."""
    pruned_wall_s: float | None = None
    """When entries were pruned last."""
    unreadable: int = 0
    """Entries that are damaged."""


def read_audit(path: Path, *, since_wall_s: float | None = None, session: str | None = None) -> Audit:
    """Return the audit of a journal, also while an agent writes.

    Args:
        path: the journal.
        since_wall_s: leaves out what was decided before this Unix time.
        session: glob over session keys; what was about a glob itself (a hold) is found by the same word.

    Raises:
        JournalUnreadableError: when there is no journal, or it has no audit.
    """
    with opened(path) as (connection, version):
        if version < _SINCE_VERSION:
            raise JournalUnreadableError(f"{path} has no audit yet; `livewatch run` of this version begins one")
        rows = connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY id").fetchall()  # noqa: S608 -- constants
    audit = _joined(rows)
    chosen = [e for e in audit.entries if since_wall_s is None or e.wall_s >= since_wall_s]
    if session is not None:
        chosen = [e for e in chosen if e.session is not None and fnmatchcase(e.session, session)]
    return replace(audit, entries=tuple(chosen))


def _joined(rows: Iterable[Sequence[Any]]) -> Audit:
    """Return one entry per decision: a row that settles one is told with it."""
    entries: dict[str, AuditEntry] = {}
    removed, pruned_wall_s, unreadable = 0, None, 0
    for row in rows:
        try:
            number, target, wall_s, kind, decision, who, uid, what, session, run, why, outcome, detail, gone = checked(
                row, AUDIT_KINDS
            )
        except ValueError:
            unreadable += 1
            continue
        if kind == "pruned":
            removed, pruned_wall_s = gone, wall_s
            continue
        entry = entries.get(decision)
        if kind == "settled" and entry is not None:
            entries[decision] = replace(entry, outcome=outcome, detail=detail or why, settled_wall_s=wall_s)
        else:  # the decision of an outcome that stands alone was pruned
            entries[decision] = AuditEntry(number, target, wall_s, who, uid, what, session, run, why, outcome, detail)
    return Audit(tuple(entries.values()), removed, pruned_wall_s, unreadable)


def audit_pruning(connection: sqlite3.Connection, bounds: Bounds, wall_s: float) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements that prune what is too old or too much and record it; none while nothing is.

    The record comes first: without it no row can be deleted.
    """
    oldest_s = wall_s - bounds.audit_age_s
    count, first, last = connection.execute("SELECT count(*), min(id), max(id) FROM audit").fetchone()
    if not count:
        return []
    upto, why = 0, ""
    young = connection.execute("SELECT min(id) FROM audit WHERE wall_s >= ?", (oldest_s,)).fetchone()[0]
    aged = last if young is None else young - 1  # what lies behind a younger row stays: a clock may have jumped
    if aged >= first and _has_decisions(connection, aged):
        upto, why = aged, f"older than {bounds.audit_age_s:g} s"
    if count > bounds.audit_rows:
        surplus = count - bounds.audit_rows + bounds.audit_rows // 10
        (nth,) = connection.execute("SELECT id FROM audit ORDER BY id LIMIT 1 OFFSET ?", (surplus - 1,)).fetchone()
        if nth > upto:
            upto, why = nth, f"more than {bounds.audit_rows} rows"
    if not upto:
        return []
    record = """
        INSERT INTO audit (life, target, wall_s, kind, decision, who, what, why, upto, removed)
        SELECT :life, '*', :wall_s, 'pruned', 'pruned#' || :upto, 'livewatch', 'prune', :why, :upto,
            (SELECT count(*) FROM audit WHERE id <= :upto AND kind = 'decided')
            + coalesce((SELECT max(removed) FROM audit WHERE kind = 'pruned'), 0)
    """
    facts = {"wall_s": wall_s, "upto": upto, "why": why}
    return [(record, facts), ("DELETE FROM audit WHERE id <= :upto", {"upto": upto})]


def _has_decisions(connection: sqlite3.Connection, upto: int) -> bool:
    """Return whether there is more to prune than the record of an earlier pruning, which would go on for ever."""
    found = connection.execute("SELECT 1 FROM audit WHERE id <= ? AND kind != 'pruned' LIMIT 1", (upto,)).fetchone()
    return found is not None
