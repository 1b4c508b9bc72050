"""The gateway's side of a model call: one HTTP request over a real socket, answered as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class ProviderError(Exception):
    """The provider answered something else than a stream."""


class ModelClient:
    """Opens calls to one provider and knows which are open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: set[ModelCall] = set()

    def call(self, prompt: str) -> "ModelCall":
        """Return a call that starts when its ``async with`` block is entered."""
        return ModelCall(self._url, prompt, self._open)

    def abort_all(self) -> None:
        """Cut every open connection; a reader that ignores its cancellation sees the end of the stream."""
        for call in list(self._open):
            call.abort()


class ModelCall:
    """One request. Leaving the block closes the connection without waiting for the peer."""

    def __init__(self, url: str, prompt: str, registry: "set[ModelCall]") -> None:
        self._url = urlsplit(url)
        self._prompt = prompt
        self._registry = registry
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        self._streams = reader, writer
        self._registry.add(self)
        body = json.dumps(
            {"model": "demo", "stream": True, "messages": [{"role": "user", "content": self._prompt}]}
        ).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {self._url.netloc}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def abort(self) -> None:
        """Cut the connection; safe to call twice."""
        self._registry.discard(self)
        if self._streams is not None:
            self._streams[1].transport.abort()

    async def line(self) -> bytes:
        """Return the next line of the answer, empty at its end."""
        assert self._streams is not None
        return await self._streams[0].readline()

    async def tokens(self) -> AsyncIterator[str]:
        """Yield the text of each chunk that has any.

        Raises:
            ProviderError: when the answer is no stream, or ends before it is complete.
        """
        status = await self.line()
        if b" 200 " not in status:
            raise ProviderError(f"the provider answered {status!r}")
        while line := await self.line():
            payload = line.removeprefix(b"data: ").strip()
            if not line.startswith(b"data: "):
                continue
            if payload == b"[DONE]":
                return
            text = json.loads(payload)["choices"][0]["delta"].get("content")
            if text:
                yield text
        raise ProviderError("the provider ended the stream before it was complete")
