"""A gateway that speaks OpenClaw's protocol and repeats what should never be repeated."""

import asyncio
import contextlib
import json
import threading
from typing import Any

from websockets.exceptions import WebSocketException

from tests.sources.openclaw.fake_gateway import FakeGateway, ok, refused


class Talkative:
    """A gateway that speaks OpenClaw's protocol on a thread of its own, and repeats every secret it is told."""

    def __init__(self, key: str) -> None:
        """Show one session whose run hangs."""
        self._key, self._said = key, 0
        self.gateway = FakeGateway()
        self.tokens: list[str] = []
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.gateway.answers |= {"connect": self._connect, "sessions.abort": self._abort}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def close(self) -> None:
        """Stop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self.gateway.serving():
            self._ready.set()
            while not self._end.is_set():
                if self.gateway.count("sessions.list"):
                    await self._hung()
                await asyncio.wait([asyncio.ensure_future(self._end.wait())], timeout=0.1)

    async def _hung(self) -> None:
        """Tell each new connection once of a run that waits for its model."""
        event = {
            "sessionKey": self._key,
            "runId": "r1",
            "stream": "run_status",
            "data": {"phase": "starting_model"},
            "ts": 5,
        }
        with contextlib.suppress(ConnectionError, WebSocketException):
            if self.gateway.count("sessions.abort") == 0 and self._said < len(self.gateway.connected):
                self._said = len(self.gateway.connected)
                frame = {"type": "event", "event": "agent", "payload": event}
                await self.gateway.connected[-1].send(json.dumps(frame))

    def _connect(self, params: dict[str, Any]) -> dict[str, Any]:
        token = params.get("auth", {}).get("token", "")
        self.tokens.append(token)
        if len(self.tokens) == 1:
            return refused("UNAUTHORIZED", f"token mismatch: {token}")
        return ok({"type": "hello-ok", "server": {"version": f"9 ({token})"}})

    def _abort(self, params: dict[str, Any]) -> dict[str, Any]:
        return refused("INVALID_REQUEST", f"no run {params['runId']} of {params['key']} for {self.tokens[-1]}")
