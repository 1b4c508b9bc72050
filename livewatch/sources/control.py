"""Asking the gateway to act: HTTP/1.1 over its UNIX socket, bounded in time and size, believing nothing."""

import asyncio
import contextlib
import json
import stat
import string
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from livewatch.guard.owner import GatewayOwner
from livewatch_classifiers.decision import Action, Reply, ReplyStatus

_MAX_HEAD_BYTES = 16 * 1024
_MAX_BODY_BYTES = 64 * 1024
_MAX_DETAIL = 500


class _NoAnswer(Exception):  # noqa: N818 -- reads as what happened
    """There is no usable answer; the text says why."""


class ControlClient:
    """Talks to one gateway's control socket; one connection per request, no state between them."""

    def __init__(self, socket: Path, timeout_s: float = 5.0, *, owner: GatewayOwner | None = None) -> None:
        self._socket = socket
        self._owner = owner or GatewayOwner()
        self._timeout_s = timeout_s
        self.problem = ""
        """Why nobody could be asked when `info` was called last; empty when somebody was, even without an answer."""

    async def act(self, action: Action) -> Reply:
        """Send one action. Never raises for what the gateway does: the reply says what went wrong."""
        try:
            status, document = await self._ask("POST", "/v1/actions", _body(action))
        except TimeoutError:
            return Reply(ReplyStatus.TIMED_OUT, f"the gateway did not answer within {self._timeout_s:g} s")
        except _NoAnswer as problem:
            return Reply(ReplyStatus.FAILED, str(problem))
        return _reply(status, document)

    async def info(self) -> dict[str, Any] | None:
        """Return what the gateway says about itself, or ``None`` when it does not answer."""
        self.problem = ""
        try:
            status, document = await self._ask("GET", "/v1/info")
        except TimeoutError:
            return None  # it may be busy, or stopped
        except _NoAnswer as problem:
            self.problem = str(problem)
            return None
        return document if status == HTTPStatus.OK else None

    async def _ask(
        self, method: str, target: str, document: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        async with asyncio.timeout(self._timeout_s):
            reader, writer = await self._connect()
            try:
                body = b"" if document is None else json.dumps(document).encode()
                head = (
                    f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
                return await _answer(reader)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                raise _NoAnswer("the gateway closed the connection before it answered") from error
            except asyncio.LimitOverrunError as error:
                raise _NoAnswer("the gateway's answer is too long") from error
            except OSError as error:
                raise _NoAnswer(f"the control socket failed ({error.strerror})") from error
            finally:
                writer.transport.abort()  # never waits, whatever the other side does

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        path = self._socket
        try:
            found = await asyncio.to_thread(path.lstat)
            if not stat.S_ISSOCK(found.st_mode):
                raise _NoAnswer(f"{path} is not a socket; name the gateway's socket in target.socket")
            if not self._owner.trusts(found.st_uid):
                raise _NoAnswer(f"the control socket {path} belongs to uid {found.st_uid}; {self._owner.hint}")
            return await asyncio.open_unix_connection(path, limit=_MAX_HEAD_BYTES)
        except FileNotFoundError as error:
            raise _NoAnswer(f"there is no control socket at {path}") from error
        except ConnectionRefusedError as error:
            raise _NoAnswer(f"nobody listens at the control socket {path}") from error
        except (OSError, ValueError) as error:
            raise _NoAnswer(f"cannot connect to the control socket {path} ({error})") from error


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    words = head[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not _digits(words[1]):  # noqa: PLR2004 -- version, status
        raise _NoAnswer("the gateway's answer is not HTTP")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = headers.get("content-length")
    if headers.get("transfer-encoding", "").lower() == "chunked":  # what many servers send unless they are told not to
        body = await _chunks(reader)
    elif length is None:
        body = await _until_end(reader)
    elif not _digits(length):
        raise _NoAnswer("the gateway's answer has no valid length")
    elif len(length) > len(str(_MAX_BODY_BYTES)) or int(length) > _MAX_BODY_BYTES:
        raise _NoAnswer("the gateway's answer is too long")
    else:
        body = await reader.readexactly(int(length))
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _NoAnswer("the gateway's answer is not JSON") from error
    if not isinstance(document, dict):
        raise _NoAnswer("the gateway's answer is not a JSON object")
    return int(words[1]), cast("dict[str, Any]", document)


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while chunk := await reader.read(_MAX_HEAD_BYTES):
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise _NoAnswer("the gateway's answer is too long")
    return body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = (await reader.readuntil(b"\r\n")).decode("latin-1").partition(";")[0].strip()
        if not 0 < len(size) <= len(f"{_MAX_BODY_BYTES:x}") or set(size) - set(string.hexdigits):
            raise _NoAnswer("the gateway's answer has no valid length")
        if int(size, 16) == 0:
            return body
        if len(body) + int(size, 16) > _MAX_BODY_BYTES:
            raise _NoAnswer("the gateway's answer is too long")
        body += (await reader.readexactly(int(size, 16) + len("\r\n")))[: -len("\r\n")]


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _body(action: Action) -> dict[str, Any]:
    """Return the action as the gateway reads it; a run or handle that is absent was not registered."""
    values: dict[str, Any] = {
        "kind": action.kind.value,
        "session": action.session,
        "idempotency_key": action.idempotency_key,
        "cause": action.cause,
        "reason": action.reason.value,
        "session_id": action.session_id,
        "generation": action.generation,
        "run_id": action.run_id,
        "handle": action.handle,
        # Seconds as a float cannot carry every nanosecond; the gateway compares with a tolerance of 1 µs.
        "progress_ns": None if action.progress_s is None else round(action.progress_s * 1e9),
        "repeats": action.repeats,
        "traceparent": action.traceparent,
        "timeout_s": action.timeout_s,
        "discards": action.discards or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _reply(status: int, document: dict[str, Any]) -> Reply:
    detail, released = document.get("detail") or document.get("error"), document.get("released")
    text = " ".join(detail.split())[:_MAX_DETAIL] if isinstance(detail, str) else ""
    count = released if isinstance(released, int) and not isinstance(released, bool) and released >= 0 else None
    with contextlib.suppress(ValueError):
        return Reply(ReplyStatus(str(document.get("status"))), text, count)
    return Reply(ReplyStatus.FAILED, text or f"the gateway answered {status} without a status")
