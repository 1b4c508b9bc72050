"""``livewatch incidents``: what the journal tells, as episodes."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

import click

from livewatch.cli.completing import incident_ids
from livewatch.cli.exits import Exit, end
from livewatch.cli.journal_file import moment_ago
from livewatch.durations import format_duration
from livewatch.recovery.incident import Ending, Incident, build_incidents
from livewatch.recovery.journal.paths import journal_path
from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal
from livewatch.recovery.journal.records import History

SCHEMA_VERSION = 1
_F = TypeVar("_F", bound=Callable[..., Any])
_FRAMES_AROUND_S = 60.0


def _journal_options(function: _F) -> _F:
    options = [
        click.option(
            "--journal",
            type=click.Path(path_type=Path),
            envvar="LIVEWATCH_JOURNAL",
            help="The journal file; found by the gateway's name when not given.",
        ),
        click.option(
            "--name", default="gateway", show_default=True, envvar="LIVEWATCH_NAME", help="Name of the gateway."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.group("incidents")
def command() -> None:
    """Read past and present incidents from the journal; no agent needs to run.

    Exit code 0: read. 1: no such incident. 3: there is no journal that can be read.

    \b
    Example: livewatch incidents show 17 --html incident.html
    """


@command.command("list")
@click.option("--since", metavar="DURATION", help="Only those that lasted into this time, such as 24h.")
@click.option("--session", metavar="GLOB", help="Only of these sessions, such as 'agent:main:*'.")
@click.option(
    "--label", metavar="GLOB", help="Only with such a label or reason, such as stuck or blocked_tool_call; globs match."
)
@click.option(
    "--kind", type=click.Choice(["session", "gateway"]), help="Only of sessions, or only of the gateway as a whole."
)
@_journal_options
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, newest first.")
def list_command(
    *,
    since: str | None,
    session: str | None,
    label: str | None,
    kind: str | None,
    journal: Path | None,
    name: str,
    limit: int,
    as_json: bool,
) -> None:
    """List incidents, newest first.

    LASTED counts from the first label of stalled or stuck (of the gateway: from the first state that is not well) to
    the end; the silence before that label is not in it. An ID is the place of its first event in the journal, which
    counts other events too: numbers that are missing are no lost incidents.

    \b
    Examples:
      livewatch incidents list --limit 5
      livewatch incidents list --since 24h --session 'agent:main:*' --label stuck
    """
    since_wall_s = moment_ago(since, as_json=as_json)
    history = _history(journal_path(name) if journal is None else journal, as_json=as_json)
    found = [i for i in build_incidents(history)[::-1] if _asked_for(i, since_wall_s, session, label, kind)]
    if as_json:
        document = {
            "schema_version": SCHEMA_VERSION,
            "incidents": [_short(incident) for incident in found[:limit]],
            "total": len(found),
            "unreadable_rows": history.unreadable,
        }
        click.echo(json.dumps(document, indent=2))
        return
    for line in _table(found[:limit], filtered=any((since, session, label, kind))):
        click.echo(line)
    if len(found) > limit:
        click.echo(f"{len(found) - limit} older ones are not shown; --limit shows more")
    _warn(history)


@command.command("show")
@click.argument("incident_id", metavar="ID", shell_complete=incident_ids)
@_journal_options
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write one self-contained page.")
def show_command(incident_id: str, journal: Path | None, name: str, html: Path | None, *, as_json: bool) -> None:
    """Show one incident with its timeline.

    \b
    Example: livewatch incidents show 17
    """
    path = journal_path(name) if journal is None else journal
    history = _history(path, as_json=as_json)
    incident = next((i for i in build_incidents(history) if i.id == incident_id), None)
    if incident is None:
        message = f"no incident {incident_id!r}; `livewatch incidents list` lists them"
        raise end(Exit.PROBLEM, message, as_json=as_json, kind="no_such_incident")
    if html is not None:
        _write_page(incident, path, html, as_json=as_json)
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, **_short(incident), "timeline": _timeline(incident)}
        click.echo(json.dumps(document, indent=2))
    elif html is None:
        for line in lines(incident):
            click.echo(line)
        _warn(history)


def lines(incident: Incident) -> list[str]:
    """Return one incident as lines for people."""
    subject = "the gateway" if incident.session is None else incident.session
    ending = incident.ending.value.replace("_", " ")
    lasted = format_duration(incident.duration_s)
    out = [
        f"incident {incident.id}: {click.style(_plain(subject), bold=True)} on {incident.target}",
        f"  {', '.join(incident.labels)}",
        f"  began {_clock(incident.began_wall_s)} UTC, {lasted}, {ending}",
    ]
    out += [f"  {action}" for action in incident.actions]
    out.append("")
    width = max(len(_offset(moment.offset_s)) for moment in incident.timeline)
    out += [f"  {_offset(m.offset_s):>{width}}  {_plain(m.text)}" for m in incident.timeline]
    return out


def _asked_for(
    incident: Incident, since_wall_s: float | None, session: str | None, label: str | None, kind: str | None
) -> bool:
    ended = incident.ending is not Ending.OPEN
    if since_wall_s is not None and ended and incident.began_wall_s + incident.duration_s < since_wall_s:
        return False
    if session is not None and not (incident.session is not None and fnmatchcase(incident.session, session)):
        return False
    if kind is not None and (kind == "gateway") != (incident.session is None):
        return False
    words = {word for given in incident.labels for word in (given, *given.split("/"))}
    return label is None or any(fnmatchcase(word, label) for word in words)


def _table(incidents: Sequence[Incident], *, filtered: bool) -> list[str]:
    if not incidents:
        return ["no incident in the journal is like that" if filtered else "no incidents in the journal"]
    rows = [
        (
            incident.id,
            _clock(incident.began_wall_s),
            format_duration(incident.duration_s),
            incident.ending.value.replace("_", " "),
            _plain(incident.session or f"({incident.target})"),
            ", ".join(incident.labels),
            "; ".join(incident.actions) or "-",
        )
        for incident in incidents
    ]
    heads = ("ID", "BEGAN (UTC)", "LASTED", "ENDING", "SESSION", "LABELS", "ACTIONS")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]


def _short(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "target": incident.target,
        "session": incident.session,
        "began": datetime.fromtimestamp(incident.began_wall_s, UTC).isoformat(),
        "duration_s": incident.duration_s,
        "ending": incident.ending.value,
        "labels": list(incident.labels),
        "actions": list(incident.actions),
    }


def _timeline(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "offset_s": moment.offset_s,
            "time": datetime.fromtimestamp(moment.wall_s, UTC).isoformat(),
            "kind": moment.kind.value,
            "text": moment.text,
            "data": dict(moment.data),
        }
        for moment in incident.timeline
    ]


def _write_page(incident: Incident, journal: Path, page: Path, *, as_json: bool) -> None:
    from livewatch.cli.incident_page import render

    ends_s = max(moment.wall_s for moment in incident.timeline)
    between = (incident.began_wall_s - _FRAMES_AROUND_S, ends_s + _FRAMES_AROUND_S)
    frames = _history(journal, as_json=as_json, between=between).frames
    try:
        page.write_text(render(incident, frames), "utf-8")
    except OSError as error:
        raise end(Exit.PROBLEM, f"cannot write {page}: {error.strerror}", as_json=as_json, kind="write") from error
    click.echo(f"wrote {page}", err=True)


def _history(path: Path, *, as_json: bool, between: tuple[float, float] | None = None) -> History:
    try:
        return read_journal(path, frames_between=between)
    except JournalUnreadableError as error:
        raise end(Exit.UNREACHABLE, str(error), as_json=as_json, kind="no_journal") from error


def _warn(history: History) -> None:
    if history.unreadable:
        click.echo(f"{history.unreadable} rows were written by another version and are left out", err=True)


def _plain(text: str) -> str:
    """Return text that cannot steer a terminal: keys and details come from the gateway."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _clock(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _offset(seconds: float) -> str:
    return f"{'-' if seconds < 0 else '+'}{format_duration(abs(seconds))}"
