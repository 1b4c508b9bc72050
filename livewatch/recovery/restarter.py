"""Carrying out a restart: written down, drained first, commanded once, and judged by another process that responds."""

import asyncio
from dataclasses import dataclass

from livewatch.clock import Clock
from livewatch.recovery.actor import IntentLog
from livewatch.recovery.command import run_command
from livewatch.recovery.settings import Policy
from livewatch.sources.base import Source
from livewatch_classifiers.decision import GATEWAY, Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, Snapshot
from livewatch_classifiers.verdict import VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, Outcome

_LOOK_EVERY_S = 0.5
_CALLED_OFF = Reply(ReplyStatus.REFUSED, "another process serves already; the command was not run")


@dataclass(slots=True)
class _Underway:
    act: Act
    identity: GatewayIdentity | None
    decided_s: float
    drain: bool
    commanded_s: float | None = None
    """When the command was started."""
    reply: Reply | None = None


class Restarter:
    """One restart at a time. `observe` is told of every look at the gateway, also of those that saw nothing."""

    def __init__(self, source: Source, clock: Clock, intents: IntentLog) -> None:
        self._source = source
        self._clock = clock
        self._intents = intents
        self._underway: _Underway | None = None
        self._task: asyncio.Task[None] | None = None
        self._quiet = False

    def begin(self, act: Act, policy: Policy, identity: GatewayIdentity | None, decided_s: float) -> None:
        """Start carrying out a restart; a second one while the first is underway is ignored."""
        if self._underway is not None:
            return
        drain = act.action.session != GATEWAY and ActionKind.DRAIN in self._source.capabilities
        self._quiet = False
        self._underway = _Underway(act, identity, decided_s, drain)
        self._task = asyncio.create_task(self._carry_out(self._underway, policy), name="livewatch.restart")

    def observe(
        self, snapshot: Snapshot | None, vitals: VitalsVerdict, policy: Policy, now_s: float
    ) -> Completed | None:
        """Look again; return the restart once its outcome is seen."""
        underway = self._underway
        if underway is None:
            return None
        self._quiet = snapshot is not None and all(
            s.run is None and s.activity is None for s in snapshot.sessions.values()
        )
        seen = self._seen(underway, snapshot, vitals, policy, now_s)
        if seen is None:
            return None
        outcome, detail = seen
        self._end()
        reply = underway.reply or _CALLED_OFF
        sent_s = underway.commanded_s if underway.commanded_s is not None else underway.decided_s
        act = underway.act
        done = Completed(act.action, act.verdict, reply, outcome, underway.decided_s, sent_s, now_s, detail)
        self._intents.completed(done)
        return done

    def close(self) -> None:
        """Stop waiting; a command that runs is left to end by itself. Safe to call twice."""
        self._end()

    def _seen(
        self, underway: _Underway, snapshot: Snapshot | None, vitals: VitalsVerdict, policy: Policy, now_s: float
    ) -> tuple[Outcome, str] | None:
        another = snapshot is not None and None not in (snapshot.identity, underway.identity)
        another = another and snapshot is not None and snapshot.identity != underway.identity
        if another and underway.commanded_s is None:
            return Outcome.SUPERSEDED, "the gateway was restarted by somebody else first"
        if another and vitals.healthy:
            return Outcome.RECOVERED, "another process serves and responds"
        if underway.commanded_s is None or underway.reply is None:
            return None
        if underway.reply.status is ReplyStatus.FAILED and not another:
            return Outcome.FAILED, underway.reply.detail
        if now_s - underway.commanded_s <= policy.restart_verify_s:
            return None
        if underway.reply.status is ReplyStatus.TIMED_OUT:
            return Outcome.TIMED_OUT, underway.reply.detail
        return Outcome.INEFFECTIVE, "the command ended well, and no other process was seen to respond"

    async def _carry_out(self, underway: _Underway, policy: Policy) -> None:
        try:
            await self._intents.intent(underway.act)  # not written: not done
            if underway.drain:
                await self._drain(underway.act.action, policy.restart_drain_s)
            underway.commanded_s = self._clock.monotonic_s()
            underway.reply = await run_command(policy.restart_command, policy.restart_timeout_s)
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not leave a restart pending for ever
            underway.commanded_s = underway.commanded_s or self._clock.monotonic_s()
            underway.reply = Reply(ReplyStatus.FAILED, f"the restart could not be carried out: {error!r}")

    async def _drain(self, action: Action, patience_s: float) -> None:
        """Ask the gateway to take no new work and give what runs its time; a refusal delays nothing."""
        asked_s = self._clock.monotonic_s()
        drain = Action(ActionKind.DRAIN, GATEWAY, f"{action.idempotency_key}:drain", action.cause, action.reason)
        reply = await self._source.act(drain)
        if reply.status is not ReplyStatus.DONE:
            return
        self._quiet = False  # only looks from now on count
        while not self._quiet and self._clock.monotonic_s() - asked_s < patience_s:
            await self._clock.sleep(min(_LOOK_EVERY_S, patience_s))

    def _end(self) -> None:
        task, self._task, self._underway = self._task, None, None
        if task is not None:
            task.cancel()
