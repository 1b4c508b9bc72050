"""Planted secrets, a receiver that keeps what it gets, and a search through everything that livewatch put out."""

import base64
import gzip
import json
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

_REFUSED_AT_FIRST = 2


class Receiver:
    """An OTLP collector over HTTP: refuses a few times, so that errors are told too, then takes everything."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.authorised = 0
        """How many requests carried what `expect` asked for: the secrets reach where they belong."""
        self.expected: Mapping[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                seen = outer.bodies.setdefault(self.path, [])
                seen.append(body)
                outer.authorised += all(self.headers.get(name) == value for name, value in outer.expected.items())
                self.send_response(400 if len(seen) <= _REFUSED_AT_FIRST else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def taken(self, path: str) -> int:
        """How many bodies came to a path."""
        return len(self.bodies.get(path, []))

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def leaks(secrets: Iterable[str], outputs: Mapping[str, bytes]) -> list[str]:
    """Return which output holds which secret, in any of the usual spellings."""
    return [
        f"{where} holds {secret}"
        for where, data in outputs.items()
        for secret in secrets
        if any(spelling in data for spelling in _spellings(secret))
    ]


def files_under(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder, unpacked where it is packed."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: _unpacked(data) if name.endswith(".gz") else data for name, data in found.items()}


def command_lines(pid: int) -> bytes:
    """Return the command line of a process and of its children, as everybody on the host can read them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return b"\n".join(Path(f"/proc/{one}/cmdline").read_bytes() for one in (str(pid), *children))


def _spellings(secret: str) -> set[bytes]:
    encoded = secret.encode()
    inner = base64.b64encode(encoded)[: len(encoded) // 3 * 4]  # what is the same whatever follows
    return {
        encoded, quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(), inner, encoded.hex().encode(),
    }  # fmt: skip


def _unpacked(data: bytes) -> bytes:
    with suppress(EOFError, OSError):
        return gzip.decompress(data)
    return data
