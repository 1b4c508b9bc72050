"""Rounds thought through without a gateway: what other settings would have said and done. Pure, and unable to act.

What was really sent keeps the outcome that was really seen. What only the rehearsal would have sent is taken to work:
it stays pending until the world moved on by itself, so that nothing is climbed on the strength of a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from livewatch.recovery.holds import Holds
from livewatch.recovery.judging import judge_snapshot
from livewatch.recovery.memory import Memory
from livewatch.recovery.outcome import Sent, look_again
from livewatch.recovery.policy import decide
from livewatch.recovery.request import Situation
from livewatch.recovery.restart import decide_restart
from livewatch.recovery.rounds import Round
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Completed, Decision, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, Snapshot, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, Outcome, VitalsState

_ASSUMED = Reply(ReplyStatus.DONE, "assumed: it was never sent")
_NOBODY: Mapping[str, Verdict] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the settings under rehearsal make of one round."""

    vitals: VitalsVerdict
    verdicts: Mapping[str, Verdict]
    decisions: tuple[Decision, ...]

    @property
    def acts(self) -> tuple[Act, ...]:
        """What would have been sent."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Act))


@dataclass(slots=True)
class Rehearsal:
    """Goes through rounds under settings of its own; feed it every round, in order."""

    thresholds: Thresholds
    policy: Policy
    memory: Memory = field(default_factory=Memory)
    vitals: VitalsVerdict | None = None
    """The gateway's label at the round before."""
    _sent: dict[str, Sent] = field(default_factory=dict[str, Sent])
    """What this rehearsal sent and has no outcome for, by idempotency key."""
    _inherited: set[str] = field(default_factory=set[str])
    """Keys that were pending in the memory with which it began."""
    _really: set[str] = field(default_factory=set[str])
    """Keys of everything that was really sent and whose outcome was not seen yet."""
    _sent_to: dict[str, GatewayIdentity | None] = field(default_factory=dict[str, GatewayIdentity | None])

    def resume(self, memory: Memory, vitals: VitalsVerdict | None) -> None:
        """Go on from what an agent knew at some moment: the start of a recording, or after a hole in it."""
        self.memory, self.vitals = memory, vitals
        self._sent.clear()
        self._sent_to.clear()
        self._inherited = {action.idempotency_key for action in memory.pending()}
        if memory.restarting is not None:
            self._inherited.add(memory.restarting.idempotency_key)

    def step(self, taken: Round) -> Rehearsed:
        """Think one round through."""
        if taken.began:
            self.resume(Memory(), None)
        for sent in taken.by_hand:
            key = sent.act.action.session
            patient = self.memory.patients.get(key, sent.patient)
            self.memory = self.memory.admitted(patient).sent(sent.act.action, sent.sent_s)
            self._note(sent.act, sent.sent_s, taken)
            self._really.add(sent.act.action.idempotency_key)
        self._really |= {act.action.idempotency_key for act in taken.acts}
        rehearsed = self._blind(taken) if taken.snapshot is None else self._look(taken, taken.snapshot)
        self.vitals = rehearsed.vitals
        return rehearsed

    def _look(self, taken: Round, snapshot: Snapshot) -> Rehearsed:
        now_s = snapshot.vitals.now_s
        judged = judge_snapshot(snapshot, self.thresholds, self.vitals)
        self._settle(taken, now_s)
        self._settle_assumed(snapshot, judged.verdicts, now_s)
        if taken.taken_up is not None:
            self.resume(taken.taken_up, judged.vitals)
        self.memory = self.memory.observed(snapshot, judged.verdicts, judged.vitals, self.policy, now_s)
        situation = self._situation(taken, snapshot, judged.verdicts, judged.vitals)
        decisions = decide(situation, self.memory, self.policy, now_s)
        for decision in decisions:
            self._send(decision, now_s, taken)
        decisions += self._restart(situation, now_s, taken)
        return Rehearsed(judged.vitals, judged.verdicts, tuple(decisions))

    def _blind(self, taken: Round) -> Rehearsed:
        lost = taken.gone or self.memory.identity is None
        vitals = VitalsVerdict(VitalsState.GONE if lost else VitalsState.UNRESPONSIVE)
        self.memory = self.memory.unseen(vitals, taken.now_s, gone=taken.gone)
        self._settle(taken, taken.now_s)
        nothing = Snapshot(Vitals(taken.now_s), MappingProxyType({}), identity=self.memory.identity)
        situation = self._situation(taken, nothing, _NOBODY, vitals)
        return Rehearsed(vitals, _NOBODY, tuple(self._restart(situation, taken.now_s, taken)))

    def _restart(self, situation: Situation, now_s: float, taken: Round) -> list[Decision]:
        decision = decide_restart(situation, self.memory, self.policy, now_s)
        if decision is None:
            return []
        self._send(decision, now_s, taken)
        return [decision]

    def _situation(
        self, taken: Round, snapshot: Snapshot, verdicts: Mapping[str, Verdict], vitals: VitalsVerdict
    ) -> Situation:
        around = taken.circumstances
        own = frozenset({ActionKind.RESTART_TARGET}) if self.policy.restart_command else frozenset[ActionKind]()
        now_s = snapshot.vitals.now_s
        holds = Holds(around.holds)
        return Situation(
            snapshot=snapshot,
            verdicts=verdicts,
            vitals=vitals,
            capabilities=around.capabilities | own,
            held=lambda session: holds.why(session, now_s),
            penalty=around.penalty,
            may_act=around.may_act,
            actor=around.actor,
            discards=around.discards,
        )

    def _send(self, decision: Decision, now_s: float, taken: Round) -> None:
        if isinstance(decision, Act):
            self.memory = self.memory.sent(decision.action, now_s)
            self._note(decision, now_s, taken)

    def _note(self, act: Act, now_s: float, taken: Round) -> None:
        key = act.action.idempotency_key
        self._sent[key] = Sent(act, _ASSUMED, now_s, now_s)
        self._sent_to[key] = self.memory.identity if taken.snapshot is None else taken.snapshot.identity

    def _settle(self, taken: Round, now_s: float) -> None:
        """Take in the outcomes that were really seen, of what this rehearsal would have sent as well."""
        for done in taken.completed:
            key = done.action.idempotency_key
            self._really.discard(key)
            if key in self._sent or key in self._inherited:
                self._forget(key)
                self.memory = self.memory.completed(done, self.policy, now_s)

    def _settle_assumed(self, snapshot: Snapshot, verdicts: Mapping[str, Verdict], now_s: float) -> None:
        for key in [key for key in self._sent if key not in self._really]:
            sent = self._sent[key]
            if not self._over(sent, self._sent_to[key], snapshot, verdicts, now_s):
                continue
            self._forget(key)
            act = sent.act
            done = Completed(
                act.action, act.verdict, _ASSUMED, Outcome.RECOVERED, sent.decided_s, sent.sent_s, now_s, "assumed"
            )
            self.memory = self.memory.completed(done, self.policy, now_s)

    def _over(
        self,
        sent: Sent,
        sent_to: GatewayIdentity | None,
        snapshot: Snapshot,
        verdicts: Mapping[str, Verdict],
        now_s: float,
    ) -> bool:
        """Return whether the world got by itself to where the action would have brought it."""
        if None not in (sent_to, snapshot.identity) and snapshot.identity != sent_to:
            return True
        if sent.act.action.kind is ActionKind.RESTART_TARGET:
            return False
        seen = look_again(sent, snapshot, verdicts, self.policy, now_s)
        return seen is not None and seen.outcome is Outcome.RECOVERED

    def _forget(self, key: str) -> None:
        self._sent.pop(key, None)
        self._sent_to.pop(key, None)
        self._inherited.discard(key)
