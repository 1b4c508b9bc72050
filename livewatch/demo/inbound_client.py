"""A client of the gateway's inbound socket, and the books it keeps from outside."""

import asyncio
import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Self

from livewatch.demo.fault import Fault
from livewatch.demo.ledger import Answer, AnswerStatus

_POLL_S = 0.15
_LINE_LIMIT_BYTES = 1 << 24


class InboundError(Exception):
    """The gateway refused a request, or is gone."""


class InboundClient:
    """Sends messages, collects every answer, and counts for itself what was lost or doubled."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._seen: Counter[str] = Counter()
        self._sent: set[str] = set()
        self._next = 0
        self._collector: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_unix_connection(self._path, limit=_LINE_LIMIT_BYTES)
        self._collector = asyncio.create_task(self._collect(), name="answers")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._collector is not None:
            self._collector.cancel()
            await asyncio.gather(self._collector, return_exceptions=True)
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
        for future in self._waiting.values():
            future.cancel()

    @property
    def sent(self) -> int:
        """How many messages were accepted."""
        return len(self._sent)

    @property
    def lost(self) -> int:
        """How many accepted messages have no answer so far."""
        return len(self._sent - self._seen.keys())

    @property
    def duplicated(self) -> int:
        """How many answers came for messages that had one already."""
        return sum(count - 1 for count in self._seen.values())

    async def send(self, session: str, text: str) -> str:
        """Send one message and return its id."""
        return self._note((await self.request(op="send", session=session, text=text))["id"])

    async def inject(self, fault: Fault, session: str, *, seconds: float = 0.0) -> str | None:
        """Bring about one fault; return the id of the message that carries it, if there is one."""
        reply = await self.request(op="inject", fault=fault.value, session=session, seconds=seconds)
        return self._note(reply["id"]) if reply["id"] is not None else None

    async def answered(self, message_id: str) -> Answer:
        """Wait for the answer to one message, which must have been sent by this client."""
        return await asyncio.shield(self._waiting[message_id])

    async def settled(self) -> None:
        """Wait until everything that was sent is answered."""
        for message_id in list(self._sent):
            await self.answered(message_id)

    async def session(self, key: str) -> dict[str, Any] | None:
        """Return what the gateway says about one session."""
        described: dict[str, Any] | None = (await self.request(op="session", session=key))["session"]
        return described

    async def stats(self) -> dict[str, Any]:
        """Return the gateway's own books."""
        stats: dict[str, Any] = (await self.request(op="stats"))["stats"]
        return stats

    async def approve(self, session: str) -> None:
        """Give the approval that a session waits for."""
        await self.request(op="approve", session=session)

    async def request(self, **fields: object) -> dict[str, Any]:
        """Send one request and return the reply; waits as long as the gateway's loop is blocked.

        Raises:
            InboundError: when the gateway refuses, or the connection is gone.
        """
        if self._streams is None:
            raise InboundError("not connected")
        reader, writer = self._streams
        async with self._lock:
            if reader.at_eof() or writer.is_closing():
                raise InboundError("the gateway is gone")
            try:
                writer.write(json.dumps(fields).encode() + b"\n")
                line = await reader.readline()
            except OSError as error:
                raise InboundError(f"the gateway is gone: {error}") from error
        if not line:
            raise InboundError("the gateway closed the connection")
        reply: dict[str, Any] = json.loads(line)
        if not reply["ok"]:
            raise InboundError(reply["error"])
        return reply

    def _note(self, message_id: str) -> str:
        self._sent.add(message_id)
        self._future(message_id)
        return message_id

    def _future(self, message_id: str) -> asyncio.Future[Answer]:
        return self._waiting.setdefault(message_id, asyncio.get_running_loop().create_future())

    def _fail(self, error: InboundError) -> None:
        """Let everybody who waits know that no answer will come."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # those for whom nobody waits need no complaint

    async def _collect(self) -> None:
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                reply = await self.request(op="answers", since=self._next)
            except InboundError as error:
                self._fail(error)
                return
            self._next = reply["next"]
            for fields in reply["answers"]:
                answer = Answer(fields["id"], fields["session"], AnswerStatus(fields["status"]), fields["text"])
                self._seen[answer.id] += 1
                future = self._future(answer.id)
                if not future.done():
                    future.set_result(answer)
