"""A model provider on the loopback that answers as the last user message asks it to.

A wish in that message chooses: ``wish=hang`` (not a byte), ``wish=half`` (half a stream, then silence),
``wish=trickle,3,40`` (seconds between tokens, tokens), ``wish=error,429``, ``wish=tool,60,sleep_20`` (declared timeout
in seconds, command), ``wish=exec,sleep_20`` (the same with no time declared), ``wish=call,NAME`` (a tool without
arguments), ``wish=failing`` (the same failing tool call for ever). Without one it answers at once. It speaks OpenAI's
chat completions as server-sent events, for that is what the gateway asks.

``GET /messages`` says which messages (``msg=NAME`` in the text) reached it, and which it answered to the end.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

_WISH = re.compile(r"wish=([a-z]+)((?:,[\w./]+)*)")
_MESSAGE = re.compile(r"msg=([\w-]+)")
_STAMP = re.compile(r"\[\w{3} \d{4}-\d\d-\d\d \d\d:\d\d [^\]]*\] ")
_FOREVER_S = 3600.0
_FOREGROUND_MS = 120_000
"""`exec` puts a command into the background after 10 s unless told otherwise; it takes no longer than this."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the last user message asks for."""

    name: str = "answer"
    words: tuple[str, ...] = ()
    message: str = ""
    """Name of the message, where it has one."""

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Wish":
        """Read it from a request: the gateway stamps what a person wrote, and adds messages of its own after it."""
        written = [text for message in body.get("messages", []) if (text := _written(message)) is not None]
        found = _WISH.findall(written[-1]) if written else []  # the last: an aborted run's message is put before it
        names = _MESSAGE.findall(written[-1]) if written else []
        message = names[-1] if names else ""
        return cls(found[-1][0], tuple(found[-1][1].split(",")[1:]), message) if found else cls(message=message)


def _written(message: dict[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    found = _STAMP.search(str(content)) if message.get("role") == "user" else None
    return None if found is None else str(content)[found.end() :]


class Provider:
    """Serves until cancelled; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.begun_s: dict[str, float] = {}
        self.answered_s: dict[str, float] = {}
        self.port = 0

    async def serve(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 22)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if head.startswith("get /messages"):
            await self._page(writer)
            return False
        found = re.search(r"content-length: (\d+)", head)
        body = json.loads(await reader.readexactly(int(found[1]))) if found else {}
        wish = Wish.of(body)
        self.asked[wish.name] += 1
        self.begun_s.setdefault(wish.message, time.monotonic())
        if wish.name == "error":
            status = wish.words[0] if wish.words else "500"
            text = json.dumps({"error": {"message": "told to fail", "type": "server_error"}}).encode()
            writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
            await writer.drain()
            return True
        if wish.name == "hang":
            await asyncio.wait_for(reader.read(1), _FOREVER_S)
            return False
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await self._answer(wish, body, reader, writer)
        return True

    async def _page(self, writer: asyncio.StreamWriter) -> None:
        text = json.dumps({"begun_s": self.begun_s, "answered_s": self.answered_s, "asked": self.asked}).encode()
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        await writer.drain()

    async def _answer(
        self, wish: Wish, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        tool_done = any(message.get("role") == "tool" for message in _turn(body))
        if wish.name == "tool" and not tool_done:
            timeout_s, command, *ask = wish.words
            arguments = _command(command) | {"timeoutSeconds": int(timeout_s)} | ({"ask": ask[0]} if ask else {})
            await _call(writer, "exec", arguments)
        elif wish.name == "exec" and not tool_done:
            await _call(writer, "exec", _command(wish.words[0]))
        elif wish.name == "call" and not tool_done:
            await _call(writer, wish.words[0], {})
        elif wish.name == "failing":
            await _call(writer, "exec", {"command": "exit 3"})
        elif wish.name == "half":
            await _send(writer, _chunk({"role": "assistant", "content": "half of it"}))
            await asyncio.wait_for(reader.read(1), _FOREVER_S)
            raise ConnectionError
        elif wish.name == "trickle":
            every_s, count = float(wish.words[0]), int(wish.words[1])
            for number in range(count):
                await _send(writer, _chunk({"role": "assistant", "content": f"word{number} "}))
                await asyncio.sleep(every_s)
            await self._end(wish, writer)
        else:
            await _send(writer, _chunk({"role": "assistant", "content": "done, as you wished"}))
            await self._end(wish, writer)
        payload = b"data: [DONE]\n\n"
        writer.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n0\r\n\r\n")
        await writer.drain()

    async def _end(self, wish: Wish, writer: asyncio.StreamWriter) -> None:
        await _send(writer, _chunk({}, "stop"))
        self.answered_s.setdefault(wish.message, time.monotonic())


def _turn(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what came after the last message that a person wrote."""
    messages: list[dict[str, Any]] = body.get("messages", [])
    last = max((n for n, message in enumerate(messages) if _written(message) is not None), default=-1)
    return messages[last + 1 :]


def _command(words: str) -> dict[str, Any]:
    """Return the arguments of `exec` for a command that is to stay in the foreground."""
    return {"command": words.replace("_", " "), "yieldMs": _FOREGROUND_MS}


async def _call(writer: asyncio.StreamWriter, name: str, arguments: dict[str, Any]) -> None:
    call = {"index": 0, "id": f"call_{time.monotonic_ns()}", "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)}}  # fmt: skip
    await _send(writer, _chunk({"role": "assistant", "tool_calls": [call]}))
    await _send(writer, _chunk({}, "tool_calls"))


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


async def _send(writer: asyncio.StreamWriter, chunk: dict[str, Any]) -> None:
    payload = f"data: {json.dumps(chunk)}\n\n".encode()
    writer.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
    await writer.drain()


async def main() -> None:
    """Serve, after having said the port."""
    provider = Provider()
    server = await provider.serve()
    sys.stdout.write(f"{provider.port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
