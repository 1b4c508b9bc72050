"""``livewatch resume``."""

import json
from pathlib import Path

import click

from livewatch.cli.asking import agent_options, ask_agent


@click.command("resume")
@click.option("--session", metavar="GLOB", help="The glob that was paused.  [default: every pause]")
@agent_options
def command(*, session: str | None, agent: Path | None, name: str, as_json: bool) -> None:
    """End what `livewatch pause` began.

    \b
    Example: livewatch resume
    """
    answer = ask_agent(agent, name, "POST", "/v1/resume", as_json=as_json, session=session)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    ended = answer["ended"]
    click.echo(f"{ended} pause{'' if ended == 1 else 's'} ended" if ended else "nothing was paused")
    if answer["problem"]:
        click.echo(f"  {answer['problem']}", err=True)
