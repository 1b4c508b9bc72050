"""``/livez`` and ``/readyz`` over HTTP, on a loop and a thread of their own: no client can hold up a tick."""

import asyncio
import contextlib
import json
import os
import socket
from http import HTTPStatus
from threading import Thread
from typing import Any, cast

from livewatch.guard.request_head import BadRequest, RequestHead
from livewatch.supervision.health import PAGES
from livewatch.supervision.pulse import Pulse
from livewatch_exporters.prometheus import ListenError, parse_address

_HEAD_BYTES_MAX = 8 * 1024
_WITHIN_S = 2.0
"""A request has this long from connecting to the last byte of the answer."""
_CONNECTIONS_MAX = 64
_CLOSE_WITHIN_S = 2.0


class HealthServer:
    """Answers supervisors. Reads nothing but the pulse, changes nothing, names nothing of the gateway."""

    def __init__(self, listen: str, pulse: Pulse, *, within_s: float = _WITHIN_S) -> None:
        """Bind to ``host:port``, ``:port`` or ``port``; loopback when no host is given, port 0 is a free one.

        Raises:
            ListenError: when that is not an address, or cannot be bound.
        """
        host, port = parse_address(listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=_CONNECTIONS_MAX)
        except OSError as error:
            hint = "choose another port, or 0 for a free one"
            problem = os.strerror(error.errno) if error.errno is not None else error
            raise ListenError(f"cannot serve health on {listen} ({problem}); {hint}") from error
        name, bound = cast("tuple[str, int]", self._socket.getsockname()[:2])
        self.url = f"http://[{name}]:{bound}" if ":" in name else f"http://{name}:{bound}"
        self._pulse = pulse
        self._within_s = within_s
        self._served = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._run, name="livewatch-health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and let go of the port. Safe before `start` and twice."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # its loop has just been closed
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_CLOSE_WITHIN_S)
        elif not self._loop.is_closed():
            self._loop.close()
        self._socket.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve_until_stopped())

    async def _serve_until_stopped(self) -> None:
        server = await asyncio.start_server(self._serve, sock=self._socket, limit=_HEAD_BYTES_MAX)
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._served >= _CONNECTIONS_MAX:  # a closed connection at once is better than one that waits
            writer.transport.abort()
            return
        self._served += 1
        try:
            async with asyncio.timeout(self._within_s):
                writer.write(_response(await reader.readuntil(b"\r\n\r\n"), self._pulse))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()  # it went away, sent too much or too slowly: nothing is owed to it
        finally:
            self._served -= 1


def _response(head: bytes, pulse: Pulse) -> bytes:
    more, method = "", "GET"
    try:
        request = RequestHead.parse(head)
        method = request.method
        status, document, more = _answer(method, request.target.partition("?")[0], pulse)
    except BadRequest as error:
        status, document = error.status, _error("bad_request", str(error))
    body = json.dumps(document).encode() + b"\n"
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"{more}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return lines.encode() + (b"" if method == "HEAD" else body)


def _answer(method: str, path: str, pulse: Pulse) -> tuple[HTTPStatus, dict[str, Any], str]:
    """Return status, document and header lines that only this answer has."""
    page = PAGES.get(path)
    if page is None:
        return HTTPStatus.NOT_FOUND, _error("unknown_request", f"there are only {' and '.join(PAGES)}"), ""
    if method not in ("GET", "HEAD"):
        return HTTPStatus.METHOD_NOT_ALLOWED, _error("read_only", "GET and HEAD only"), "Allow: GET, HEAD\r\n"
    return (*page(pulse), "")


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"ok": False, "error": {"type": kind, "message": message}}
