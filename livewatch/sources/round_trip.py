"""A cheap request, again and again: how long the gateway takes to answer somebody outside it.

A second witness beside the loop's own delay: whoever answers has a loop that turns, whoever does not may have one and
still serve nobody (OpenClaw 103690: heartbeats fine, users unanswered for 4 h).
"""

import contextlib
import select
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from livewatch_classifiers.model import SamplerPass
from livewatch_exporters.redaction import redact_text

PERIOD_S = 2.0
TIMEOUT_S = 30.0
CONNECT_WITHIN_S = 2.0
_SLICE_S = 0.25
_COUNTED_S = 0.5
"""Of one slice at most: a pause of our own is nobody's silence."""
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class HealthUrl:
    """Where to ask: ``http://HOST:PORT/PATH``."""

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> "HealthUrl":
        """Read a URL.

        Raises:
            ValueError: when it is no plain HTTP URL.
        """
        parts = urlsplit(text)
        if parts.scheme != "http" or not parts.hostname or parts.username or parts.password:
            raise ValueError(f"{redact_text(text)!r} is not a URL such as http://127.0.0.1:18789/healthz")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if any(not "!" <= letter <= "~" for letter in path):
            raise ValueError(f"{redact_text(text)!r} has letters that must be percent-encoded")
        return cls(parts.hostname, parts.port or 80, path)


@dataclass(frozen=True, slots=True)
class RoundTripReading:
    """What is known of the latest requests."""

    took_s: float | None = None
    """Of the latest one that was answered."""
    overdue_s: float | None = None
    """How long we have been without the answer that is due; ``None`` while none is, and when nobody listens."""
    latest: SamplerPass | None = None


class RoundTrip:
    """Asks on a thread of its own, which the first `reading` starts."""

    def __init__(self, url: HealthUrl, *, period_s: float = PERIOD_S, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._period_s = period_s
        self._timeout_s = timeout_s
        self._reading = RoundTripReading()
        self._waited_s = 0.0
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def reading(self) -> RoundTripReading:
        """Return the latest reading. Never waits."""
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._run, name="livewatch.round_trip", daemon=True)
            self._thread.start()
        return self._reading

    def close(self) -> None:
        """Stop asking; safe to call twice and before the first reading."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(4 * _SLICE_S)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._ask()
            self._closed.wait(self._period_s)

    def _ask(self) -> None:
        began_s, took_s, error = time.monotonic(), self._reading.took_s, ""
        try:
            took_s = self._exchange()
            self._waited_s = 0.0
        except TimeoutError:
            error = "timeout"
        except OSError:
            error, self._waited_s = "refused", 0.0  # nobody listens: that is the process's matter, not its loop's
        if self._closed.is_set():
            return
        ended_s = time.monotonic()
        done = SamplerPass("health", ended_s, ended_s - began_s, error)
        self._reading = RoundTripReading(took_s, self._waited_s or None, done)

    def _exchange(self) -> float:
        """Ask once; return how long the first byte of the answer took."""
        began_s, waited_s = time.monotonic(), 0.0
        url = self._url
        with self._connect() as connection:
            host = f"[{url.host}]" if ":" in url.host else url.host
            connection.sendall(f"GET {url.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            while not _readable(connection):
                slice_s = time.monotonic() - began_s - waited_s
                waited_s += slice_s
                self._waiting(min(slice_s, _COUNTED_S))
                if waited_s > self._timeout_s or self._closed.is_set():
                    raise TimeoutError
            took_s = time.monotonic() - began_s
            if not connection.recv(_HEAD_BYTES).startswith(b"HTTP/"):
                raise ConnectionError("it closed, or does not speak HTTP")
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return took_s

    def _connect(self) -> socket.socket:
        try:
            return socket.create_connection((self._url.host, self._url.port), CONNECT_WITHIN_S)
        except TimeoutError:
            self._waiting(CONNECT_WITHIN_S)  # its queue is full: nobody accepts
            raise

    def _waiting(self, seconds: float) -> None:
        self._waited_s += seconds
        self._reading = RoundTripReading(self._reading.took_s, self._waited_s, self._reading.latest)


def _readable(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], _SLICE_S)[0])
