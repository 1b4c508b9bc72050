"""The control socket: HTTP/1.1 and JSON over a UNIX socket, served by the probe's own threads.

The loop is asked through ``call_soon_threadsafe`` and given a bounded time. An action whose time ran out before the
loop took it up is void: it will never happen behind the caller's back.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, cast

PROTOCOL_VERSION = 1
ANSWER_WITHIN_S = 2.0
_TURN_WITHIN_S = 1.0
"""Everything together stays below the 5 s that a caller waits, so that nothing happens after it gave up."""
_REMEMBERED_KEYS = 1024
_KEY_CHARACTERS_MAX = 256
_CONNECTIONS_MAX = 8
_NO_FILES_S = 0.1
_BODY_BYTES_MAX = 64 * 1024

Execute = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Checks and pulls one lever on the loop's thread; returns the reply document."""


class _Ticket:
    """One action on its way to the loop."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.started = False
        self.void = False
        self.done = threading.Event()
        self.reply: dict[str, Any] = {}


class Control:
    """Takes actions from the socket to the loop and remembers their replies by idempotency key."""

    def __init__(self, execute: Execute, info: Callable[[], dict[str, Any]]) -> None:
        self.info = info
        self._execute = execute
        self._loop = asyncio.get_running_loop()
        self._replies: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._unanswered: dict[str, _Ticket] = {}
        """Levers that began and have not returned; a repeat of their key waits for them and begins nothing."""
        self._one_at_a_time = threading.Lock()

    def act(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one action; a repeat of its idempotency key gets the first reply and does nothing."""
        key = str(request.get("idempotency_key") or "")
        if not key:
            return {"status": "refused", "detail": "idempotency_key: not given", "released": None}
        if len(key) > _KEY_CHARACTERS_MAX:
            return {"status": "refused", "detail": "idempotency_key: too long to be remembered", "released": None}
        if not self._one_at_a_time.acquire(timeout=_TURN_WITHIN_S):
            return {
                "status": "timed_out",
                "detail": "loop: busy with another action; this one is void",
                "released": None,
            }
        try:
            if key in self._replies:
                return self._replies[key]
            ticket = self._unanswered.get(key)
            if ticket is None:
                ticket = self._unanswered[key] = _Ticket()
                self._to_the_loop(ticket, request)
            reply = self._reply(ticket)
            if ticket.void or ticket.done.is_set():
                del self._unanswered[key]
            if reply["status"] != "timed_out":
                self._replies[key] = reply
                while len(self._replies) > _REMEMBERED_KEYS:
                    self._replies.popitem(last=False)
            return reply
        finally:
            self._one_at_a_time.release()

    def _to_the_loop(self, ticket: _Ticket, request: Mapping[str, Any]) -> None:
        def run() -> None:
            with ticket.lock:
                if ticket.void:
                    return
                ticket.started = True
            try:
                ticket.reply = self._execute(str(request.get("kind", "")), request)
            finally:
                ticket.done.set()

        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError:
            ticket.reply = {"status": "failed", "detail": "loop: the gateway's loop is closed", "released": None}
            ticket.done.set()

    def _reply(self, ticket: _Ticket) -> dict[str, Any]:
        if not ticket.done.wait(ANSWER_WITHIN_S):
            with ticket.lock:
                ticket.void = not ticket.started
            if ticket.void:
                return {"status": "timed_out", "detail": "loop: blocked; the action is void", "released": None}
            ticket.done.wait(_TURN_WITHIN_S)
        return ticket.reply or {"status": "timed_out", "detail": "loop: the lever has not returned", "released": None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5.0

    def do_GET(self) -> None:
        if self.path == "/v1/info":
            self._answer(200, self._control().info())
        else:
            self._answer(404, {"error": f"there is no GET {self.path}"})

    def do_POST(self) -> None:
        if self.path != "/v1/actions":
            self._answer(404, {"error": f"there is no POST {self.path}"})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length) > _BODY_BYTES_MAX:
            self._answer(413, {"error": f"give a Content-Length of at most {_BODY_BYTES_MAX}"})
            return
        try:
            request = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self._answer(400, {"error": "the body is not a JSON object"})
            return
        self._answer(200, self._control().act(cast(dict[str, Any], request)))

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Stay silent: the gateway's standard error is not ours."""

    def _control(self) -> Control:
        return cast(_Server, self.server).control

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, path: str, control: Control) -> None:
        self.control = control
        self._free = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        self._pause = threading.Event()
        super().__init__(path, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 -- the base class's signature
        return _peer_uid(request) in (0, os.getuid())

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:
            self._pause.wait(_NO_FILES_S)  # no descriptor is left: asking again at once would cost the gateway a core
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            try:
                super().process_request(request, client_address)
            except BaseException:  # no thread is left either
                self._free.release()
                raise
        else:
            self.shutdown_request(request)  # all places are taken: the caller sees a closed connection at once

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that goes away in the middle is no error of the gateway's."""


class ControlServer:
    """Listens on the UNIX socket, mode 0600, for this user and root."""

    def __init__(self, path: Path, control: Control) -> None:
        """Bind and start serving.

        Raises:
            OSError: when the path is too long or cannot be bound.
        """
        self.path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if path.is_socket():
                path.unlink()
        mask = os.umask(0o177)
        try:
            self._server = _Server(str(path), control)
        finally:
            os.umask(mask)
        self._inode = path.stat().st_ino
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="livewatch-control", daemon=True)
        serve.start()

    def close(self) -> None:
        """Stop listening and remove the socket, unless another gateway has put its own there."""
        self._server.shutdown()
        self._server.server_close()
        with contextlib.suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()


def _peer_uid(connection: socket.socket) -> int:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return os.getuid()  # no peer credentials on this system: the socket's 0600 mode has to do
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return int(uid)
