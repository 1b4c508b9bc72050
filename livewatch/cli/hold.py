"""``livewatch hold``."""

import json
from pathlib import Path

import click

from livewatch.cli.asking import agent_options, ask_agent


@click.command("hold")
@click.option("--session", metavar="GLOB", help="Which sessions, such as 'agent:main:*'.  [default: all]")
@click.option("--for", "duration", metavar="DURATION", help="For how long, such as 30m.  [default: until resumed]")
@agent_options
def command(*, session: str | None, duration: str | None, agent: Path | None, name: str, as_json: bool) -> None:
    """Tell the agent to leave sessions alone: it goes on watching and telling, and repairs nothing.

    The hold survives a restart of the agent, and `livewatch status` shows it with your name.

    \b
    Examples:
      livewatch hold --for 30m
      livewatch hold --session 'agent:main:*'
    """
    answer = ask_agent(agent, name, "POST", "/v1/hold", as_json=as_json, **{"session": session, "for": duration})
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    which = "every session" if session is None else f"sessions matching {session}"
    until = "until `livewatch resume`" if duration is None else f"for {duration}"
    click.echo(f"{which}: left alone {until}")
    if answer["problem"]:
        click.echo(f"  {answer['problem']}", err=True)
