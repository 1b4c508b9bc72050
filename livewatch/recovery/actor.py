"""The actor: sends what was decided, after its intent is written down, and looks again."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from livewatch.clock import Clock
from livewatch.recovery.outcome import Sent, look_again
from livewatch.recovery.settings import Policy
from livewatch.sources.base import Source
from livewatch_classifiers.decision import Act, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Outcome


class IntentLog(Protocol):
    """Where intents are written before anything is sent."""

    async def intent(self, act: Act) -> None:
        """Return once the intent is as durable as it can be made; never raises, bounded in time."""
        ...

    def completed(self, done: Completed) -> None:
        """Take note of an outcome without waiting."""
        ...


class Actor:
    """Carries out decisions against one source; keeps what it sent until its outcome was seen."""

    def __init__(self, source: Source, clock: Clock, intents: IntentLog) -> None:
        self._source = source
        self._clock = clock
        self._intents = intents
        self._sending: dict[str, asyncio.Task[Sent]] = {}
        self._underway: dict[str, tuple[Act, float]] = {}
        self._sent: dict[str, Sent] = {}

    def send(self, act: Act, decided_s: float) -> None:
        """Start sending one action; its idempotency key makes a repeat harmless at the gateway."""
        key = act.action.idempotency_key
        if key not in self._sending and key not in self._sent:
            self._underway[key] = (act, decided_s)
            self._sending[key] = asyncio.create_task(self._send(act, decided_s), name=f"livewatch.act.{key}")

    def observe(self, snapshot: Snapshot, verdicts: Mapping[str, Verdict], policy: Policy) -> list[Completed]:
        """Look again at everything that was sent; return what is settled now."""
        now_s = snapshot.vitals.now_s
        self._collect()
        settled: list[Completed] = []
        for key, sent in list(self._sent.items()):
            if sent.sent_s > now_s:
                continue  # this snapshot is older than the answer
            done = look_again(sent, snapshot, verdicts, policy, now_s)
            if done is not None:
                del self._sent[key]
                self._intents.completed(done)
                settled.append(done)
        return settled

    def forget(self, now_s: float, *, restarted: bool) -> list[Completed]:
        """Settle what was sent to a process that is gone, as superseded.

        Args:
            now_s: monotonic seconds.
            restarted: whether another process is seen in its place; only then has a restart worked.
        """
        self._collect()
        for key, (act, decided_s) in list(self._underway.items()):
            if _goes_on(act, restarted=restarted):
                continue
            self._sending.pop(key).cancel()  # it would reach, or be judged by, a process that it was not meant for
            del self._underway[key]
            unanswered = Reply(ReplyStatus.TIMED_OUT, "no answer before the gateway ended")
            self._sent[key] = Sent(act, unanswered, decided_s, now_s)
        over = [key for key, sent in self._sent.items() if not _goes_on(sent.act, restarted=restarted)]
        detail = "the gateway restarted" if restarted else "the gateway ended"
        settled = [_ended(self._sent.pop(key), now_s, detail) for key in over]
        for done in settled:
            self._intents.completed(done)
        return settled

    async def close(self, deadline_s: float) -> None:
        """Wait up to ``deadline_s`` seconds for what is being sent, then let go; safe to call twice."""
        if self._sending:
            await asyncio.wait(self._sending.values(), timeout=deadline_s)
        for task in self._sending.values():
            task.cancel()
        self._collect()

    async def _send(self, act: Act, decided_s: float) -> Sent:
        try:
            await self._intents.intent(act)  # not written: not sent
            reply = await self._source.act(act.action)
        except Exception as error:  # noqa: BLE001 -- a faulty source must not leave an intent pending for ever
            reply = Reply(ReplyStatus.FAILED, f"it could not be sent: {error!r}")
        return Sent(act, reply, decided_s, self._clock.monotonic_s())

    def _collect(self) -> None:
        for key, task in list(self._sending.items()):
            if not task.done():
                continue
            del self._sending[key]
            self._underway.pop(key, None)
            if not task.cancelled() and task.exception() is None:
                self._sent[key] = task.result()


def _goes_on(act: Act, *, restarted: bool) -> bool:
    """Return whether the end of the process says nothing of the action: a restart begins with it."""
    return act.action.kind is ActionKind.RESTART_TARGET and not restarted


def _ended(sent: Sent, now_s: float, detail: str) -> Completed:
    """Return what became of an action whose process is gone: a restart has worked."""
    restart = sent.act.action.kind is ActionKind.RESTART_TARGET
    outcome = Outcome.RECOVERED if restart else Outcome.SUPERSEDED
    action, verdict = sent.act.action, sent.act.verdict
    return Completed(action, verdict, sent.reply, outcome, sent.decided_s, sent.sent_s, now_s, detail)
