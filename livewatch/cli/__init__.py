"""The command line. Commands are imported when they are called, so that help and status stay fast."""

from importlib import import_module
from typing import Any

import click

from livewatch import __version__

_COMMANDS = {
    "demo": ("livewatch.cli.demo", "Break a real gateway and watch livewatch repair it."),
    "demo-gateway": ("livewatch.cli.demo_gateway", "Start the example gateway on its own."),
    "explain": ("livewatch.cli.explain", "Say why a session has its label, and what happens next."),
    "run": ("livewatch.cli.run", "Attach to a gateway and stay."),
    "simulate": ("livewatch.cli.simulate", "Run scenarios in virtual time and prove the judgement."),
    "status": ("livewatch.cli.status", "Ask the running agent how things are."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _help = _COMMANDS[cmd_name]
        command: click.Command = import_module(module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_module, text) in sorted(_COMMANDS.items())])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="livewatch")
def cli() -> None:
    r"""Watch the sessions of an agent gateway, tell slow from stalled from stuck, repair what is provably dead.

    \b
    livewatch demo                                    see it work, in under a minute
    livewatch run --board B --socket S --mode abort   attach to a gateway that embeds the probe
    livewatch status                                  ask the running agent
    """


def main(**overrides: Any) -> None:
    """Run the command line; the console script's entry point."""
    cli.main(prog_name="livewatch", **overrides)
