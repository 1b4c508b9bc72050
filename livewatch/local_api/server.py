"""The agent's side of the local API: a small, bounded HTTP/1.1 server on the agent's own loop."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from livewatch.guard.access import Access, Right
from livewatch.guard.listener import Listener
from livewatch.guard.peer import Peer, peers_are_known
from livewatch.guard.request_head import HEAD_BYTES_MAX, BadRequest, RequestHead, json_object
from livewatch.users import user_name

Handler = Callable[[Mapping[str, str]], Awaitable[dict[str, Any]]]
"""Takes the parameters of a request, returns a JSON document. `ApiError` gives another status than 200.

``who`` and ``uid`` among the parameters are the user at the other end, as the kernel says; a client cannot set them."""

_TIMEOUT_S = 5.0
_CONNECTIONS_MAX = 16
_READERS_MAX = 8
"""Of these at once for those who may not act: they cannot keep operators out."""
_TOLD_MAX = 64
_LOG = logging.getLogger("livewatch.local_api")
_WAITING_MAX = 64
"""Beyond so many a further one is closed at once: whoever opens thousands must not keep out the next one for hours."""


class ApiError(Exception):
    """A request that cannot be served; ``kind`` is a stable word for programs, the text is for people."""

    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class LocalApi:
    """Serves handlers by method and path; ``GET`` takes the right to read, everything else the right to act."""

    def __init__(self, path: Path, handlers: Mapping[tuple[str, str], Handler], access: Access | None = None) -> None:
        """Serve to whom ``access`` permits it: this user and root only, by default."""
        self.path = path
        self._handlers = handlers
        self._access = access or Access()
        self._listener: Listener | None = None
        self._server: asyncio.Server | None = None
        self._free = asyncio.Semaphore(_CONNECTIONS_MAX)
        self._free_for_readers = asyncio.Semaphore(_READERS_MAX)
        self._waiting = {True: 0, False: 0}
        self._told: set[tuple[int, Right]] = set()

    @property
    def operations(self) -> frozenset[tuple[str, str]]:
        """Method and path of everything that is served; ``docs/api/agent.openapi.yaml`` tells the same."""
        return frozenset(self._handlers)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: when the path is too long, another agent answers there, or others could replace the socket.
        """
        if not peers_are_known():
            _LOG.warning("local API: this system does not say who connects; only mode 0600 guards %s", self.path)
        self._listener = Listener(self.path, mode=self._access.socket_mode)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=self._listener.socket, limit=HEAD_BYTES_MAX, backlog=_CONNECTIONS_MAX
        )  # so many are accepted in one go: a crowd must not take every descriptor before one is turned away

    async def close(self) -> None:
        """Stop listening; safe before `start` and twice."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._place(writer):  # waiting for a place is bounded too
                status, document = await self._answer(reader, writer)
                body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
                head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, sent too much or too slowly: nothing is owed to it
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def _place(self, writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
        """Wait for a place.

        Raises:
            ConnectionError: when too many wait already.
        """
        acts = self._access.permits(Peer.of(writer.get_extra_info("socket")), Right.ACT)
        if self._waiting[acts] >= _WAITING_MAX:
            raise ConnectionAbortedError
        self._waiting[acts] += 1
        try:
            async with contextlib.nullcontext() if acts else self._free_for_readers, self._free:
                yield
        finally:
            self._waiting[acts] -= 1

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        try:
            peer = Peer.of(writer.get_extra_info("socket"))
            head = await reader.readuntil(b"\r\n\r\n")
            self._check(peer, Right.READ)  # before a byte of a stranger is understood
            request = RequestHead.parse(head)
            self._check(peer, Right.READ if request.method == "GET" else Right.ACT)
            parameters = await _parameters(request, reader)
            path = urlsplit(request.target).path
            handler = self._handlers.get((request.method, path))
            if handler is None:
                raise ApiError(HTTPStatus.NOT_FOUND, "unknown_request", f"there is no {request.method} {path}")
            return HTTPStatus.OK, await handler(parameters | {"who": user_name(peer.uid), "uid": str(peer.uid)})
        except BadRequest as error:
            return error.status, _error("bad_request", error)
        except ApiError as error:
            return error.status, _error(error.kind, error)

    def _check(self, peer: Peer, right: Right) -> None:
        if self._access.permits(peer, right):
            return
        refusal = self._access.refusal(peer, right)
        if (peer.uid, right) not in self._told and len(self._told) < _TOLD_MAX:
            self._told.add((peer.uid, right))
            _LOG.warning("local API: refused (told once): %s", refusal)
        raise ApiError(HTTPStatus.FORBIDDEN, "not_authorised", refusal)


async def _parameters(request: RequestHead, reader: asyncio.StreamReader) -> dict[str, str]:
    body = await reader.readexactly(request.body_bytes)
    try:
        parameters = dict(parse_qsl(urlsplit(request.target).query, errors="strict"))
        parameters |= {key: str(value) for key, value in json_object(body).items()}
        "".join((*parameters, *parameters.values())).encode()  # half a character could be neither journaled nor told
    except ValueError as error:  # a query that is not UTF-8, a target that is no URL, a number of too many digits
        raise BadRequest(f"the parameters cannot be read: {error}") from None
    return parameters


def _error(kind: str, error: Exception) -> dict[str, Any]:
    return {"schema_version": 1, "ok": False, "error": {"type": kind, "message": str(error)}}
