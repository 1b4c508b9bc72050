"""What people may ask of a running agent: to leave sessions alone, to go on, to repair one by hand."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from math import inf, isinf
from typing import Any
from uuid import uuid4

from msgspec import UnsetType

from livewatch.agent import Agent
from livewatch.clock import Clock
from livewatch.durations import format_duration
from livewatch.local_api.history import History
from livewatch.local_api.replies import DrainReply, GateReply, HoldReply, OutcomeReply, RecoverReply, ResumeReply
from livewatch.local_api.requests import DrainRequest, HoldRequest, OutcomeRequest, RecoverRequest, ResumeRequest
from livewatch.local_api.server import ApiError, Handler
from livewatch.recovery.by_hand import ANSWERED_BY_A_PERSON, ByHand, NothingToDo
from livewatch.recovery.holds import EVERY_SESSION, OperatorHold
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal.records import Asked
from livewatch_classifiers.decision import GATEWAY, Person, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Gate


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

    def handlers(self) -> Mapping[tuple[str, str], Handler[Any]]:
        """Return what the local API serves."""
        return {
            ("POST", "/v1/hold"): Handler(HoldRequest, self.hold),
            ("POST", "/v1/resume"): Handler(ResumeRequest, self.resume),
            ("POST", "/v1/drain"): Handler(DrainRequest, self.drain),
            ("POST", "/v1/recover"): Handler(RecoverRequest, self.recover),
            ("GET", "/v1/outcome"): Handler(OutcomeRequest, self.outcome),
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

    async def hold(self, request: HoldRequest, who: Person) -> HoldReply:
        """Leave sessions alone: ``session`` is a glob, ``for`` a duration."""
        seconds = inf if isinstance(request.duration, UnsetType) else request.duration.seconds
        glob, reason = request.session, request.reason
        self._agent.controls.holds.hold(OperatorHold(glob, self._clock.monotonic_s() + seconds, who.name, reason))
        until = f"for {format_duration(seconds)}" if seconds < inf else "until resumed"
        until += f": {reason}" if reason else ""
        self._note(Asked(who, "hold", f"hold {glob} {until}", session=glob, outcome=ReplyStatus.DONE.value))
        return HoldReply(held=glob, problem=await self._save())

    async def resume(self, request: ResumeRequest, who: Person) -> ResumeReply:
        """End one hold, or all."""
        glob = None if isinstance(request.session, UnsetType) else request.session
        ended = self._agent.controls.holds.resume(glob)
        what = f"resume {glob or 'everything'}: {ended} holds ended"
        done = ReplyStatus.DONE.value
        self._note(Asked(who, "resume", what, session=glob or EVERY_SESSION, outcome=done))
        return ResumeReply(ended=ended, problem=await self._save())

    async def recover(self, request: RecoverRequest, who: Person) -> RecoverReply:
        """Repair ``session``, with ``action`` or the next rung; ``dry_run`` only says what would be done."""
        dry_run = request.dry_run
        kind = None if isinstance(request.action, UnsetType) else request.action
        try:
            asked = self._agent.recover(request.session, kind, who, dry_run=dry_run)
        except NothingToDo as error:
            raise ApiError(HTTPStatus.NOT_FOUND, "nothing_to_do", str(error)) from error
        held = asked.held
        if held is not None and not dry_run:
            gate, why = held
            action = asked.act.action
            refused = f"{action.kind.value} refused by gate {gate.value}: {why.detail}"
            told = Asked(who, action.kind.value, refused, action.session, action.run_id, ReplyStatus.REFUSED.value)
            self._note(told)
            raise ApiError(HTTPStatus.CONFLICT, "gate", f"refused by gate {gate.value}: {why.detail}", gate=gate)
        return _described(asked, sent=not dry_run)

    async def drain(self, request: DrainRequest, who: Person) -> DrainReply:
        """Let the gateway end well, within ``timeout``."""
        timeout_s = request.timeout_s
        if ActionKind.DRAIN not in self._agent.capabilities:
            problem = "refused by gate capability: this gateway offers no drain"
            raise ApiError(HTTPStatus.CONFLICT, "gate", problem, gate=Gate.CAPABILITY)
        asked = Asked(who, "drain", f"drain within {format_duration(timeout_s)}", GATEWAY, key=uuid4().hex)
        self._note(asked)
        reply = await self._agent.drain(asked.by, timeout_s)
        answer = f"drain: {reply.status.value}{f' ({reply.detail})' if reply.detail else ''}"
        self._note(replace(asked, what=answer, outcome=reply.status.value, settles=True))
        if reply.status is not ReplyStatus.DONE:
            raise ApiError(HTTPStatus.CONFLICT, "drain", f"the gateway does not drain: {reply.detail}")
        return DrainReply(timeout_s=timeout_s)

    async def outcome(self, request: OutcomeRequest, _caller: Person) -> OutcomeReply:
        """Return what was seen after the action with this ``key``, or that it is not seen yet."""
        done = next((a for a in reversed(self._history.actions) if a["key"] == request.key), None)
        return OutcomeReply(settled=done is not None, action=done)

    async def _save(self) -> str:
        """Write the holds down; a disk that does not take them is told, and they hold all the same."""
        try:
            await asyncio.to_thread(self._file.save, self._agent.controls.holds.current(self._clock.monotonic_s()))
        except OSError as error:
            return f"not written down ({error}): a restart of livewatch forgets it"
        return ""


def _described(asked: ByHand, *, sent: bool) -> RecoverReply:
    action = asked.act.action
    return RecoverReply(
        key=action.idempotency_key,
        session=action.session,
        action=action.kind,
        cause=action.cause,
        run=action.run_id,
        gates=tuple(
            GateReply(
                gate=gate,
                holds=held is not None,
                detail="answered by you" if gate in ANSWERED_BY_A_PERSON else held.detail if held else "",
            )
            for gate, held in asked.gates
        ),
        sent=sent,
    )
