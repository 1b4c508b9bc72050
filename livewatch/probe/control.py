"""The control socket: HTTP/1.1 and JSON over a UNIX socket, served by the probe's own threads.

The loop is asked through ``call_soon_threadsafe`` and given a bounded time. An action whose time ran out before the
loop took it up is void: it will never happen behind the caller's back.
"""

import asyncio
import json
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any, cast

from livewatch.guard.access import Access, Right
from livewatch.guard.listener import Listener
from livewatch.guard.peer import Peer
from livewatch.guard.request_head import HEAD_BYTES_MAX, BadRequest, RequestHead, json_object
from livewatch.probe.action_request import ActionRequest
from livewatch.probe.levers import Check

PROTOCOL_VERSION = 1
ANSWER_WITHIN_S = 2.0
_TURN_WITHIN_S = 1.0
"""Everything together stays below the 5 s that a caller waits, so that nothing happens after it gave up."""
_REMEMBERED_KEYS = 1024
_CONNECTIONS_MAX = 8
_READERS_MAX = 4
"""Of these at once for those who may not act: they cannot keep the agent from acting."""
_REQUEST_WITHIN_S = 5.0
_ANSWER_TAKEN_WITHIN_S = 5.0
_CHUNK_BYTES = 16 * 1024
_HEAD_ENDS = b"\r\n\r\n"
_NO_FILES_S = 0.1

Execute = Callable[[ActionRequest], dict[str, Any]]
"""Checks and pulls one lever on the loop's thread; returns the reply document."""


def reply_document(
    status: str, detail: str = "", *, released: int | None = None, check: Check | None = None
) -> dict[str, Any]:
    """Return the answer to an action; ``check`` says which one refused it."""
    named = None if check is None else check.value
    return {"status": status, "check": named, "detail": detail, "released": released}


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

    def act(self, request: ActionRequest) -> dict[str, Any]:
        """Carry out one action; a repeat of its idempotency key gets the first reply and does nothing."""
        key = request.idempotency_key
        if not self._one_at_a_time.acquire(timeout=_TURN_WITHIN_S):
            return reply_document("timed_out", "loop: busy with another action; this one is void")
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

    def _to_the_loop(self, ticket: _Ticket, request: ActionRequest) -> None:
        def run() -> None:
            with ticket.lock:
                if ticket.void:
                    return
                ticket.started = True
            try:
                ticket.reply = self._execute(request)
            finally:
                ticket.done.set()

        try:
            self._loop.call_soon_threadsafe(run)
        except RuntimeError:
            ticket.reply = reply_document("failed", "loop: the gateway's loop is closed")
            ticket.done.set()

    def _reply(self, ticket: _Ticket) -> dict[str, Any]:
        if not ticket.done.wait(ANSWER_WITHIN_S):
            with ticket.lock:
                ticket.void = not ticket.started
            if ticket.void:
                return reply_document("timed_out", "loop: blocked; the action is void")
            ticket.done.wait(_TURN_WITHIN_S)
        return ticket.reply or reply_document("timed_out", "loop: the lever has not returned")


class _Handler(BaseRequestHandler):
    """One request, one answer, then the end; everything together within `_REQUEST_WITHIN_S`."""

    def handle(self) -> None:
        server, connection = cast(_Server, self.server), cast(socket.socket, self.request)
        deadline_s = time.monotonic() + _REQUEST_WITHIN_S
        try:
            status, document = self._served(server, connection, deadline_s)
        except BadRequest as error:
            status, document = error.status, {"error": str(error)}
        body = json.dumps(document).encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        connection.settimeout(_ANSWER_TAKEN_WITHIN_S)
        connection.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)

    def _served(
        self, server: "_Server", connection: socket.socket, deadline_s: float
    ) -> tuple[HTTPStatus, dict[str, Any]]:
        peer = Peer.of(connection)
        head, rest = _read_head(connection, deadline_s)
        server.check(peer, Right.READ)  # before a byte of a stranger is understood
        request = RequestHead.parse(head)
        if request.method != "GET":
            server.check(peer, Right.ACT)
        operation = OPERATIONS.get((request.method, request.target))
        if operation is None:
            raise BadRequest(f"there is no {request.method} {request.target}", HTTPStatus.NOT_FOUND)
        body = _read_body(connection, rest, request.body_bytes, deadline_s)
        if request.method == "GET" and body:
            raise BadRequest("GET has no body")
        return HTTPStatus.OK, operation(server.control, json_object(body) if request.method != "GET" else {})


