"""``livewatch explain``."""

import json
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.completing import session_keys
from livewatch.cli.gateway_words import action_line, dropped, duration, loop_words, since, why
from livewatch.durations import format_duration


@click.command("explain")
@click.argument("session", shell_complete=session_keys)
@agent_options
def command(session: str, agent: Path | None, name: str, *, as_json: bool) -> None:
    """Say why a session has its label, what happens next, and which gates block it.

    \b
    Example: livewatch explain agent:main:main
    """
    document = ask_agent(agent, name, "GET", "/v1/explain", as_json=as_json, session=session)
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in lines(document):
        click.echo(line)


_FRAMES = 6
_NOW_S = 10.0
"""A block that is over for longer is told by its innermost line alone."""


def lines(document: dict[str, Any]) -> list[str]:
    """Return the explanation as lines for people."""
    verdict, following = document["verdict"], document["next"]
    loop = f", {at_loop}" if (at_loop := loop_words(document["vitals"])) else ""
    words = dropped(document)
    out = [
        (
            f"{document['session']}: {verdict['attention']} / {verdict['reason']}{_labelled(document)} "
            f"(rule {verdict['rule']}{_EVIDENCE.get(verdict['evidence_class'], '')})"
        ),
        f"  {verdict['rule_words']}",
        "  seen:",
        *(
            f"    {fact['fact']:<22} {fact['value']!s:<24} {_since(fact['age_s'])}{_source(fact['source'])}".rstrip()
            for fact in document["seen"]
        ),
        *(["  judged by:"] if verdict["evidence"] else []),
        *(_fact(name, value) for name, value in verdict["evidence"].items()),
        *(_lane(lane, document["session"]) for lane in document["lanes"]),
        *([f"  heartbeats dropped meanwhile: {words} (the gateway counts them for no session)"] if words else []),
        f"  gateway: {document['vitals']['state']}{why(document['vitals'])}{since(document)}{loop}",
        *_blocked(document["vitals"]),
        f"  next: {following['action'] or 'nothing'}: {following['why']}",
    ]
    if following.get("due_in_s"):
        out.append(f"    due in {format_duration(following['due_in_s'])} if it stays silent")
    held = [gate for gate in following["gates"] if gate["holds"]]
    passed = [gate["gate"] for gate in following["gates"] if not gate["holds"]]
    for gate in held:
        opens = f", opens in {format_duration(gate['opens_in_s'])}" if gate["opens_in_s"] is not None else ""
        out.append(f"    blocked by {gate['gate']}: {gate['detail']}{opens}")
    climb = following.get("climb")
    if climb and climb["steps"]:
        steps = (f"{step['action']} within {format_duration(round(step['sent_in_s']))}" for step in climb["steps"])
        out.append(f"    if nothing helps: {', '.join(steps)}")
        out.append(f"    the climb ends within {format_duration(round(climb['ends_in_s']))}: {climb['then']}")
    if passed:
        out.append(f"    passes: {', '.join(passed)}")
    return [*out, *_done(document)]


_EVIDENCE = {"certain": ", certain", "silence": ", a bet on silence"}
"""What a verdict rests on; one that claims nothing to be wrong needs no word."""


def _labelled(document: dict[str, Any]) -> str:
    age_s = document.get("label_age_s")
    return "" if age_s is None or age_s < 1 else f" for {duration(age_s)}"


def _done(document: dict[str, Any]) -> list[str]:
    """Return what was done to the session, each with its time; what an earlier agent did has none here."""
    actions = document.get("actions", [])
    out = [f"  done: {action_line(document, action)}" for action in actions]
    if not actions and document["tried"]:
        tried = ", ".join(f"{item['action']}: {item['outcome']}" for item in document["tried"])
        out.append(f"  tried before this agent was started: {tried}; `livewatch events` has the times")
    if document["repairs"]:
        within = f" within {format_duration(document['repairs_within_s'])}" if "repairs_within_s" in document else ""
        quarantined = ", quarantined: a person must look" if document["quarantined"] else ""
        out.append(f"  repaired {_times(document['repairs'])}{within}{quarantined}")
    elif document["quarantined"]:
        out.append("  quarantined, as repairs did not help: a person must look")
    return out


def _blocked(vitals: dict[str, Any]) -> list[str]:
    """Return where the loop was last blocked: the innermost frames, the innermost last."""
    stack: dict[str, Any] | None = vitals.get("blocked_stack")
    if stack is None:
        return []
    frames = stack["text"].strip().splitlines()[-(_FRAMES if stack["age_s"] < _NOW_S else 1) :]
    ago, times = format_duration(stack["age_s"]), _times(stack["count"])
    return [
        f"    its loop was blocked {ago} ago, seen {times} at the same place:",
        *(f"      {frame}" for frame in frames),
    ]


def _lane(lane: dict[str, Any], session: str) -> str:
    if lane["circle"]:
        return f"  lane {lane['lane']}: a circle, {' waits for '.join((*lane['circle'], lane['circle'][0]))}"
    head = "held by this session" if lane["head"] == session else f"held by {lane['head'] or 'nobody known'}"
    waiting = f", {len(lane['waiting'])} waiting" if lane["waiting"] else ""
    return f"  lane {lane['lane']}: {lane['condition']}, {head}{waiting}"


def _source(source: str) -> str:
    return "" if source == "gateway" else f"  from {source}"


def _fact(name: str, value: object) -> str:
    if name.endswith("_s") and isinstance(value, (int, float)):
        return f"    {name.removesuffix('_s'):<22} {format_duration(value)}"
    return f"    {name:<22} {value}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _since(age_s: float | None) -> str:
    return "" if age_s is None else f"{format_duration(age_s)} ago"
