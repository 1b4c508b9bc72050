"""A local model provider: real sockets, server-sent events, OpenAI's chunk format, and every way to misbehave.

It runs in its own process (``python -m livewatch.demo.provider``), because the gateway's loop is blocked on purpose
and the provider's must not be.
"""

import asyncio
import contextlib
import json
import signal
import sys
from typing import Any

from livewatch.demo.behaviour import Behaviour, Manner, parse_behaviour
from livewatch.demo.parent import end_with_parent

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
_BODY_LIMIT_BYTES = 1 << 20


class Provider:
    """Serves chat completions on a free loopback port until closed."""

    def __init__(self) -> None:
        self.url = ""
        self.requests = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; afterwards `url` is the base address."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        """Drop every connection and stop listening; safe to call twice."""
        if self._server is None:
            return
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            prompt = await _read_prompt(reader)
            self.requests += 1
            await _behave(parse_behaviour(prompt), reader, writer)
        except (OSError, ValueError, KeyError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client that went away or sent no request gets no answer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _behave(behaviour: Behaviour, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if behaviour.manner is Manner.SILENCE:
        await _hang(reader)
        return
    writer.write(_HEAD)
    for number in range(behaviour.tokens):
        await asyncio.sleep(behaviour.gap_s)
        writer.write(_event(_chunk(f"tok{number} ")))
        await writer.drain()
    if behaviour.manner is Manner.HALF:
        await _hang(reader)
        return
    writer.write(_event(_chunk("", finished=True)) + b"data: [DONE]\n\n")
    await writer.drain()


async def _hang(reader: asyncio.StreamReader) -> None:
    """Hold the connection until the client lets go of it."""
    while await reader.read(1024):
        pass


async def _read_prompt(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    length = int(headers["content-length"])
    if length > _BODY_LIMIT_BYTES:
        raise ValueError("request too long")
    document: dict[str, Any] = json.loads(await reader.readexactly(length))
    return str(document["messages"][-1]["content"])


def _chunk(text: str, *, finished: bool = False) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": "stop" if finished else None}
    return {"id": "chatcmpl-demo", "object": "chat.completion.chunk", "model": "demo", "choices": [choice]}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


async def _main() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    end_with_parent(sys.stdin.fileno())
    provider = Provider()
    await provider.start()
    print(json.dumps({"url": provider.url}), flush=True)  # noqa: T201 -- the parent reads the address here
    await stop.wait()
    await provider.close()


if __name__ == "__main__":
    asyncio.run(_main())