def _read_head(connection: socket.socket, deadline_s: float) -> tuple[bytes, bytes]:
    """Return the head with its empty line, and what came after it."""
    data = b""
    while (end := data.find(_HEAD_ENDS)) < 0:
        if len(data) >= HEAD_BYTES_MAX:
            raise BadRequest(f"at most {HEAD_BYTES_MAX} bytes of head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        data += _receive(connection, deadline_s)
    return data[: end + len(_HEAD_ENDS)], data[end + len(_HEAD_ENDS) :]


def _read_body(connection: socket.socket, body: bytes, size: int, deadline_s: float) -> bytes:
    while len(body) < size:
        body += _receive(connection, deadline_s)
    return body[:size]


def _receive(connection: socket.socket, deadline_s: float) -> bytes:
    """Return what comes next.

    Raises:
        ConnectionError: at its end; ``TimeoutError`` when the time for the request is over.
    """
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    connection.settimeout(left_s)
    data = connection.recv(_CHUNK_BYTES)
    if not data:
        raise ConnectionAbortedError
    return data


def _info(control: Control, _request: dict[str, Any]) -> dict[str, Any]:
    return control.info()


def _act(control: Control, request: dict[str, Any]) -> dict[str, Any]:
    return control.act(ActionRequest.of(request))


OPERATIONS: Mapping[tuple[str, str], Callable[[Control, dict[str, Any]], dict[str, Any]]] = {
    ("GET", "/v1/info"): _info,
    ("POST", "/v1/actions"): _act,
}
"""What is served, by method and path; ``docs/api/control.openapi.yaml`` tells the same."""


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: Listener, control: Control, access: Access) -> None:
        self.control = control
        self._access = access
        self._free = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        self._pause = threading.Event()
        self._free_for_readers = threading.BoundedSemaphore(_READERS_MAX)
        super().__init__(str(listener.path), _Handler, bind_and_activate=False)
        self.socket.close()  # the one that the base class made
        self.socket = listener.socket

    def check(self, peer: Peer, right: Right) -> None:
        """Refuse who may not.

        Raises:
            BadRequest: with 403, and who may.
        """
        if not self._access.permits(peer, right):
            raise BadRequest(self._access.refusal(peer, right), HTTPStatus.FORBIDDEN)

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:
            self._pause.wait(_NO_FILES_S)  # no descriptor is left: asking again at once would cost the gateway a core
            raise

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 -- the base class's signature
        acts = self._access.permits(Peer.of(request), Right.ACT)
        if not acts and not self._free_for_readers.acquire(blocking=False):
            self.shutdown_request(request)
        elif self._free.acquire(blocking=False):
            try:
                super().process_request(request, acts)
            except BaseException:  # no thread is left either
                self._free.release()
                self._give_back(acts=acts)
                raise
        else:
            self._give_back(acts=acts)
            self.shutdown_request(request)  # all places are taken: the caller sees a closed connection at once

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()
            self._give_back(acts=client_address)  # a UNIX client has no address: its place says whether it may act

    def _give_back(self, *, acts: bool) -> None:
        if not acts:
            self._free_for_readers.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a caller that goes away in the middle is no error of the gateway's."""


class ControlServer:
    """Listens on the UNIX socket, mode 0600 unless others are listed, and serves whom ``access`` permits."""

    def __init__(self, path: Path, control: Control, access: Access | None = None) -> None:
        """Bind and start serving.

        Raises:
            OSError: when the path is too long, somebody answers there, or others could replace the socket.
        """
        access = access or Access()
        self.path = path
        self._listener = Listener(path, mode=access.socket_mode)
        self._server = _Server(self._listener, control, access)
        serve = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="livewatch-control", daemon=True)
        serve.start()

    def close(self) -> None:
        """Stop listening and remove the socket, unless another gateway has put its own there."""
        self._server.shutdown()
        self._listener.close()
