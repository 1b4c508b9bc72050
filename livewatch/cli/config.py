"""``livewatch config``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from livewatch.cli.asking import agent_options, ask_agent
from livewatch.cli.exits import Exit, end
from livewatch.configuration.load import ConfigError, all_problems, configuration_file, load_settings
from livewatch.configuration.settings import Settings
from livewatch.configuration.usable import check_people, unnamed_target
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.paths import agent_socket

SCHEMA_VERSION = 1
_PATH = click.Path(path_type=Path, dir_okay=False)
_file = click.option("--config", "path", type=_PATH, help="Configuration file (TOML).  [default: as `run` finds it]")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("config")
def command() -> None:
    """Write, check and show `livewatch.toml`; docs/configuration.md says what each key means.

    \b
    Example: livewatch config init
    """


@command.command("check")
@click.argument("file", type=_PATH, required=False)
@_file
@_json
def check(file: Path | None, path: Path | None, *, as_json: bool) -> None:
    """Say whether FILE (by default the one that `run` would read) and the LIVEWATCH_* variables can be used.

    Exit code 0: they can. 2: they cannot, and each line says where and what to write instead.

    \b
    Example: livewatch config check /etc/livewatch/livewatch.toml
    """
    chosen = configuration_file(file or path)
    problems = all_problems(chosen)
    if problems:
        for problem in problems[:-1]:
            click.echo(f"livewatch: {problem}", err=True)
        more = f"; {len(problems)} problems in all" if len(problems) > 1 else ""
        raise end(Exit.USAGE, f"{problems[-1]}{more}", as_json=as_json, kind="config")
    settings = _read(chosen, as_json=as_json)
    try:
        check_people(settings)
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="config") from error
    if settings.agent.shadow is not None:
        from livewatch.configuration.candidate import read_candidate

        try:
            read_candidate(settings.agent.shadow).over(settings.thresholds, settings.recovery)
        except ConfigError as error:
            raise end(Exit.USAGE, f"agent.shadow: {error}", as_json=as_json, kind="config") from error
    if as_json:
        document = {"file": _named(chosen), "set": sorted(settings.origins), "warnings": settings.warnings}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "ok": True, **document}, indent=2))
        return
    for warning in settings.warnings:
        click.echo(f"livewatch: warning: {warning}", err=True)
    lacking = unnamed_target(settings)
    if lacking is not None:
        click.echo(f"livewatch: these alone do not start `run`, which also needs: {lacking}", err=True)
    count = len([origin for origin in settings.origins.values() if not origin.startswith("default")])
    click.echo(f"{chosen or 'no file'}: can be used; {count} {'key is' if count == 1 else 'keys are'} set")


def _show_running(about: dict[str, Any], *, origin: bool, as_json: bool) -> None:
    if "settings" not in about:
        message = f"livewatch {about.get('version', '?')} runs there, which does not say its settings; restart it"
        raise end(Exit.PROBLEM, message, as_json=as_json, kind="version")
    if as_json:
        document = {"pid": about["pid"], "settings": about["settings"]}
        click.echo(json.dumps({"schema_version": SCHEMA_VERSION, "ok": True, **document}, indent=2))
        return
    click.echo("\n".join(running_lines(about, origin=origin)))


def running_lines(about: Mapping[str, Any], *, origin: bool) -> list[str]:
    """Return what a running agent said of its settings as the lines of a file."""
    from livewatch.configuration.file_text import shown_in_force

    return [
        f"# in force in the agent with pid {about['pid']}",
        *shown_in_force(about["settings"], origins=origin),
    ]


def _differing(socket: Path, values: Mapping[str, object]) -> list[str]:
    """Return the keys of which an agent that answers has other values; empty where none answers."""
    try:
        told = ask(socket, "GET", "/v1/about").get("settings", {})
    except (AgentUnreachable, AgentRefused):
        return []
    given = {key for key, entry in told.items() if not str(entry["origin"]).startswith("default")}
    changed = {key for key, entry in told.items() if key in values and _same(entry["value"]) != _same(values[key])}
    return sorted(changed | {key for key in given if key not in values})


def _same(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


@command.command("show")
@_file
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--running", is_flag=True, help="Print what is in force in the running agent: flags, reloads and all.")
@agent_options
def show(path: Path | None, *, origin: bool, running: bool, agent: Path | None, name: str, as_json: bool) -> None:
    """Print the settings that `run` would use, as a file that sets them all; with --running those in force.

    The two differ where an agent was started with flags, other variables or another file; that is said.

    \b
    Examples:
      livewatch config show --origin
      livewatch config show --running --origin
    """
    if running:
        _show_running(ask_agent(agent, name, "GET", "/v1/about", as_json=as_json), origin=origin, as_json=as_json)
        return
    from livewatch.configuration.file_text import in_force, shown

    chosen = configuration_file(path)
    settings = _read(chosen, as_json=as_json)
    if not as_json:
        click.echo("\n".join(shown(settings, origins=origin)))
        differing = [] if path is not None else _differing(agent_socket(name, agent), in_force(settings))
        if differing:
            click.echo(f"livewatch: the running agent has other values of {', '.join(differing)}: --running", err=True)
        return
    values = {
        key: {"value": value, "origin": settings.origins.get(key, "default")}
        for key, value in in_force(settings).items()
    }
    document = {"schema_version": SCHEMA_VERSION, "ok": True, "file": _named(chosen), "settings": values}
    click.echo(json.dumps(document, indent=2))


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of `livewatch.toml`, for editors and checkers.

    \b
    Example: livewatch config schema > livewatch.schema.json
    """
    from livewatch.configuration.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@command.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), required=False)
@click.option(
    "--from-openclaw", type=_PATH, metavar="FILE", help="Take over the limits that this openclaw.json sets in ...Ms."
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def init(file: Path | None, from_openclaw: Path | None, *, force: bool) -> None:
    """Write a first FILE: every key with its meaning, commented out with its default. `-` prints it.

    By default it is the user's own file, which `run` finds. Nothing that is there is replaced without --force.

    \b
    Example: livewatch config init --from-openclaw ~/.openclaw/openclaw.json
    """
    from livewatch.configuration.file_text import first_file

    try:
        limits = _limits(from_openclaw)
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), kind="config") from error
    text = first_file(limits, [f"{key} is from {from_openclaw}" for key in limits])
    if file is not None and str(file) == "-":
        click.echo(text, nl=False)
        return
    from livewatch.configuration.load import user_file

    path = file or user_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise end(Exit.PROBLEM, f"{path} is there already; give --force or another file", kind="exists") from None
    except OSError as error:
        raise end(Exit.PROBLEM, f"cannot write {path}: {error.strerror}", kind="write") from error
    taken = f", with {', '.join(limits)} from {from_openclaw}" if limits else ""
    click.echo(f"wrote {path}{taken}; edit it, then `livewatch config check {path}`")


def _limits(path: Path | None) -> dict[str, str]:
    from livewatch.configuration.openclaw_keys import KEYS, read_limits

    if path is None:
        return {}
    limits = read_limits(path)
    if not limits:
        click.echo(f"livewatch: {path} sets none of diagnostics.{', diagnostics.'.join(KEYS)}", err=True)
    return limits


def _read(path: Path | None, *, as_json: bool) -> Settings:
    try:
        return load_settings(path)
    except ConfigError as error:
        raise end(Exit.USAGE, str(error), as_json=as_json, kind="config") from error


def _named(path: Path | None) -> str | None:
    return str(path) if path is not None else None
