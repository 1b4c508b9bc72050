"""The two servers of livewatch that listen on UNIX sockets, to be treated alike."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from livewatch.guard.access import Access
from livewatch.local_api.requests import Nothing, Request
from livewatch.local_api.server import Handler, LocalApi
from livewatch.probe import Levers, Probe
from livewatch_classifiers.decision import Person
from tests.waiting import until

READING = {"agent": "/e", "probe": "/v1/info"}
ACTING = {"agent": "/e", "probe": "/v1/actions"}


class ActionLike(Request, frozen=True):
    """The request of the probe that `Served.act_request` makes, for the agent's server."""

    kind: str
    session: str
    idempotency_key: str


class Server(StrEnum):
    """Which of them."""

    AGENT = "agent"
    PROBE = "probe"


class CountingLevers(Levers):
    """Can drain, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.pulled = 0

    def drain(self, timeout_s: float) -> None:
        """Count."""
        assert timeout_s > 0
        self.pulled += 1


class Served:
    """A running server, and how often it was made to act."""

    def __init__(self, server: Server, path: Path, levers: CountingLevers) -> None:
        self.path = path
        self.server = server
        self._levers = levers

    @property
    def acted(self) -> int:
        """How often somebody made it act."""
        return self._levers.pulled

    def read_request(self) -> bytes:
        """Return a request that only reads."""
        return request("GET", READING[self.server])

    def act_request(self, key: str = "k") -> bytes:
        """Return a request that acts."""
        body = b'{"kind": "drain", "session": "*", "idempotency_key": "%s"}' % key.encode()
        return request("POST", ACTING[self.server], body)

    async def ask(self, data: bytes) -> bytes:
        """Send these bytes as the server's own user and return the answer."""
        return await asyncio.to_thread(_exchange, self.path, data)


def request(method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a whole request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def serving(
    server: Server, path: Path, readers: Sequence[str] = (), operators: Sequence[str] = ()
) -> AsyncGenerator[Served]:
    """Serve at ``path`` for the length of the block."""
    levers = CountingLevers()
    if server is Server.PROBE:
        board = path.with_name(f"{path.name}.board")
        lists = {"readers": readers, "operators": operators} if readers or operators else {}
        async with Probe.open(board, path, levers=levers, capacity=2, **lists):  # type: ignore[arg-type]  # test shorthand
            yield Served(server, path, levers)
        return

    async def echo(_request: Nothing, caller: Person) -> dict[str, Any]:
        return {"who": caller.name}

    async def act(request: ActionLike, caller: Person) -> dict[str, Any]:
        levers.drain(1.0)
        return {"who": caller.name, "key": request.idempotency_key}

    handlers: dict[tuple[str, str], Handler[Any]] = {
        ("GET", "/e"): Handler(Nothing, echo),
        ("POST", "/e"): Handler(ActionLike, act),
    }
    api = LocalApi(path, handlers, Access.of(readers, operators)) if readers or operators else LocalApi(path, handlers)
    await api.start()
    try:
        yield Served(server, path, levers)
    finally:
        await api.close()


def _connected(asking: socket.socket, path: Path) -> bool:
    try:
        asking.connect(os.fspath(path))
    except BlockingIOError:  # the queue is full at this moment
        return False
    return True


def _exchange(path: Path, data: bytes) -> bytes:

    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(20)
        until(lambda: _connected(asking, path), "a place in the kernel's queue")
        answer = b""
        with contextlib.suppress(ConnectionError):
            asking.sendall(data)
            while more := asking.recv(65536):
                answer += more
        return answer
