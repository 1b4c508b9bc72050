"""What people may ask of a running agent: to leave sessions alone, to go on, to repair one by hand."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from math import inf, isinf
from typing import Any
from uuid import uuid4

from livewatch.agent import Agent
from livewatch.clock import Clock
from livewatch.durations import format_duration, parse_duration
from livewatch.local_api.history import History
from livewatch.local_api.server import ApiError, Handler
from livewatch.recovery.by_hand import ANSWERED_BY_A_PERSON, ByHand, NothingToDo
from livewatch.recovery.holds import EVERY_SESSION, OperatorHold
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal.records import Asked
from livewatch_classifiers.decision import GATEWAY, Person, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind

SCHEMA_VERSION = 1
_REASON_CHARACTERS = 200


class Operator:
    """Serves ``/v1/hold``, ``/v1/resume``, ``/v1/recover`` and ``/v1/outcome``."""

    def __init__(
        self, agent: Agent, history: History, clock: Clock, file: HoldsFile, note: Callable[[Asked], None]
    ) -> None:
        """Tell ``note`` of everything that is asked for, except what the agent journals itself as an action."""
        self._agent = agent
        self._history = history
        self._clock = clock
        self._file = file
        self._note = note

    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """Return what the local API serves."""
        return {
            ("POST", "/v1/hold"): self.hold,
            ("POST", "/v1/resume"): self.resume,
            ("POST", "/v1/drain"): self.drain,
            ("POST", "/v1/recover"): self.recover,
            ("GET", "/v1/outcome"): self.outcome,
        }

    def listed(self) -> list[dict[str, Any]]:
        """Return the present holds, for `status`."""
        now_s = self._clock.monotonic_s()
        return [
            {
                "session": h.glob,
                "by": h.by,
                "reason": h.reason,
                "left_s": None if isinf(h.until_s) else round(h.until_s - now_s, 3),
            }
            for h in self._agent.controls.holds.current(now_s)
        ]

    async def hold(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Leave sessions alone: ``session`` is a glob, ``for`` a duration."""
        try:
            seconds = parse_duration(parameters["for"]) if "for" in parameters else inf
        except ValueError as error:
            raise ApiError(HTTPStatus.BAD_REQUEST, "usage", str(error)) from error
        glob, who = parameters.get("session", EVERY_SESSION), _person(parameters)
        reason = parameters.get("reason", "")[:_REASON_CHARACTERS]
        self._agent.controls.holds.hold(OperatorHold(glob, self._clock.monotonic_s() + seconds, who.name, reason))
        until = f"for {format_duration(seconds)}" if seconds < inf else "until resumed"
        until += f": {reason}" if reason else ""
        self._note(Asked(who, "hold", f"hold {glob} {until}", session=glob, outcome=ReplyStatus.DONE.value))
        return self._answer(held=glob, problem=await self._save())

    async def resume(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """End one hold, or all."""
        glob = parameters.get("session")
        ended = self._agent.controls.holds.resume(glob)
        what = f"resume {glob or 'everything'}: {ended} holds ended"
        done = ReplyStatus.DONE.value
        self._note(Asked(_person(parameters), "resume", what, session=glob or EVERY_SESSION, outcome=done))
        return self._answer(ended=ended, problem=await self._save())

    async def recover(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Repair ``session``, with ``action`` or the next rung; ``dry_run`` only says what would be done."""
        dry_run, who = parameters.get("dry_run") == "True", _person(parameters)
        kind = _kind(parameters.get("action"))
        try:
            asked = self._agent.recover(parameters.get("session", ""), kind, who, dry_run=dry_run)
        except NothingToDo as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "nothing_to_do", str(error)) from error
        held = asked.held
        if held is not None and not dry_run:
            gate, why = held
            action = asked.act.action
            refused = f"{action.kind.value} refused by gate {gate.value}: {why.detail}"
            told = Asked(who, action.kind.value, refused, action.session, action.run_id, ReplyStatus.REFUSED.value)
            self._note(told)
            raise ApiError(HTTPStatus.CONFLICT, "gate", f"refused by gate {gate.value}: {why.detail}")
        return self._answer(**_described(asked), sent=not dry_run)

    async def drain(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Let the gateway end well, within ``timeout``."""
        try:
            timeout_s = parse_duration(parameters.get("timeout", "30s"))
        except ValueError as error:
            raise ApiError(HTTPStatus.BAD_REQUEST, "usage", str(error)) from error
        if ActionKind.DRAIN not in self._agent.capabilities:
            raise ApiError(HTTPStatus.CONFLICT, "gate", "refused by gate capability: this gateway offers no drain")
        asked = Asked(
            _person(parameters), "drain", f"drain within {format_duration(timeout_s)}", GATEWAY, key=uuid4().hex
        )
        self._note(asked)
        reply = await self._agent.drain(asked.by, timeout_s)
        answer = f"drain: {reply.status.value}{f' ({reply.detail})' if reply.detail else ''}"
        self._note(replace(asked, what=answer, outcome=reply.status.value, settles=True))
        if reply.status is not ReplyStatus.DONE:
            raise ApiError(HTTPStatus.CONFLICT, "drain", f"the gateway does not drain: {reply.detail}")
        return self._answer(timeout_s=timeout_s)

    async def outcome(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return what was seen after the action with this ``key``, or that it is not seen yet."""
        key = parameters.get("key", "")
        done = next((a for a in reversed(self._history.actions) if a["key"] == key), None)
        return self._answer(settled=done is not None, action=done)

    async def _save(self) -> str:
        """Write the holds down; a disk that does not take them is told, and they hold all the same."""
        try:
            await asyncio.to_thread(self._file.save, self._agent.controls.holds.current(self._clock.monotonic_s()))
        except OSError as error:
            return f"not written down ({error}): a restart of livewatch forgets it"
        return ""

    def _answer(self, **facts: object) -> dict[str, Any]:
        return {"schema_version": SCHEMA_VERSION, "ok": True, **facts}


def _person(parameters: Mapping[str, str]) -> Person:
    return Person(parameters["who"], int(parameters["uid"]))


def _kind(word: str | None) -> ActionKind | None:
    if word is None:
        return None
    try:
        return ActionKind(word)
    except ValueError as error:
        known = ", ".join(kind.value for kind in ActionKind)
        raise ApiError(HTTPStatus.BAD_REQUEST, "usage", f"no action {word!r}; known: {known}") from error


def _described(asked: ByHand) -> dict[str, Any]:
    action = asked.act.action
    return {
        "key": action.idempotency_key,
        "session": action.session,
        "action": action.kind.value,
        "cause": action.cause,
        "run": action.run_id,
        "gates": [
            {
                "gate": gate.value,
                "holds": held is not None,
                "detail": "answered by you" if gate in ANSWERED_BY_A_PERSON else held.detail if held else "",
            }
            for gate, held in asked.gates
        ],
    }
