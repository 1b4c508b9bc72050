"""What the commands that ask a running agent share: the option that names it, and its errors as exit codes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from livewatch.cli.exits import Exit, end
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.paths import agent_socket
from livewatch.users import user_name

_ROOT = 0
_F = TypeVar("_F", bound=Callable[..., Any])


def agent_options(function: _F) -> _F:
    """Add ``--agent``, ``--name`` and ``--json`` to a command."""
    return which_agent(click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function))


def which_agent(function: _F) -> _F:
    """Add ``--agent`` and ``--name`` to a command."""
    options = [
        click.option(
            "--agent",
            "--agent-socket",
            "agent",
            type=click.Path(path_type=Path),
            envvar="LIVEWATCH_AGENT_SOCKET",
            help="Socket of the agent; found by its name when not given.",
        ),
        click.option(
            "--name", default="gateway", show_default=True, envvar="LIVEWATCH_NAME", help="Name of the gateway."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def ask_agent(
    agent: Path | None, name: str, method: str, target: str, *, as_json: bool, **parameters: object
) -> dict[str, Any]:
    """Return the agent's answer, or end the command with one line and the documented exit code."""
    path = agent_socket(name, agent)
    if agent is None and (owner := _stranger(path)) is not None:
        raise end(
            Exit.NOT_AUTHORISED,
            f"{path} belongs to {owner}, who may answer what he likes; give --agent {path} if that is meant",
            as_json=as_json,
            kind="not_authorised",
        )
    try:
        return ask(path, method, target, **parameters)
    except AgentUnreachable as error:
        raise end(Exit.UNREACHABLE, str(error), as_json=as_json, kind="unreachable") from error
    except AgentRefused as error:
        code = {"not_authorised": Exit.NOT_AUTHORISED, "gate": Exit.REFUSED, "usage": Exit.USAGE}.get(
            error.kind, Exit.PROBLEM
        )
        raise end(code, str(error), as_json=as_json, kind=error.kind) from error


def _stranger(path: Path) -> str | None:
    """Return whose socket it is that merely lies where ours would; anybody may make folders below ``/tmp``."""
    try:
        uid = path.lstat().st_uid
    except OSError:
        return None
    return None if uid in (_ROOT, os.geteuid()) else user_name(uid)
