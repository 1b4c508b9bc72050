"""The command line. Commands are imported when they are called, so that help and status stay fast."""

import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from livewatch import __version__
from livewatch.cli.exits import Exit

_COMMANDS = {
    "audit": ("livewatch.cli.audit", "Say who decided what: automatic or by hand, with outcome."),
    "completion": ("livewatch.cli.completion", "Print what completes commands in your shell."),
    "config": ("livewatch.cli.config", "Write, check and show livewatch.toml."),
    "dashboards": ("livewatch.cli.dashboards", "Take out the Grafana dashboards, alert rules and runbooks."),
    "demo": ("livewatch.cli.demo", "Break a real gateway and watch livewatch repair it."),
    "demo-break": ("livewatch.cli.demo_break", "Break the example gateway by hand."),
    "demo-gateway": ("livewatch.cli.demo_gateway", "Start the example gateway on its own."),
    "doctor": ("livewatch.cli.doctor", "Look whether everything is as it must be; change nothing."),
    "drain": ("livewatch.cli.drain", "Let the gateway finish what runs and end."),
    "events": ("livewatch.cli.events", "Tell what the agent reported, and follow it."),
    "explain": ("livewatch.cli.explain", "Say why a session has its label, and what happens next."),
    "hold": ("livewatch.cli.hold", "Tell the agent to leave sessions alone for a while."),
    "incidents": ("livewatch.cli.incidents", "Read past and present incidents from the journal."),
    "locks": ("livewatch.cli.locks", "Judge session write-lock files; removes none."),
    "metrics": ("livewatch.cli.metrics", "Look up the metrics that are exported."),
    "recover": ("livewatch.cli.recover", "Repair one session by hand, through the same gates."),
    "replay": ("livewatch.cli.replay", "Go through recorded rounds under other settings."),
    "restart-openclaw": ("livewatch.cli.restart_openclaw", "Ask an OpenClaw gateway to restart itself."),
    "resume": ("livewatch.cli.resume", "End what `hold` began."),
    "run": ("livewatch.cli.run", "Attach to a gateway and stay."),
    "sessions": ("livewatch.cli.sessions", "List the sessions, or show all that is known of one."),
    "simulate": ("livewatch.cli.simulate", "Run scenarios in virtual time and prove the judgement."),
    "status": ("livewatch.cli.status", "Ask the running agent how things are."),
    "top": ("livewatch.cli.top", "Watch the sessions live, like htop; explain, hold, recover."),
    "tune": ("livewatch.cli.tune", "Learn from recorded silences which limits to set."),
    "version": ("livewatch.cli.version", "Say which livewatch this is, and what it speaks."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, _help = _COMMANDS[cmd_name]
        command: click.Command = import_module(module).command
        return command

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
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_module, text) in sorted(_COMMANDS.items())])


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
