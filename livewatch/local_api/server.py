"""The agent's side of the local API: a small, bounded HTTP/1.1 server on the agent's own loop."""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from livewatch.local_api.paths import UNIX_PATH_BYTES_MAX
from livewatch.users import user_name

Handler = Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]
"""Takes the parameters of a request, returns a JSON document. `ApiError` gives another status than 200.

``who`` and ``uid`` among the parameters are the user at the other end, as the kernel says; a client cannot set them."""

_HEAD_BYTES_MAX = 16 * 1024
_BODY_BYTES_MAX = 64 * 1024
_TIMEOUT_S = 5.0
_CONNECTIONS_MAX = 16
_WAITING_MAX = 64
"""Beyond so many a further one is closed at once: whoever opens thousands must not keep out the next one for hours."""


class ApiError(Exception):
    """A request that cannot be served; ``kind`` is a stable word for programs, the text is for people."""

    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class LocalApi:
    """Serves handlers by method and path, to this user and to root only."""

    def __init__(self, path: Path, handlers: Mapping[tuple[str, str], Handler]) -> None:
        self.path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._free = asyncio.Semaphore(_CONNECTIONS_MAX)
        self._connected = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: when the path is too long, or another agent answers there.
        """
        if len(os.fsencode(self.path)) > UNIX_PATH_BYTES_MAX:
            raise OSError(f"{self.path}: longer than {UNIX_PATH_BYTES_MAX} bytes; give a shorter --agent-socket")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.exists():
            if not self.path.is_socket():
                raise OSError(f"{self.path}: not a socket, left alone; give another --agent-socket")
            if _answers(self.path):
                raise OSError(f"{self.path}: another agent answers there; give another --name or --agent-socket")
            self.path.unlink()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._serve, self.path, limit=_HEAD_BYTES_MAX, backlog=_CONNECTIONS_MAX
            )  # so many are accepted in one go: a crowd must not take every descriptor before one is turned away
        finally:
            os.umask(mask)

    async def close(self) -> None:
        """Stop listening; safe before `start` and twice."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connected += 1
        try:
            if self._connected > _WAITING_MAX:
                return
            async with asyncio.timeout(_TIMEOUT_S), self._free:  # waiting for a place is bounded too
                status, document = await self._answer(reader, writer)
                body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
                head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, sent too much or too slowly: nothing is owed to it
        finally:
            self._connected -= 1
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            uid = _peer_uid(writer)
            if uid not in (0, os.getuid()):
                raise ApiError(HTTPStatus.FORBIDDEN, "not_authorised", "only the agent's own user and root may ask")
            method, target, parameters = await _read_request(reader)
            handler = self._handlers.get((method, target))
            if handler is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "unknown_request", f"there is no {method} {target}")
            return HTTPStatus.OK, await handler(parameters | {"who": user_name(uid), "uid": str(uid)})
        except ApiError as error:
            return error.status, {"ok": False, "error": {"type": error.kind, "message": str(error)}}


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    try:
        method, target, _version = head[0].split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in head[1:] if line)
        }
        length = int(headers.get("content-length", "0"))
        url = urlsplit(target)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_request", f"not an HTTP request: {error}") from error
    if not 0 <= length <= _BODY_BYTES_MAX:
        raise ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {_BODY_BYTES_MAX} bytes")
    body = await reader.readexactly(length)
    parameters = dict(parse_qsl(url.query))
    if body:
        try:
            document = json.loads(body)
            parameters |= {str(key): str(value) for key, value in document.items()}
        except (ValueError, AttributeError, RecursionError) as error:
            raise ApiError(HTTPStatus.BAD_REQUEST, "bad_request", f"the body is not a JSON object: {error}") from error
    try:
        "".join((*parameters, *parameters.values())).encode()
    except UnicodeEncodeError as error:  # half a character could be neither journaled nor told again
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_request", f"not text: {error.reason}") from error
    return method, url.path, parameters


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    connection: socket.socket | None = writer.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)
    if connection is None or option is None:
        return os.getuid()  # no peer credentials on this system: the socket's 0600 mode has to do
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(uid)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
