"""``livewatch pause``; ``hold`` is its former name."""

import json
from pathlib import Path

import click

from livewatch.cli.asking import agent_options, ask_agent


@click.command("pause")
@click.option("--session", metavar="GLOB", help="Which sessions, such as 'agent:main:*'.  [default: all]")
@click.option("--for", "duration", metavar="DURATION", help="For how long, such as 30m.  [default: until resumed]")
@click.option("--reason", metavar="TEXT", help="Why; `status`, the timeline and `audit` show it.")
@agent_options
def command(
    *, session: str | None, duration: str | None, reason: str | None, agent: Path | None, name: str, as_json: bool
) -> None:
    """Leave sessions alone: the agent goes on watching and reporting, and repairs nothing.

    A pause survives a restart of the agent, and `livewatch status` shows it with your name and reason.

    \b
    Examples:
      livewatch pause --for 30m --reason 'database upgrade'
      livewatch pause --session 'agent:main:*'
    """
    asked = {"session": session, "for": duration, "reason": reason}
    answer = ask_agent(agent, name, "POST", "/v1/hold", as_json=as_json, **asked)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    which = "every session" if session is None else f"sessions matching {session}"
    until = "until `livewatch resume`" if duration is None else f"for {duration}"
    click.echo(f"{which}: paused {until}")
    if answer["problem"]:
        click.echo(f"  {answer['problem']}", err=True)
