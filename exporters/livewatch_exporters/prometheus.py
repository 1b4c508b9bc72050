"""The Prometheus endpoint: a registry of its own, served on loopback unless told otherwise."""

import gzip
import re
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, cast

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from livewatch_exporters.cardinality import LIMITS
from livewatch_exporters.episodes import Episodes
from livewatch_exporters.telemetry_settings import TelemetryError

LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]*):)?(?P<port>\d{1,5})")
_PORT_MAX = 65535
_REQUEST_TIMEOUT_S = 10.0
_CONNECTIONS_MAX = 64
_GZIP_LEVEL = 1
"""Most of what can be saved, in a millisecond; a scrape is the same text over and over."""


class ListenError(TelemetryError):
    """The endpoint's address cannot be used: it is taken, not ours, or not an address."""


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``, ``:port`` or ``port``; the host is loopback when none is given.

    Raises:
        ListenError: for anything else.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or int(found["port"]) > _PORT_MAX:
        raise ListenError(f"{text!r} is not an address to listen on; write host:port, for example {LOOPBACK}:9464")
    return (found["host"] or LOOPBACK).strip("[]"), int(found["port"])


class PrometheusEndpoint:
    """Serves one reader at ``/metrics``."""

    def __init__(self, listen: str, episodes: Episodes) -> None:
        host, port = parse_address(listen)
        registry = CollectorRegistry(auto_describe=False)
        self.reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry, cardinality_limits=LIMITS)
        try:
            self._server = (_Server6 if ":" in host else _Server)((host, port), _Handler)
        except OSError as error:
            hint = "choose another port, or 0 for a free one"
            raise ListenError(f"cannot serve metrics on {listen} ({error.strerror or error}); {hint}") from error
        self._server.render = _Render(registry, episodes)
        name, bound = cast("tuple[str, int]", self._server.server_address[:2])
        self.url = f"http://[{name}]:{bound}/metrics" if ":" in name else f"http://{name}:{bound}/metrics"
        self._thread = Thread(target=self._server.serve_forever, name="livewatch-prometheus", daemon=True)

    def start(self) -> None:
        """Begin to answer; call once the reader belongs to a meter provider."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and let go of the port. Safe to call twice, and before `start`."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def wants_gzip(accept: str) -> bool:
    """Return whether an ``Accept-Encoding`` takes gzip: named without ``q=0``, or meant by ``*``."""
    taken: dict[str, bool] = {}
    for part in accept.split(","):
        name, _, quality = part.partition(";")
        weight = quality.replace(" ", "").lower().removeprefix("q=")
        taken[name.strip().lower()] = not re.fullmatch(r"0(\.0*)?", weight)
    return taken.get("gzip", taken.get("*", False))


class _Render:
    """Renders one scrape at a time: two at once would each get some families of the other."""

    def __init__(self, registry: CollectorRegistry, episodes: Episodes) -> None:
        self._registry = registry
        self._episodes = episodes
        self._one_at_a_time = Lock()

    def __call__(self, accept: str) -> tuple[HTTPStatus, str, bytes]:
        encode, content_type = choose_encoder(accept)
        try:
            with self._one_at_a_time:
                body = encode(self._registry)
        except Exception as error:  # noqa: BLE001 -- a scrape that fails is counted and told, never fatal
            self._episodes.failed("scrape", signal="metrics", error="exception", detail=repr(error))
            return HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", b"metrics could not be rendered\n"
        self._episodes.worked("scrape")
        return HTTPStatus.OK, content_type, body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    block_on_close = False
    render: _Render

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = BoundedSemaphore(_CONNECTIONS_MAX)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)  # a thread for each of ten thousand connections would be our own end

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is not an event, and the base class prints a stack."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_TIMEOUT_S
    command = ""
    server_version = "livewatch"
    sys_version = ""

    def do_HEAD(self) -> None:
        """Answer as to ``GET``, without the body."""
        self.do_GET()

    def do_GET(self) -> None:
        """Answer ``/metrics``."""
        if self.path.partition("?")[0] != "/metrics":
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"metrics are at /metrics\n")
            return
        status, content_type, body = cast("_Server", self.server).render(self.headers.get("Accept", ""))
        packed = status is HTTPStatus.OK and wants_gzip(self.headers.get("Accept-Encoding", ""))
        self._answer(status, content_type, gzip.compress(body, _GZIP_LEVEL, mtime=0) if packed else body, packed=packed)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 -- the base class's signature
        """Answer what the base class refuses, in a line that repeats nothing of the request."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self._answer(status, "text/plain; charset=utf-8", b"metrics can only be read: GET /metrics\n")

    def version_string(self) -> str:
        """Return the server's name; the base class leaves a space after it."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
        """Say nothing: a scrape is not an event."""

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes, *, packed: bool = False) -> None:
        self.send_response(status)
        if status is HTTPStatus.OK:
            self.send_header("Vary", "Accept-Encoding")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
