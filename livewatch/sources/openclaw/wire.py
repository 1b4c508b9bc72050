"""One WebSocket connection to a gateway: handshake, requests with answers, events, and the pulse of its loop.

Bounded: frames above `MAX_FRAME_BYTES` end the connection, at most `MAX_QUEUE` frames wait unread (then TCP holds the
gateway back), and after `BURST` frames other work has its turn.
"""

import asyncio
import itertools
import json
import logging
import ssl
import time
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, WebSocketException

from livewatch import __version__
from livewatch.guard.owner import GatewayOwner
from livewatch.guard.port_owner import server_uid
from livewatch.sources.openclaw.certificate import INSTEAD, CertificateProblem, Pin, compare, tls_context
from livewatch.sources.openclaw.shapes import number, table
from livewatch.users import user_name
from livewatch_exporters.redaction import HIDDEN, redact_text

MAX_FRAME_BYTES = 16 << 20
MAX_QUEUE = 64
BURST = 200
PROTOCOL = 4
PULSE_EVERY_S = 0.5
SILENT_S = 0.3
READING = ("operator.read",)
ACTING = ("operator.read", "operator.write", "operator.admin")
"""A run that another client started may be aborted by an administrator only."""
ANSWER_WITHIN_S = 10.0
_OPEN_WITHIN_S = 10.0
_QUIET = logging.getLogger("livewatch.openclaw.wire")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
_ROOT = 0
_SLICE_S = 0.1
_COUNTED_S = 0.3
"""Of one slice of waiting at most: our own pause is not the gateway's silence."""


