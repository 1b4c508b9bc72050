"""Somebody who uses the gateway: sends messages, and notes when each is answered."""

import asyncio
import itertools
import time
from typing import Any

from livewatch.sources.openclaw.wire import ACTING, Wire, WireError
from tests.openclaw.gateway import TOKEN

ANSWERED_WITHIN_S = 60.0
_ATTEMPTS = 5
"""The gateway itself says to ask again when a session changes under the request."""


def full(session: str) -> str:
    """Return the key of a session; ``name`` is one of the main agent."""
    return session if session.startswith("agent:") else f"agent:main:{session}"


class Operator:
    """A client of its own beside livewatch's."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self.wire: Wire | None = None
        self.events: list[tuple[float, str, dict[str, Any]]] = []
        """Everything that was pushed: monotonic moment, name, payload."""
        self._changed = asyncio.Event()

    def on_event(self, event: str, payload: Any, at_s: float) -> None:
        """Note an event."""
        self.events.append((at_s, event, payload if isinstance(payload, dict) else {}))
        self._changed.set()

    def gap(self, at_s: float) -> None:
        """Nothing depends on a gap here."""

    async def connect(self) -> None:
        """Connect as soon as the gateway lets anybody in."""
        while self.wire is None or self.wire.closed:
            try:
                self.wire = await Wire.open(
                    self._url, TOKEN, self, scopes=(*ACTING, "operator.approvals"), caps=("exec-approvals",)
                )
            except WireError as error:
                await asyncio.sleep(error.retry_after_s or 0.3)
        await self.ask("sessions.subscribe")

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the gateway; its refusal is a failure of the test."""
        assert self.wire is not None
        answer = await self.wire.ask(method, params)
        assert answer.payload is not None, f"{method}: {answer.code} {answer.message}"
        return answer.payload

    async def say(self, session: str, text: str) -> str:
        """Send a message to a session and return its name; behind a run it waits in the queue."""
        key = f"lw-{next(self._numbers)}-{time.monotonic_ns()}"
        said = f"{text} msg={key}"
        params = {"sessionKey": full(session), "message": said, "queueMode": "followup", "idempotencyKey": key}
        for _ in range(_ATTEMPTS):
            assert self.wire is not None
            try:
                answer = await self.wire.ask("chat.send", params)
            except WireError:
                continue  # a busy gateway takes its time; the key keeps it from being said twice
            if answer.payload is not None:
                return key
            assert "retry the request" in answer.message, f"chat.send: {answer.code} {answer.message}"
        raise AssertionError(f"chat.send to {session} was refused {_ATTEMPTS} times")

    async def until(self, wanted: Any, what: str, within_s: float = ANSWERED_WITHIN_S) -> Any:
        """Return what ``wanted()`` returns once it is true."""
        ends_s = time.monotonic() + within_s
        while not (found := wanted()):
            assert time.monotonic() < ends_s, f"{what} did not come true within {within_s:g} s"
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), 0.2)
            except TimeoutError:
                continue
        return found

    def answers(self, session: str) -> list[float]:
        """Return when each run of a session was finished that was not aborted: its answer is there then."""
        key, found = full(session), list[float]()
        for at_s, event, payload in self.events:
            data = payload.get("data") or {}
            if (event, payload.get("sessionKey"), data.get("aborted")) == ("agent", key, False) and (
                data.get("phase") == "end"
            ):
                found.append(at_s)
        return found

    def started_s(self, session: str) -> float | None:
        """Return when the latest model call of a session was begun."""
        return self._phase_s(session, "starting_model")

    def prepared_s(self, session: str) -> float | None:
        """Return when the preparation of the latest turn of a session was begun."""
        return self._phase_s(session, "preparing_workspace")

    def _phase_s(self, session: str, phase: str) -> float | None:
        key = full(session)
        for at_s, event, payload in reversed(self.events):
            if event == "agent" and payload.get("sessionKey") == key and payload.get("data", {}).get("phase") == phase:
                return at_s
        return None

    async def close(self) -> None:
        """Leave."""
        if self.wire is not None:
            await self.wire.close()
