"""Asking a running agent: one bounded request, nothing heavy imported."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

_TIMEOUT_S = 5.0


class AgentUnreachable(Exception):  # noqa: N818 -- reads as what happened
    """No agent answers at this socket."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"no agent answers at {path} ({problem}); start one with `livewatch run`, or give --agent PATH"
        )


class AgentRefused(Exception):  # noqa: N818 -- reads as what happened
    """The agent answered, and will not do it. ``kind`` is a stable word."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(path: Path, method: str, target: str, **parameters: object) -> dict[str, Any]:
    """Return the agent's JSON document.

    Raises:
        AgentUnreachable: when nobody answers within 5 s.
        AgentRefused: when the agent answers with an error, or only others may ask it.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    connection = _UnixConnection(path)
    try:
        if method == "GET":
            connection.request(method, f"{target}?{urlencode({name: _text(value) for name, value in given.items()})}")
        else:
            connection.request(method, target, json.dumps(given))
        response = connection.getresponse()
        document = cast("dict[str, Any]", json.loads(response.read()))
    except PermissionError as error:
        raise AgentRefused(
            "not_authorised", f"{path} is not open to you; its own user and root may, and whom [agent] readers names"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AgentUnreachable(path, str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if response.status >= http.client.BAD_REQUEST:
        problem = document.get("error", {})
        raise AgentRefused(str(problem.get("type", "error")), str(problem.get("message", "refused")))
    return document


def _text(value: object) -> str:
    """Return a parameter as a query has it: a flag and a number as in JSON, a list with commas between."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in cast("list[object]", value))
    return str(value)
