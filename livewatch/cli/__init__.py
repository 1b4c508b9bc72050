"""The command line. Commands are imported when they are called, so that help and status stay fast."""

import os
import sys
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module

import click

from livewatch import __version__
from livewatch.cli.exits import Exit

_GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Run": {
        "run": ("livewatch.cli.run", "Attach to a gateway and stay."),
        "config": ("livewatch.cli.config", "Write, check and show livewatch.toml, and the settings in force."),
        "doctor": ("livewatch.cli.doctor", "Check that everything is as it must be; change nothing."),
        "dashboards": ("livewatch.cli.dashboards", "Export the Grafana dashboards, alert rules and runbooks."),
        "metrics": ("livewatch.cli.metrics", "Look up the metrics that are exported."),
        "completion": ("livewatch.cli.completion", "Print what completes commands in your shell."),
        "version": ("livewatch.cli.version", "Print the version, and the layouts and protocols it speaks."),
    },
    "Look": {
        "status": ("livewatch.cli.status", "Ask the running agent how things are."),
        "top": ("livewatch.cli.top", "Watch the sessions live, like htop; explain, pause, recover."),
        "sessions": ("livewatch.cli.sessions", "List the sessions, or show all that is known of one."),
        "explain": ("livewatch.cli.explain", "Say why a session has its label, and what happens next."),
        "events": ("livewatch.cli.events", "Print what the agent reported, and follow it."),
        "incidents": ("livewatch.cli.incidents", "Read past and present incidents from the journal."),
        "audit": ("livewatch.cli.audit", "Print who decided what, automation or a person, and the outcome."),
        "locks": ("livewatch.cli.locks", "Judge session write-lock files; removes none."),
    },
    "Act": {
        "pause": ("livewatch.cli.pause", "Leave sessions alone for a while: watch, report, repair nothing."),
        "resume": ("livewatch.cli.resume", "End a pause."),
        "recover": ("livewatch.cli.recover", "Repair one session manually, through the same gates."),
        "drain": ("livewatch.cli.drain", "Let the gateway finish what runs, and end."),
        "restart-openclaw": ("livewatch.cli.restart_openclaw", "Ask an OpenClaw gateway to restart itself."),
    },
    "Learn": {
        "demo": ("livewatch.cli.demo", "Break a real gateway and watch livewatch repair it."),
        "demo-gateway": ("livewatch.cli.demo_gateway", "Start the example gateway on its own."),
        "demo-break": ("livewatch.cli.demo_break", "Break the example gateway."),
        "tune": ("livewatch.cli.tune", "Learn from recorded silences which limits to set."),
    },
    "Develop": {
        "simulate": ("livewatch.cli.simulate", "Run scenarios in virtual time and prove the judgement."),
        "replay": ("livewatch.cli.replay", "Go through recorded ticks under other settings."),
    },
}
"""Every command, by what somebody is about to do."""
_COMMANDS = {name: entry for group in _GROUPS.values() for name, entry in group.items()}
_ALIASES = {"hold": "pause"}
"""Former names, for one release; not in the help."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        name = _ALIASES.get(cmd_name, cmd_name)
        if name not in _COMMANDS:
            return None
        module, _help = _COMMANDS[name]
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a word that is none, say which was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = get_close_matches(args[0], _COMMANDS, n=1, cutoff=0.6) if args else []
            if not close:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}; did you mean {close[0]!r}?", ctx) from error

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. A reader of our output that has seen enough is no problem; click would end with 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still buffered has no reader: without this the interpreter complains about it at its end.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(int(Exit.OK)) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        width = max(map(len, _COMMANDS))
        for group, commands in _GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name.ljust(width), text) for name, (_module, text) in commands.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="livewatch")
def cli() -> None:
    """Watch the sessions of an agent gateway, tell slow from stalled from stuck, repair what is provably dead.

    \b
    livewatch demo                                    see it work, in under a minute
    livewatch run --board B --socket S --mode abort   attach to a gateway that embeds the probe
    livewatch status                                  ask the running agent
    """


def main() -> None:
    """Run the command line and end with the documented exit code; the console script's entry point."""
    try:
        code = cli.main(prog_name="livewatch", standalone_mode=False)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = Exit.USAGE
    except click.ClickException as error:
        about = getattr(error, "ctx", None)
        where = f"; see `{about.command_path} --help`" if about is not None else ""
        problem = error.format_message().rstrip(".")
        click.echo(f"livewatch: {problem}{where}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = Exit.INTERRUPTED
    sys.exit(int(code) if isinstance(code, int) else 0)
