"""A server that speaks the gateway's protocol and misbehaves as no real one does on demand."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

CHALLENGE = {"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}}
_LOOK_EVERY_S = 0.01
_LOOKS = 2000
Answers = dict[str, Callable[[dict[str, Any]], dict[str, Any]]]


class FakeGateway:
    """Answers what `answers` says, by method; everything else with an empty payload."""

    def __init__(self) -> None:
        self.answers: Answers = {
            "connect": lambda _: ok({"type": "hello-ok", "server": {"version": "2026.9.6"}}),
            "system.info": lambda _: ok({"pid": 1 << 30, "processInstanceId": self.instance, "uptimeMs": 60_000}),
            "sessions.list": lambda _: ok({"sessions": self.rows, "hasMore": False, "ts": 1}),
        }
        self.instance = "one"
        self.rows: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.silent: set[str] = set()
        self.first: str = json.dumps(CHALLENGE)
        self.connected: list[ServerConnection] = []
        self.url = ""

    def count(self, method: str) -> int:
        """Return how often a method was asked."""
        return sum(request["method"] == method for request in self.asked)

    async def say(self, event: str, payload: object, **more: object) -> None:
        """Push an event to whoever is connected."""
        await self.send(json.dumps({"type": "event", "event": event, "payload": payload, **more}))

    async def send(self, text: str | bytes) -> None:
        """Push a raw frame."""
        for connection in self.connected:
            await connection.send(text)

    async def drop(self) -> None:
        """End every connection without a word."""
        for connection in self.connected:
            connection.transport.abort()
        self.connected.clear()

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncGenerator["FakeGateway"]:
        """Listen on a free port for the length of the block."""
        async with serve(self._connection, "127.0.0.1", 0, ssl=tls) as server:
            self.url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self
            await self.drop()

    async def _connection(self, connection: ServerConnection) -> None:
        await connection.send(self.first)
        self.connected.append(connection)
        async for text in connection:
            request = json.loads(text)
            self.asked.append(request)
            if request["method"] not in self.silent:
                answer = self.answers.get(request["method"], lambda _: ok({}))(request["params"])
                await connection.send(json.dumps({"type": "res", "id": request["id"], **answer}))


def ok(payload: object) -> dict[str, Any]:
    """Return an answer."""
    return {"ok": True, "payload": payload}


def refused(code: str, message: str = "no", **more: object) -> dict[str, Any]:
    """Return a refusal."""
    return {"ok": False, "error": {"code": code, "message": message, **more}}


async def eventually(look: Callable[[], Awaitable[object]], what: str = "the condition") -> None:
    """Let the loop turn until ``look`` finds it true, within a generous deadline."""
    for _ in range(_LOOKS):
        if await look():
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    raise AssertionError(f"{what} did not come true")


async def until(wanted: Callable[[], object], what: str = "the condition") -> None:
    """Let the loop turn until it is true, within a generous deadline."""

    async def look() -> object:
        return wanted()

    await eventually(look, what)
