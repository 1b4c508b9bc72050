"""``livewatch drain``."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit, end
from livewatch.durations import format_duration, parse_duration

_LOOK_EVERY_S = 0.5
_MARGIN_S = 5.0
"""A gateway that drains in time is gone a moment later."""


@click.command("drain")
@click.option(
    "--timeout", metavar="DURATION", default="30s", show_default=True, help="Less than your supervisor's patience."
)
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")
@agent_options
def command(*, timeout: str, yes: bool, agent: Path | None, name: str, as_json: bool) -> None:
    """Let the gateway begin nothing new, finish what is alive, clear what outlived its own timeout, and end.

    Exit code 0: the gateway ended and nothing was left. 1: something was left, or it did not end in time.
    5: the gateway offers no drain.

    \b
    Example: livewatch drain --timeout 60s --yes
    """
    try:
        timeout_s = parse_duration(timeout)
    except ValueError as error:
        raise end(Exit.USAGE, f"--timeout: {error}", as_json=as_json, kind="usage") from error
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise end(Exit.USAGE, "nobody can be asked here; give --yes to drain", as_json=as_json, kind="usage")
        click.confirm("Drain the gateway?", abort=True)
    ask_agent(agent, name, "POST", "/v1/drain", as_json=as_json, timeout=timeout)
    ended, left, took_s = _watch(agent, name, timeout_s + _MARGIN_S, as_json=as_json)
    well = ended and not left
    if as_json:
        document = {"schema_version": 1, "ok": well, "ended": ended, "left": left, "took_s": round(took_s, 3)}
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(_result(left, took_s, ended=ended))
    if not well:
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def _watch(agent: Path | None, name: str, for_s: float, *, as_json: bool) -> tuple[bool, list[str], float]:
    """Look until the gateway is gone; return whether it is, what was last seen running, and how long it took."""
    began_s, left = time.monotonic(), list[str]()
    shown = -1
    while (took_s := time.monotonic() - began_s) < for_s:
        status = ask_agent(agent, name, "GET", "/v1/status", as_json=as_json)
        if status["vitals"] is not None and status["vitals"]["state"] == "gone":
            # one that ends before its time was over has waited for everything
            return True, left if took_s >= for_s - _MARGIN_S else [], took_s
        left = status["running"]
        if len(left) != shown and not as_json:
            shown = len(left)
            click.echo(f"draining: {shown} still running")
        time.sleep(_LOOK_EVERY_S)
    return False, left, took_s


def _result(left: list[str], took_s: float, *, ended: bool) -> str:
    how = "the gateway ended" if ended else "the gateway has not ended"
    what: Any = f"left: {', '.join(left)}" if left else "nothing was left"
    return f"{how} after {format_duration(took_s)}; {what}"
