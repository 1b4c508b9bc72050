"""Which journal a command reads: the one that was named, the running agent's, or the one of the gateway's name."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livewatch.cli.exits import Exit, end
from livewatch.durations import parse_duration
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.paths import agent_socket
from livewatch.recovery.journal.paths import journal_path

_F = TypeVar("_F", bound=Callable[..., Any])


def journal_option(function: _F) -> _F:
    """Add ``--journal`` to a command that has `agent_options`."""
    option = click.option(
        "--journal",
        type=click.Path(path_type=Path),
        envvar="LIVEWATCH_JOURNAL",
        help="The journal file; the running agent's, or found by the gateway's name, when not given.",
    )
    return option(function)


def journal_file(journal: Path | None, agent: Path | None, name: str) -> Path:
    """Return the file to read. A running agent is asked where it writes: it may have been given a folder.

    An agent that was named and does not answer ends the command: the file of the gateway's name may be another agent's.
    """
    if journal is not None:
        return journal
    try:
        return Path(str(ask(agent_socket(name, agent), "GET", "/v1/about")["journal"]))
    except AgentUnreachable as error:
        if agent is not None:
            raise end(Exit.UNREACHABLE, f"{error}, or name its file with --journal", kind="unreachable") from error
    except (AgentRefused, KeyError):
        pass
    return journal_path(name)


def moment_ago(duration: str | None, *, as_json: bool) -> float | None:
    """Return the Unix time that lies ``duration`` back, or end the command with a usage error."""
    if duration is None:
        return None
    try:
        return time.time() - parse_duration(duration)
    except ValueError as error:
        raise end(Exit.USAGE, f"--since: {error}", as_json=as_json, kind="usage") from error
