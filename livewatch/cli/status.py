"""``livewatch status``."""

import json
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit
from livewatch.cli.gateway_words import action_line, dropped, loop_words, opinions, since, why
from livewatch.durations import format_duration

_COLOURS = {"stuck": "red", "stalled": "yellow", "long_running": "cyan"}
_HEALTHY = ("responsive", "degraded", "starting", "draining")
_OVERDUE = frozenset({"startup", "drain"})
"""Reasons for which a gateway that starts or drains is not well: it takes longer than it may."""


@click.command("status")
@agent_options
def command(agent: Path | None, name: str, *, as_json: bool) -> None:
    """Ask the running agent how gateway and sessions are.

    Exit code 0: nothing is stalled or stuck. 1: something is, or the gateway does not run, or
    its start or its drain is past its bound. 3: no agent answers.

    \b
    Example: livewatch status --json
    """
    document = ask_agent(agent, name, "GET", "/v1/status", as_json=as_json)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        for line in lines(document):
            click.echo(line)
    sick = any(row["attention"] in ("stuck", "stalled") for row in document["attention"])
    state = document["vitals"]["state"] if document["vitals"] else None
    overdue = document["vitals"] is not None and bool(_OVERDUE & set(document["vitals"]["reasons"]))
    if sick or overdue or state not in _HEALTHY:
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def lines(document: dict[str, Any]) -> list[str]:
    """Return the status document as lines for people."""
    vitals = document["vitals"]
    if vitals is None:
        return [f"{document['target']}: {document['problem']}"]
    loop = f"{words}, " if (words := loop_words(vitals)) else ""
    warn, abort = (format_duration(document["thresholds"][key]) for key in ("warn_after_s", "abort_after_s"))
    out = [
        (
            f"{document['target']}: {click.style(vitals['state'], bold=True)}{why(vitals)}{since(document)}, "
            f"{loop}mode {document['mode']}, warn {warn}, abort {abort}"
        )
    ]
    if not document.get("acts", True):
        out.append(f"  observes only: {document['actor']}")
    if document["problem"]:
        out.append(f"  {document['problem']}")
    if document.get("control_problem"):
        out.append(f"  no repair can be sent: {document['control_problem']}")
    if document.get("refused_settings"):
        out.append(f"  settings refused, the ones before are in force: {document['refused_settings']}")
    if vitals.get("blocked_stack"):
        stack = vitals["blocked_stack"]
        frame = stack["text"].strip().splitlines()[-1] if stack["text"].strip() else "?"
        out.append(f"  {_blocked_at(stack['age_s'], vitals)} at {frame}")
    if not document["sessions"].get("total") and document["problem"]:
        return [*out, "  sessions unknown while the gateway cannot be read"]
    if document["health_penalty"]:
        out.append(
            f"  livewatch itself is slow (penalty {document['health_penalty']}): its readings are suspect, "
            "and it waits longer before it acts on silence"
        )
    out.append(f"  {_counted(document)}")
    out.extend(opinions(document))
    for row in document["attention"]:
        label = click.style(f"{row['attention']:<12}", fg=_COLOURS.get(row["attention"]))
        heartbeats = f" | heartbeats dropped meanwhile: {words}" if (words := dropped(row)) else ""
        doing = f" | {row['doing']}" if row["doing"] else ""
        out.append(f"  {label} {row['session']}  {row['reason']}{_lasting(row)}{heartbeats}{doing}")
    out.extend(_hold(hold) for hold in document["holds"])
    out.extend(f"  lock {lock['path']}: {lock['condition']}" for lock in document["locks"])
    out.extend(
        f"  a person should look: {held['action']} on {held['session']} blocked by {held['gate']} "
        f"for {format_duration(round(held['held_s'], 1))} (bound {format_duration(held['bound_s'])}): {held['detail']}"
        for held in document.get("held", [])
    )
    out.extend(_aside(document.get("recording"), document.get("shadow")))
    out.extend(f"  {action_line(document, action)}" for action in document["last_actions"])
    return out


def _counted(document: dict[str, Any]) -> str:
    """Return how many sessions there are of each label; where none can be seen that is not a count of zero."""
    counts = document["sessions"]
    if not document.get("sessions_visible", True):
        return "sessions cannot be seen: this gateway is watched as a process; only its loop and its host are judged"
    return (
        f"{counts.get('total', 0)} sessions: {counts.get('stuck', 0)} stuck, {counts.get('stalled', 0)} stalled, "
        f"{counts.get('long_running', 0)} long running"
    )


def _aside(recording: dict[str, Any] | None, shadow: dict[str, Any] | None) -> list[str]:
    """Return what there is to say about the recording and the shadow policy."""
    out: list[str] = []
    if recording is not None and (recording["dropped"] or recording["problem"]):
        why = f": {recording['problem']}" if recording["problem"] else ""
        out.append(f"  recording {recording['folder']}: {recording['dropped']} rounds left out{why}")
    if shadow is not None:
        counts = ", ".join(f"{count} {kind}" for kind, count in shadow["disagreements"].items() if count)
        state = f"switched off: {shadow['problem']}" if not shadow["on"] else f"disagreed {counts or 'never'}"
        out.append(f"  shadow {shadow['policy']}: {state}")
    return out


def _blocked_at(age_s: float, vitals: dict[str, Any]) -> str:
    """Return whether the loop is blocked there now, or was."""
    blocked = vitals["state"] == "unresponsive" and age_s <= (vitals.get("loop_heartbeat_age_s") or 0.0)
    return "blocked now" if blocked else f"last blocked {format_duration(age_s)} ago"


def _hold(hold: dict[str, Any]) -> str:
    left_s = hold["left_s"]
    until = "until resumed" if left_s is None else f"for {format_duration(left_s)} more"
    reason = f" ({hold['reason']})" if hold.get("reason") else ""
    return f"  paused by {hold['by']} {until}: {hold['session']}{reason}"


_SAID_IN_FULL = ("3", "8b")
"""Rules whose reason alone leaves open for what a session waits, or whether anything was ever heard of it."""


def _lasting(row: dict[str, Any]) -> str:
    if row["rule"] in _SAID_IN_FULL and row.get("why"):
        return f": {row['why']}"
    return "" if row["silence_s"] is None else f", silent {format_duration(row['silence_s'])}"
