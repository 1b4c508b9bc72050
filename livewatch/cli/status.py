"""``livewatch status``."""

import json
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit
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
    warn, abort = (format_duration(document["thresholds"][key]) for key in ("warn_after_s", "abort_after_s"))
    out = [
        (
            f"{document['target']}: {click.style(vitals['state'], bold=True)}{why(vitals)}, "
            f"{_loop_delay(vitals)}mode {document['mode']}, warn {warn}, abort {abort}"
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
        out.append(f"  last blocked {format_duration(stack['age_s'])} ago at {frame}")
    if not document["sessions"].get("total") and document["problem"]:
        return [*out, "  sessions unknown while the gateway cannot be read"]
    if document["health_penalty"]:
        out.append(
            f"  livewatch itself is slow (penalty {document['health_penalty']}): its readings are suspect, "
            "and it waits longer before it acts on silence"
        )
    counts = document["sessions"]
    out.append(
        f"  {counts.get('total', 0)} sessions: {counts.get('stuck', 0)} stuck, {counts.get('stalled', 0)} stalled, "
        f"{counts.get('long_running', 0)} long running"
    )
    out.extend(gateway_says(document))
    for row in document["attention"]:
        label = click.style(f"{row['attention']:<12}", fg=_COLOURS.get(row["attention"]))
        doing = f" | {row['doing']}" if row["doing"] else ""
        out.append(f"  {label} {row['session']}  {row['reason']}{_silence(row['silence_s'])}{doing}")
    out.extend(_hold(hold) for hold in document["holds"])
    out.extend(f"  lock {lock['path']}: {lock['condition']}" for lock in document["locks"])
    out.extend(
        f"  a person should look: {held['action']} on {held['session']} held by {held['gate']} "
        f"for {format_duration(round(held['held_s'], 1))} (bound {format_duration(held['bound_s'])}): {held['detail']}"
        for held in document.get("held", [])
    )
    out.extend(_aside(document.get("recording"), document.get("shadow")))
    out.extend(
        f"  {action['action']} on {action['session']}: {action['outcome']} after {format_duration(action['took_s'])}"
        for action in document["last_actions"]
    )
    return out


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


def why(vitals: dict[str, Any]) -> str:
    """Return reasons and cause of the gateway's label, in brackets; nothing where there are none."""
    cause = [f"cause: {vitals['cause']}"] if vitals["cause"] != "unknown" else []
    words = [*vitals["reasons"], *cause]
    return f" ({', '.join(words)})" if words else ""


def gateway_says(document: dict[str, Any]) -> list[str]:
    """Return what the gateway's own detector said, as lines."""
    return [
        f"  the gateway itself says: {said['attention']}, {said['reason']} ({format_duration(said['age_s'])} ago)"
        for said in document.get("gateway_says", [])
    ]


def _hold(hold: dict[str, Any]) -> str:
    left_s = hold["left_s"]
    until = "until resumed" if left_s is None else f"for {format_duration(left_s)} more"
    return f"  left alone by {hold['by']} {until}: {hold['session']}"


def _loop_delay(vitals: dict[str, Any]) -> str:
    delay_s = vitals.get("loop_delay_max_s")
    return "" if delay_s is None else f"loop delay {format_duration(delay_s)} max, "


def _silence(seconds: float | None) -> str:
    return "" if seconds is None else f", silent {format_duration(seconds)}"
