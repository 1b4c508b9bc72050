"""Raw bytes to a UNIX socket, and what comes back."""

import json
import socket
from pathlib import Path
from typing import Any, cast

from tests.fuzz.target import Finding

ANSWERED_WITHIN_S = 20.0
_HEAD_BYTES = 8000
_STATUSES = frozenset({200, 400, 403, 404, 408, 409, 413, 414, 431, 501, 503, 505})


def send(path: Path, data: bytes) -> bytes:
    """Return everything that comes back until the other side closes.

    Raises:
        Finding: when it neither answers nor closes.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWERED_WITHIN_S)
        connection.connect(str(path))
        answer = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass  # it had enough
        try:
            while chunk := connection.recv(1 << 16):
                answer += chunk
        except TimeoutError as error:
            raise Finding("neither an answer nor an end") from error
        except ConnectionResetError:
            pass  # closed while something of ours was unread: what it said before is lost to the kernel
    return answer


def parsed(answer: bytes) -> tuple[int, dict[str, Any] | None]:
    """Return status and document; no document for an error page.

    Raises:
        Finding: when it is neither.
    """
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1."):
        head, body = b"HTTP/0.9 200 application/json", answer
    try:
        status = int(head.split(b" ", 2)[1])
    except (IndexError, ValueError) as error:
        raise Finding(f"no status: {answer[:200]!r}") from error
    if status not in _STATUSES:
        raise Finding(f"status {status}")
    if b"application/json" not in head or body.startswith(b"<!DOCTYPE"):
        return status, None
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Finding(f"no document: {answer[:200]!r}") from error
    if not isinstance(document, dict):
        raise Finding(f"no object: {answer[:200]!r}")
    return status, cast("dict[str, Any]", document)


def owes_an_answer(data: bytes) -> bool:
    """Return whether a request is complete, so that closing without a word would be wrong."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(head) > _HEAD_BYTES or not head.split(b"\n")[0].strip():
        return False
    fields = [line.partition(b":") for line in head.split(b"\n")[1:]]
    lengths = [value.strip() for name, _, value in fields if name.strip().lower() == b"content-length"]
    return all(not length.isdigit() or (len(length) < 7 and int(length) <= len(body)) for length in lengths)
