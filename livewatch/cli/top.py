"""``livewatch top``."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livewatch.cli.asking import which_agent
from livewatch.cli.exits import Exit, end
from livewatch.durations import parse_duration
from livewatch.local_api.paths import agent_socket

if TYPE_CHECKING:
    from livewatch.top.vantage import Vantage

_INTERVAL_MIN_S = 0.1
_INTERVAL_MAX_S = 60.0


@click.command("top")
@click.option(
    "--board", type=click.Path(path_type=Path), help="Look at this vitals board without an agent; only looking."
)
@click.option("--interval", metavar="DURATION", default="1s", show_default=True, help="Time between two looks.")
@which_agent
@click.pass_context
def command(ctx: click.Context, *, board: Path | None, interval: str, agent: Path | None, name: str) -> None:
    """Watch the sessions live, like htop: sort, filter, explain, hold, recover.

    Looks through the running agent, as `livewatch status` does, and goes on when the agent goes away and comes back.
    With --board it reads a gateway's board itself, judges with the limits of the configuration, and can only look.
    Press ? for the keys. NO_COLOR is obeyed.

    Exit code 0: q. 2: usage, or no terminal. 3: no agent answers, or there is no board to read. 130: Ctrl-C.

    \b
    Examples:
      livewatch top
      livewatch top --board run/board
    """
    if board is not None and any(_given(ctx, option) for option in ("agent", "name")):
        raise end(Exit.USAGE, "--board looks without an agent; leave out --agent and --name", kind="usage")
    interval_s = _interval(interval)
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") in (None, "", "dumb"):
        raise end(Exit.USAGE, "top needs a terminal; `livewatch sessions list` prints the same once", kind="usage")
    vantage = _vantage(agent_socket(name, agent), board)
    from livewatch.top.show import show

    code = asyncio.run(show(vantage, interval_s))
    if code:
        raise click.exceptions.Exit(code)


def _vantage(agent: Path, board: Path | None) -> "Vantage":
    """Return where to look from: the board if there is one, else the agent at this socket."""
    if board is None:
        from livewatch.top.agent_vantage import AgentVantage

        return AgentVantage(agent)
    from livewatch.clock import SystemClock
    from livewatch.configuration.load import ConfigError, load_settings
    from livewatch.top.board_vantage import BoardVantage

    try:
        thresholds = load_settings().thresholds  # the limits to judge by
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), kind="usage") from error
    return BoardVantage(board, thresholds, SystemClock())


def _interval(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise end(Exit.USAGE, f"--interval: {error}", kind="usage") from error
    if not _INTERVAL_MIN_S <= seconds <= _INTERVAL_MAX_S:
        raise end(Exit.USAGE, f"--interval must be 100ms to 1m, not {text}", kind="usage")
    return seconds


def _given(ctx: click.Context, option: str) -> bool:
    return ctx.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE
