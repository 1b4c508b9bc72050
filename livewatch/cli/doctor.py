"""``livewatch doctor``."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from livewatch.cli.exits import Exit, end
from livewatch.cli.printable import printable
from livewatch.configuration.load import ConfigError, configuration_file, load_settings
from livewatch.configuration.settings import Settings, SourceKind
from livewatch.doctor.finding import Finding, Health

SCHEMA_VERSION = 1
_COLOURS = {Health.OK: "green", Health.WARNING: "yellow", Health.FAILURE: "red", Health.SKIPPED: "bright_black"}
_NAME = 16
"""Width of the longest name of a check; a test keeps it."""
_EMPTY = Path(os.devnull)
_PATH = click.Path(path_type=Path)


@click.command("doctor")
@click.option("--config", "config_path", type=_PATH, help="Configuration file (TOML).")
@click.option("--board", type=_PATH, help="Vitals board of the gateway; a running agent's when not given.")
@click.option("--socket", type=_PATH, help="Control socket of the gateway; a running agent's when not given.")
@click.option("--source", type=click.Choice([kind.value for kind in SourceKind]), help="How it is watched.")
@click.option("--pid", type=int, help="Process to watch, with --source process.")
@click.option("--port", type=int, help="Port on which that process listens.")
@click.option("--url", metavar="URL", help="WebSocket of an OpenClaw gateway, with --source openclaw.")
@click.option("--token-file", type=_PATH, help="File with that gateway's token or password.")
@click.option("--profile", metavar="NAME", help="OpenClaw's profile, as in `openclaw --profile NAME`.")
@click.option("--tls-fingerprint", metavar="SHA256", help="Of the certificate of a wss:// gateway.")
@click.option("--tls-certificate", type=_PATH, help="File with that certificate (PEM).")
@click.option("--name", help="Name of the gateway.  [default: gateway]")
@click.option("--agent", "--agent-socket", "agent_socket", type=_PATH, help="Socket of the agent.")
@click.option("--state-dir", type=_PATH, help="Folder of the journal.")
@click.option("--metrics-listen", metavar="HOST:PORT", help="Where Prometheus metrics are, or would be, served.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(config_path: Path | None, *, as_json: bool, **flags: object) -> None:
    """Look whether everything is as livewatch needs it, and say how to mend what is not. Changes nothing.

    Works without an agent, and asks a running one. Where an OTLP endpoint is set, one metric, span and event named
    livewatch.doctor.trial are really sent to it.

    Exit code 0: nothing fails (warnings may be there). 1: something fails. 2: usage.

    \b
    Examples:
      livewatch doctor
      livewatch doctor --board run/board --socket run/control.sock --json
    """
    settings, problem = _settings(config_path, flags, as_json=as_json)
    from livewatch.doctor.case import gather
    from livewatch.doctor.checks import CHECKS, Check, examine

    case = gather(settings, config_path=configuration_file(config_path), config_problem=problem)
    found: list[tuple[Check, Finding]] = []
    group = ""
    for check, finding in examine(case):
        found.append((check, finding))
        if as_json:
            continue
        if check.group != group:
            group = check.group
            click.echo(click.style(group, bold=True))
        click.echo("\n".join(lines(check.name, finding)))
    counts = Counter(finding.health for _, finding in found)
    left_out = sum(not check.applies(case) for check in CHECKS)
    fails = counts[Health.FAILURE] > 0
    if as_json:
        rows = [_row(check.group, check.name, finding) for check, finding in found]
        document = {"schema_version": SCHEMA_VERSION, "ok": not fails, "counts": _counted(counts), "checks": rows}
        click.echo(json.dumps(document, indent=2))
    else:
        told = ", ".join(f"{count} {health}" for health, count in _counted(counts).items())
        source = case.settings.target.source.value
        click.echo(told + (f"; {left_out} checks do not apply to source {source}" if left_out else ""))
    if fails:
        raise click.exceptions.Exit(int(Exit.PROBLEM))


def lines(name: str, finding: Finding) -> list[str]:
    """Return one finding as lines for people."""
    health = click.style(f"{finding.health.value:<8}", fg=_COLOURS[finding.health])
    out = [f"  {health} {name:<{_NAME}} {printable(finding.text)}"]
    if finding.fix:
        out.append(f"  {'':<8} {'':<{_NAME}} fix: {printable(finding.fix)}")
    return out


def _settings(config_path: Path | None, flags: dict[str, object], *, as_json: bool) -> tuple[Settings, str]:
    """Return the settings, and why the configured ones cannot be used; what flags say must be usable."""
    try:
        return load_settings(config_path, flags=flags), ""
    except ConfigError as error:
        problem = str(error)
    try:
        return load_settings(_EMPTY, flags=flags), problem
    except ConfigError:  # it is a variable that cannot be used, or a flag
        pass
    try:
        return load_settings(_EMPTY, environ={}, flags=flags), problem
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="usage") from error


def _counted(counts: Counter[Health]) -> dict[str, int]:
    return {health.value: counts[health] for health in Health}


def _row(group: str, name: str, finding: Finding) -> dict[str, Any]:
    return {
        "group": group,
        "check": name,
        "health": finding.health.value,
        "text": finding.text,
        "fix": finding.fix or None,
    }