class WireError(Exception):
    """The gateway cannot be talked to now; the text says why."""

    def __init__(self, problem: str, hint: str = "it is tried again", *, retry_after_s: float | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to one request."""

    payload: dict[str, Any] | None
    """``None`` when the gateway refused; a bare list comes as ``items``."""
    code: str = ""
    message: str = ""
    retry_after_s: float | None = None


@dataclass(slots=True)
class Pulse:
    """Round trips of WebSocket pings: whoever answers has a loop that turns."""

    took_s: float | None = None
    waiting_s: float = 0.0
    """How long we have been watching for the answer that is due."""
    beat_s: float | None = None
    """Monotonic moment of the latest answer."""


class Hears(Protocol):
    """Who is told what comes without having been asked for."""

    def on_event(self, event: str, payload: Any, at_s: float) -> None:
        """Take in one event that came at the monotonic moment ``at_s``."""
        ...

    def gap(self, at_s: float) -> None:
        """Events were missed."""
        ...


class Nobody:
    """Hears nothing: for who only asks."""

    def on_event(self, event: str, payload: Any, at_s: float) -> None:
        """Pass it over."""

    def gap(self, at_s: float) -> None:
        """Nothing was listened to."""


class Wire:
    """Open it, `ask`, `close`."""

    def __init__(self, socket: ClientConnection, hears: Hears, token: str | None = None) -> None:
        self.hello: dict[str, Any] = {}
        self.pulse = Pulse()
        self.silences: list[tuple[float, float]] = []
        """From when to when the loop did not answer; whoever reads it empties it."""
        self.gaps = 0
        self.unreadable = 0
        self._socket = socket
        self._hears = hears
        self._token = token
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._seq: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls, url: str, token: str | None, hears: Hears, *, scopes: tuple[str, ...], caps: tuple[str, ...] = (),
        owner: GatewayOwner | None = None, pin: Pin | None = None, lacking: str = "",
    ) -> "Wire":  # fmt: skip
        """Connect and shake hands.

        Args:
            url: ``ws://HOST:PORT`` or ``wss://HOST:PORT``.
            token: the gateway's shared secret, a token or a password.
            hears: who is told of events and gaps.
            scopes: what this client may do.
            caps: what it can show to a person; livewatch itself claims nothing.
            owner: as whom the gateway runs; on this host nobody but him, this user or root is given the token.
            pin: the certificate that it must show; without one, the usual authorities vouch for it.
            lacking: what could not be found, and what to give instead; the hint of an error that it explains.

        Raises:
            WireError: when nobody listens, its certificate or the token is refused, or the gateway still starts (then
                with a delay).
        """
        try:
            context = await tls_context(url, pin, _OPEN_WITHIN_S) if url.startswith("wss://") else None
            socket = await connect(
                url, open_timeout=_OPEN_WITHIN_S, ping_interval=None, max_size=MAX_FRAME_BYTES, max_queue=MAX_QUEUE,
                proxy=None, compression=None, logger=_QUIET, ssl=context,
            )  # fmt: skip
            if pin is not None:
                _check_pin(socket, pin)
        except CertificateProblem as error:
            raise WireError(str(error), f"if the gateway has a new certificate, {INSTEAD}") from error
        except ssl.SSLCertVerificationError as error:
            problem = redact_text(f"the certificate of {url} is refused: {error.verify_message}")
            raise WireError(problem, lacking or _certificate_hint(pin)) from error
        except (OSError, TimeoutError, ValueError, WebSocketException) as error:
            problem = redact_text(f"no gateway answers at {url} ({error})")
            raise WireError(problem, _absence_hint(error, lacking)) from error
        wire = cls(socket, hears, token)
        try:
            await wire._shake_hands(scopes, caps, owner or GatewayOwner(), lacking)
        except BaseException:
            await wire.close()
            raise
        wire._tasks.append(asyncio.ensure_future(wire._beat()))
        return wire

    @property
    def closed(self) -> bool:
        """Whether it cannot be used any more."""
        return bool(self._tasks) and self._tasks[0].done()

    async def ask(self, method: str, params: dict[str, Any] | None = None, *, traceparent: str | None = None) -> Answer:
        """Ask one thing.

        Raises:
            WireError: when the connection is lost or no answer comes within `ANSWER_WITHIN_S`.
        """
        number = str(next(self._numbers))
        frame: dict[str, Any] = {"type": "req", "id": number, "method": method, "params": params or {}}
        if traceparent is not None:
            frame["traceparent"] = traceparent
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._socket.send(json.dumps(frame))
                found = await future
        except TimeoutError as error:
            raise WireError(f"the gateway did not answer {method} within {ANSWER_WITHIN_S:g} s") from error
        except WebSocketException as error:
            raise WireError(f"the connection was lost ({error})") from error
        finally:
            self._waiting.pop(number, None)
        return _answer(found)

    async def close(self) -> None:
        """End the connection without waiting for the other side; safe to call twice."""
        for task in self._tasks:
            task.cancel()
        self._socket.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _shake_hands(
        self, scopes: tuple[str, ...], caps: tuple[str, ...], owner: GatewayOwner, lacking: str
    ) -> None:
        try:
            async with asyncio.timeout(_OPEN_WITHIN_S):
                await self._socket.recv()  # the challenge; a token needs no answer to it
        except (TimeoutError, WebSocketException) as error:
            raise WireError(
                "what listens there does not speak OpenClaw's protocol", "give the gateway's --url"
            ) from error
        if self._token:
            self._check_server(owner)
        self._tasks.append(asyncio.ensure_future(self._read()))
        client = {"id": "gateway-client", "mode": "backend", "version": __version__, "platform": "linux"}
        answer = await self.ask(
            "connect",
            {
                "minProtocol": PROTOCOL,
                "maxProtocol": PROTOCOL,
                "client": client,
                "role": "operator",
                "scopes": list(scopes),
                "caps": list(caps),
                **({"auth": {"token": self._token}} if self._token else {}),
            },
        )
        if answer.payload is None:
            raise _refused(answer, lacking)
        self.hello = answer.payload

    def _check_server(self, owner: GatewayOwner) -> None:
        """Give the token to nobody who merely was quick to take the gateway's port while it was down."""
        ends = (self._socket.local_address, self._socket.remote_address)
        uid = server_uid(*ends) if all(ends) else None
        if uid not in (None, _ROOT) and not owner.trusts(uid):
            problem = f"{user_name(uid)} listens at the gateway's port; the token was not sent"
            raise WireError(problem, owner.hint)

    async def _read(self) -> None:
        """Read until the end; a frame that cannot be understood is counted and passed over."""
        try:
            count = 0
            async for data in self._socket:
                self._frame(data, time.monotonic())
                count += 1
                if count % BURST == 0:
                    await asyncio.sleep(0)
        except WebSocketException:
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(WebSocketException("closed"))

    def _frame(self, data: str | bytes, at_s: float) -> None:
        try:
            frame: Any = _loads(self._without_token(data))
        except (ValueError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            self.unreadable += 1
            return
        known = table(frame)  # pyright: ignore[reportUnknownArgumentType]  # just checked
        if known.get("type") == "res":
            future = self._waiting.get(str(known.get("id")))
            if future is not None and not future.done():
                future.set_result(known)
        elif known.get("type") == "event" and isinstance(known.get("event"), str):
            seq = known.get("seq")
            if isinstance(seq, int):
                if self._seq is not None and seq > self._seq + 1:
                    self.gaps += 1
                    self._hears.gap(at_s)
                self._seq = seq
            self._hears.on_event(known["event"], known.get("payload"), at_s)

    def _without_token(self, data: str | bytes) -> str | bytes:
        """Return what came without our token: what a gateway repeats must not reach a log, a journal or a receiver."""
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        return text.replace(self._token, HIDDEN) if self._token else text

    async def _beat(self) -> None:
        """Ping twice a second; count only the waiting that we ourselves were awake for."""
        while True:
            began_s = time.monotonic()
            try:
                pong = asyncio.ensure_future(await self._socket.ping())
            except WebSocketException:
                return
            last_s = began_s
            while not pong.done():
                await asyncio.wait([pong], timeout=_SLICE_S)
                now_s = time.monotonic()
                self.pulse.waiting_s += min(now_s - last_s, _COUNTED_S)
                last_s = now_s
            if pong.cancelled() or pong.exception() is not None:
                return
            if self.pulse.waiting_s > SILENT_S:
                self.silences.append((began_s, last_s))
            self.pulse.took_s, self.pulse.beat_s, self.pulse.waiting_s = last_s - began_s, last_s, 0.0
            await asyncio.sleep(PULSE_EVERY_S)


def _loads(data: str | bytes) -> Any:
    """Return what a frame says. Half a character (a lone surrogate) could be neither journaled nor exported.

    Raises:
        ValueError: when it is not JSON.
        RecursionError: when it goes too deep.
    """
    text = data if isinstance(data, str) else data.decode()
    frame: Any = json.loads(text)
    if "\\ud" not in text and "\\uD" not in text:
        return frame
    return json.loads(json.dumps(frame, ensure_ascii=False).encode("utf-8", "replace"))


def _answer(frame: dict[str, Any]) -> Answer:
    if frame.get("ok") is True:
        payload = frame.get("payload")
        return Answer({"items": payload} if isinstance(payload, list) else table(payload))
    known = table(frame.get("error"))
    after_ms = number(known.get("retryAfterMs"))
    again_s = None if after_ms is None else min(60.0, max(0.0, after_ms / 1e3))
    return Answer(None, str(known.get("code", "")), str(known.get("message", "no reason given"))[:300], again_s)


def _check_pin(socket: ClientConnection, pin: Pin) -> None:
    """Compare again, now on the connection itself."""
    try:
        compare(socket.transport.get_extra_info("ssl_object").getpeercert(binary_form=True), pin)
    except CertificateProblem:
        socket.transport.abort()
        raise


def _certificate_hint(pin: Pin | None) -> str:
    if pin is None:
        return f"for a certificate that no authority signed, {INSTEAD}"
    return f"it is the one of {pin.origin}: make a new one, and start the gateway anew"


def _absence_hint(error: Exception, lacking: str) -> str:
    if isinstance(error, InvalidMessage):
        return "where the gateway has TLS, give its --url as wss://"
    return "start the gateway, or give its --url" + (f"; besides, {lacking}" if lacking else "")


def _refused(answer: Answer, lacking: str) -> WireError:
    message = redact_text(answer.message)
    if answer.code == "UNAVAILABLE":
        return WireError(f"the gateway is starting: {message}", retry_after_s=answer.retry_after_s or 0.5)
    hint = lacking or "give the gateway's token or password with --token-file"
    return WireError(f"the gateway refuses the connection: {message}", hint)
