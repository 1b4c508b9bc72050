"""``livewatch sessions list`` and ``livewatch sessions show``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit, end
from livewatch.cli.printable import printable
from livewatch.durations import format_duration

_HEADS = ("ATTENTION", "SESSION", "DOING", "AGE", "SILENT", "QUEUED", "WHY")
_COLOURS = {"stuck": "red", "stalled": "yellow", "long_running": "cyan"}
_STANDING_STILL = ("unresponsive", "frozen", "suspended", "gone")
_LABELS = ("stuck", "stalled", "long_running", "none")
_ROWS = 100


@click.group("sessions")
def command() -> None:
    """Look at the sessions of the gateway, as the running agent sees them.

    \b
    Examples:
      livewatch sessions list --attention stuck --attention stalled
      livewatch sessions show agent:main:main
    """


@command.command("list")
@click.option("--attention", type=click.Choice(_LABELS), multiple=True, help="Only with this label; repeatable.")
@click.option("--session", metavar="GLOB", default="*", help="Only these sessions, such as 'agent:main:*'.")
@click.option(
    "--sort",
    type=click.Choice(["attention", "age", "silent", "queue", "session"]),
    default="attention",
    show_default=True,
    help="By what; what matters most comes first.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=_ROWS, show_default=True, help="At most so many rows."
)
@agent_options
def list_command(
    *,
    attention: tuple[str, ...],
    session: str,
    sort: str,
    limit: int,
    agent: Path | None,
    name: str,
    as_json: bool,
) -> None:
    """List sessions, the most urgent first: what each does, for how long, and what is wrong with it.

    AGE is the time since its state changed, SILENT the time since something new came; neither counts seconds in which
    the gateway could not run.

    Exit code 0: listed, also when something is stuck (`livewatch status` tells by its exit code). 1: the gateway
    cannot be read. 3: no agent answers.

    \b
    Examples:
      livewatch sessions list --sort age --limit 10
      livewatch sessions list --attention stuck --json
    """
    document = ask_agent(
        agent,
        name,
        "GET",
        "/v1/sessions",
        as_json=as_json,
        attention=",".join(attention) or None,
        match=session,
        sort=sort,
        limit=limit,
    )
    if document["problem"]:
        raise end(Exit.PROBLEM, document["problem"], as_json=as_json, kind="gateway_unreadable")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in table(document):
        click.echo(line)


@command.command("show")
@click.argument("session")
@agent_options
def show_command(session: str, *, agent: Path | None, name: str, as_json: bool) -> None:
    """Show everything that is known of one session: facts, judgement, what was done, and how it got here.

    `livewatch explain` says why it has its label, and which gates hold. Exit code 1: there is no such session.

    \b
    Example: livewatch sessions show agent:main:main
    """
    from livewatch.cli.session_lines import lines

    document = ask_agent(agent, name, "GET", "/v1/session", as_json=as_json, session=session)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in lines(document):
        click.echo(printable(line))


def table(document: dict[str, Any]) -> list[str]:
    """Return the list as lines for people, with what it leaves out."""
    rows = document["sessions"]
    out = _aligned([_cells(row) for row in rows]) if rows else []
    counts = document["counts"]
    of = f"{len(rows)} of {document['matching']}" if len(rows) < document["matching"] else f"{len(rows)}"
    among = f" (of {document['total']})" if document["matching"] < document["total"] else ""
    told = ", ".join(f"{counts[label]} {label.replace('_', ' ')}" for label in _LABELS[:3])
    more = "; --limit shows more" if len(rows) < document["matching"] else ""
    state = document.get("gateway", "responsive")
    still = [f"the gateway is {state}: this is its last word"] if state in _STANDING_STILL else []
    return [*out, *still, f"{of} sessions{among}; in the gateway: {told}{more}"]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["attention"] if row["attention"] != "none" else "-",
        printable(row["session"]),
        printable(_doing(row)),
        _duration(row["state_age_s"]),
        _duration(row["silence_s"]),
        "?" if row["queued"] is None else str(row["queued"]),
        printable(why(row)),
    )


def _doing(row: dict[str, Any]) -> str:
    """Return what a session does, in words: its wait, its activity, or its state."""
    if row["waiting_for"]:
        return f"waits: {row['waiting_for'].replace('_', ' ')}"
    words = " ".join(word for word in (row["activity"].replace("_", " "), row["activity_name"]) if word)
    return words or row["state"]


def why(row: dict[str, Any]) -> str:
    """Return why a session has its label and what is done about it; nothing while nothing stands out."""
    words = [] if row["attention"] == "none" else [row["reason"]]
    words += [f"paused {row['held']}"] if row["held"] else []
    words += [row["doing"]] if row["doing"] else []
    return "; ".join(words)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (_HEADS, *rows)) for column in range(len(_HEADS))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        padded[0] = click.style(padded[0], fg=_COLOURS.get(cells[0]))
        return "  ".join(padded).rstrip()

    return [line(_HEADS), *map(line, rows)]


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)
