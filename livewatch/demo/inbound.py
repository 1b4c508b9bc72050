"""Where messages enter and leave the gateway: one JSON document per line over a UNIX socket, answered in order."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from livewatch.demo.fault import Fault
from livewatch.demo.gateway import DrainingError, Gateway
from livewatch.guard.listener import Listener

Request = dict[str, Any]


class Inbound:
    """Serves ``send``, ``answers``, ``inject``, ``approve``, ``session`` and ``stats``."""

    def __init__(self, gateway: Gateway, path: Path) -> None:
        self._gateway = gateway
        self._path = path
        self._listener: Listener | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._operations: dict[str, Callable[[Request], Request]] = {
            "send": self._send,
            "answers": self._answers,
            "inject": self._inject,
            "approve": lambda r: {"found": gateway.approve(str(r["session"]))},
            "session": lambda r: {"session": gateway.describe(str(r["session"]))},
            "stats": lambda _r: {"stats": gateway.stats()},
        }

    async def start(self) -> None:
        """Listen on the socket, for this user only; one left by a dead process is replaced."""
        self._listener = Listener(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=self._listener.socket)

    async def close(self) -> None:
        """Stop listening and drop every client; safe to call twice."""
        if self._server is None or self._listener is None:
            return
        self._server.close()
        for writer in list(self._clients):
            writer.close()
        self._listener.close()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # a client that left, or a line without end
        finally:
            self._clients.discard(writer)
            writer.close()

    def _answer(self, line: bytes) -> Request:
        try:
            request = json.loads(line)
            return {"ok": True} | self._operations[request["op"]](request)
        except DrainingError as error:
            return {"ok": False, "error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            known = ", ".join(self._operations)
            return {"ok": False, "error": f"cannot use this request ({error!r}); operations: {known}"}

    def _send(self, request: Request) -> Request:
        return {"id": self._gateway.send(str(request["session"]), str(request["text"]))}

    def _answers(self, request: Request) -> Request:
        following, answers = self._gateway.ledger.answers(int(request["since"]))
        return {"next": following, "answers": [asdict(answer) for answer in answers]}

    def _inject(self, request: Request) -> Request:
        seconds = float(request.get("seconds", 0.0))
        return {"id": self._gateway.inject(Fault(request["fault"]), str(request.get("session", "")), seconds=seconds)}
