"""``livewatch recover``."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit, end
from livewatch.durations import format_duration

_WAIT_S = 90.0
"""Longest wait for the outcome; the agent looks again for 15 s, for 45 s once the run is gone, and says what it saw."""
_LOOK_EVERY_S = 0.2
_CODES = {"recovered": Exit.OK, "superseded": Exit.REFUSED, "refused": Exit.REFUSED}


@click.command("recover")
@click.argument("session")
@click.option("--action", help="Which rung, such as abort_run; the ladder's next one when not given.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done, and which gates hold it.")
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@agent_options
def command(
    session: str,
    *,
    action: str | None,
    dry_run: bool,
    yes: bool,
    agent: Path | None,
    name: str,
    as_json: bool,
) -> None:
    """Repair one session by hand, through the agent: the same ladder, gates and journal; your name is written down.

    The gates mode, confirmed and quarantine limit automation only; you answer them. All others hold for you as well.

    Exit code 0: recovered (the work behind it was seen to move), or a dry run that would be sent. 1: ineffective,
    failed, timed_out, no outcome was seen, or there is nothing to do. 2: it needs --yes. 5: nothing was done: a gate
    or the gateway refused it, or it was superseded because the session moved on by itself first.

    \b
    Examples:
      livewatch recover agent:main:main --dry-run
      livewatch recover agent:main:main --action force_clear --yes
    """
    plan = ask_agent(agent, name, "POST", "/v1/recover", as_json=as_json, session=session, action=action, dry_run=True)
    held = any(gate["holds"] for gate in plan["gates"])
    if not as_json:
        click.echo("\n".join(lines(plan)))
    if dry_run:
        _finish(plan, as_json=as_json, code=Exit.REFUSED if held else Exit.OK)
        return
    if not held and not yes:  # what a gate refuses needs no answer: the agent refuses it below
        _confirm(as_json=as_json)
    sent = ask_agent(
        agent, name, "POST", "/v1/recover", as_json=as_json, session=session, action=plan["action"], dry_run=False
    )
    done = _outcome(agent, name, sent["key"], as_json=as_json)
    if not as_json:
        click.echo(_outcome_line(done))
    _finish(sent | {"outcome": done}, as_json=as_json, code=exit_of(None if done is None else done["outcome"]))


def exit_of(outcome: str | None) -> Exit:
    """Return the exit code of an outcome; ``None`` is one that was not seen in time."""
    return _CODES.get(outcome or "", Exit.PROBLEM)


def lines(plan: dict[str, Any]) -> list[str]:
    """Return the plan as lines for people."""
    run = f" on run {plan['run']}" if plan["run"] else ""
    held = [f"  held by {gate['gate']}: {gate['detail']}" for gate in plan["gates"] if gate["holds"]]
    return [
        f"{plan['session']}: {plan['action']}{run}",
        f"  cause: {plan['cause']}",
        *(held or ["  every gate passes"]),
    ]


def _confirm(*, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise end(Exit.USAGE, "nobody can be asked here; give --yes to send it", as_json=as_json, kind="usage")
    click.confirm("Send it?", abort=True)


def _outcome(agent: Path | None, name: str, key: str, *, as_json: bool) -> dict[str, Any] | None:
    until_s = time.monotonic() + _WAIT_S
    while time.monotonic() < until_s:
        answer = ask_agent(agent, name, "GET", "/v1/outcome", as_json=as_json, key=key)
        if answer["settled"]:
            action: dict[str, Any] = answer["action"]
            return action
        time.sleep(_LOOK_EVERY_S)
    return None


def _outcome_line(done: dict[str, Any] | None) -> str:
    if done is None:
        return f"sent; no effect seen within {format_duration(_WAIT_S)}; `livewatch explain` goes on looking"
    return f"{done['outcome']} after {format_duration(done['took_s'])}{': ' if done['detail'] else ''}{done['detail']}"


def _finish(document: dict[str, Any], *, as_json: bool, code: Exit) -> None:
    if as_json:
        click.echo(json.dumps(document | {"ok": code is Exit.OK}, indent=2))
    if code is not Exit.OK:
        raise click.exceptions.Exit(int(code))
