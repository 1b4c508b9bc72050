"""``livewatch audit``."""

import json
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options
from livewatch.cli.exits import Exit, end
from livewatch.cli.journal_file import journal_file, journal_option, moment_ago
from livewatch.cli.printable import iso_moment, moment, printable
from livewatch.recovery.journal.audit import Audit, AuditEntry, read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError

SCHEMA_VERSION = 1
_HEADS = ("WHEN (UTC)", "WHO", "WHAT", "SESSION", "RUN", "OUTCOME", "WHY")


@click.command("audit")
@click.option("--since", metavar="DURATION", help="Only the last 10m, 24h, 7d...  [default: everything]")
@click.option("--session", metavar="GLOB", help="Only about these sessions, such as 'agent:main:*'.")
@journal_option
@agent_options
def command(
    *, since: str | None, session: str | None, journal: Path | None, agent: Path | None, name: str, as_json: bool
) -> None:
    """Say who decided what: every decision that could change the gateway, by livewatch or by hand, oldest first.

    Read from the journal; no agent needs to run. Nothing in the audit is ever changed; what is pruned (after a year,
    or beyond 50,000 rows) leaves a record that says so.

    Exit code 0: read. 2: usage. 3: there is no journal that can be read.

    \b
    Examples:
      livewatch audit --since 24h
      livewatch audit --session 'agent:main:*' --json
    """
    since_wall_s = moment_ago(since, as_json=as_json)
    path = journal_file(journal, agent, name)
    try:
        audit = read_audit(path, since_wall_s=since_wall_s, session=session)
    except JournalUnreadableError as error:
        raise end(Exit.UNREACHABLE, str(error), as_json=as_json, kind="no_journal") from error
    if as_json:
        click.echo(json.dumps(_document(audit, path), indent=2))
    else:
        click.echo("\n".join(lines(audit)))


def lines(audit: Audit) -> list[str]:
    """Return the audit as a table for people."""
    rows = [_cells(entry) for entry in audit.entries]
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(len(_HEADS))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_HEADS, *rows)
    ]
    if not rows:
        table = ["nothing was decided"]
    if audit.removed:
        assert audit.pruned_wall_s is not None
        table.append(f"{audit.removed} older decisions were pruned, last on {moment(audit.pruned_wall_s)}")
    if audit.unreadable:
        table.append(f"{audit.unreadable} records are damaged and left out")
    return table


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    uid = "" if entry.uid is None else f" ({entry.uid})"
    cells = (
        moment(entry.wall_s),
        f"{entry.who}{uid}",
        entry.what,
        entry.session or "-",
        entry.run or "-",
        entry.outcome or "not seen",
        entry.why,
    )
    return tuple(printable(cell) for cell in cells)


def _document(audit: Audit, path: Path) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "journal": str(path),
        "entries": [_entry(entry) for entry in audit.entries],
        "unreadable_rows": audit.unreadable,
        "pruned": None
        if audit.pruned_wall_s is None
        else {"entries": audit.removed, "time": iso_moment(audit.pruned_wall_s)},
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "time": iso_moment(entry.wall_s),
        "target": entry.target,
        "who": entry.who,
        "uid": entry.uid,
        "what": entry.what,
        "session": entry.session,
        "run": entry.run,
        "why": entry.why,
        "outcome": entry.outcome,
        "detail": entry.detail,
        "settled": None if entry.settled_wall_s is None else iso_moment(entry.settled_wall_s),
    }
