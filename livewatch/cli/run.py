"""``livewatch run``."""

import asyncio
import gc
from pathlib import Path

import click

from livewatch.cli.exits import Exit, end
from livewatch.configuration.load import ConfigError, configuration_file, load_settings
from livewatch.configuration.settings import SourceKind
from livewatch.configuration.usable import check_people, unnamed_target
from livewatch_classifiers.vocabulary import Mode
from livewatch_exporters.telemetry_settings import LogLevel


@click.command("run")
@click.option("--board", type=click.Path(path_type=Path), help="Vitals board that the gateway's probe writes.")
@click.option("--socket", type=click.Path(path_type=Path), help="Control socket that the gateway's probe serves.")
@click.option(
    "--source",
    type=click.Choice([kind.value for kind in SourceKind]),
    help="How to watch: `board`, `openclaw`, or `process` for a gateway that embeds nothing.  [default: board]",
)
@click.option("--pid", type=int, help="Process to watch, with --source process.")
@click.option("--port", type=int, help="Port on which that process listens; finds it, and pokes it when it is quiet.")
@click.option("--url", metavar="URL", help="WebSocket of an OpenClaw gateway.  [default: as OpenClaw is configured]")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File with that gateway's token or password.  [default: as OpenClaw is configured]",
)
@click.option("--profile", metavar="NAME", help="OpenClaw's profile, as in `openclaw --profile NAME`.")
@click.option(
    "--tls-fingerprint",
    metavar="SHA256",
    help="Of the certificate of a wss:// gateway.  [default: of OpenClaw's own file]",
)
@click.option("--tls-certificate", type=click.Path(path_type=Path), help="File with that certificate (PEM).")
@click.option("--health-url", metavar="URL", help="Page of the gateway to ask now and then, as a second witness.")
@click.option("--name", help="Name of the gateway in metrics and for `status`.  [default: gateway]")
@click.option("--warn-after", metavar="DURATION", help="Silence after which work is labelled.  [default: 2m]")
@click.option("--abort-after", metavar="DURATION", help="Silence after which work may be aborted.  [default: 6m]")
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), help="How far recovery may go.  [default: observe]"
)
@click.option("--dry-run", is_flag=True, default=None, help="Decide everything, do nothing.")
@click.option("--allow-discard", is_flag=True, default=None, help="Permit repairs that throw queued messages away.")
@click.option("--interval", metavar="DURATION", help="Time between two looks.  [default: 1s]")
@click.option("--metrics-listen", metavar="HOST:PORT", help="Serve Prometheus metrics, for example 127.0.0.1:9464.")
@click.option("--health-listen", metavar="HOST:PORT", help="Serve /livez and /readyz, for example 127.0.0.1:9465.")
@click.option(
    "--agent-socket",
    "--agent",
    "agent_socket",
    type=click.Path(path_type=Path),
    help="Where `livewatch status` finds this agent.",
)
@click.option("--state-dir", type=click.Path(path_type=Path), help="Folder of the journal.")
@click.option("--record", type=click.Path(path_type=Path), help="Folder to record every round in, for `replay`.")
@click.option("--record-mib", type=int, help="How much the recording may take; the oldest goes first.  [default: 64]")
@click.option(
    "--shadow", type=click.Path(path_type=Path), help="File of a second policy: asked, counted, never acting."
)
@click.option(
    "--log-level",
    type=click.Choice([level.value for level in LogLevel]),
    help="Least serious log lines to write.  [default: info]",
)
@click.option("-v", "--verbose", is_flag=True, help="The same as --log-level debug: a line for each tick, too.")
@click.option("-q", "--quiet", count=True, help="Only warnings and errors; twice: only errors.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Configuration file (TOML).")
@click.option("--wait", is_flag=True, help="Wait for a gateway that is not there yet, instead of ending with 3.")
def command(config_path: Path | None, *, wait: bool, verbose: bool, quiet: int, **flags: object) -> None:
    """Attach to a gateway and stay: watch its sessions, repair what is provably dead, export metrics.

    A changed configuration file is taken up within seconds, and at SIGHUP at once: thresholds and recovery change, the
    rest with the next start; a file that cannot be used changes nothing, and is told.

    A gateway that embeds nothing is watched with `--source process --pid N` or `--port N`: whether its loop turns, its
    process and its host; its sessions cannot be seen and nothing can be repaired. An unmodified OpenClaw gateway is
    watched, and its hung runs are aborted, with `--source openclaw`.

    Under systemd (Type=notify) it says when it is ready and feeds the watchdog from its ticks, whatever the gateway
    does; `--health-listen` says the same to a kubelet.

    Ends with 0 on SIGTERM, 2 on settings that cannot be used, 3 when there is no gateway to attach to.

    \b
    Example: livewatch run --board run/board --socket run/control.sock --mode abort
    """
    flags["log_level"] = _log_level(flags["log_level"], verbose=verbose, quiet=quiet)
    chosen = configuration_file(config_path)  # the same from now on: if it is taken away, that is told
    try:
        settings = load_settings(chosen, flags=flags)
        check_people(settings)
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), kind="usage") from error
    lacking = unnamed_target(settings)
    if lacking is not None:
        raise end(Exit.USAGE, lacking, kind="usage")
    for warning in settings.warnings:
        click.echo(f"livewatch: warning: {warning}", err=True)
    from livewatch.parts import ServiceError
    from livewatch.service import run_service

    gc.collect()
    gc.freeze()  # modules stay for good: going through them again took 40 ms of every full collection, GIL held

    try:
        code = asyncio.run(
            run_service(
                settings,
                wait=wait,
                read=lambda: load_settings(chosen, flags=flags),
                config_file=lambda: chosen or configuration_file(None),
            )
        )
    except ServiceError as error:
        raise end(error.code, str(error), kind=error.kind) from error
    raise click.exceptions.Exit(int(code))


def _log_level(named: object, *, verbose: bool, quiet: int) -> object:
    """Return the level that the flags name, ``None`` where they name none; two that disagree end the command."""
    short = [LogLevel.DEBUG.value] if verbose else []
    short += [LogLevel.WARNING.value if quiet == 1 else LogLevel.ERROR.value] if quiet else []
    if len(short) + (named is not None) > 1:
        raise end(Exit.USAGE, "give one of --log-level, -v and -q", kind="usage")
    return short[0] if short else named
