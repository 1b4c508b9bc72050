"""The agent: one tick is sample, classify, decide, act, report. It owns the order of things and nothing else."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from uuid import uuid4

from livewatch.clock import Clock
from livewatch.judge import Judge, Judgement
from livewatch.recovery.actor import Actor, IntentLog
from livewatch.recovery.by_hand import ByHand, NothingToDo, judge_by_hand
from livewatch.recovery.gates import allows
from livewatch.recovery.hold_clock import HoldClock
from livewatch.recovery.holds import Holds
from livewatch.recovery.local_health import LocalHealth
from livewatch.recovery.memory import Memory
from livewatch.recovery.minutes import Minutes
from livewatch.recovery.policy import decide
from livewatch.recovery.request import Situation
from livewatch.recovery.restart import decide_restart
from livewatch.recovery.restarter import Restarter
from livewatch.recovery.rounds import SecondOpinion, Witness
from livewatch.recovery.settings import Policy
from livewatch.sources.base import Source, SourceError
from livewatch_classifiers.decision import GATEWAY, Act, Action, Completed, Decision, Person, Reply
from livewatch_classifiers.lane import circular_waits, classify_lanes
from livewatch_classifiers.model import Snapshot, Vitals
from livewatch_classifiers.report import TickListener, TickReport, Transition
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vitals import classify_vitals
from livewatch_classifiers.vocabulary import ActionKind, Reason, VitalsState
from livewatch_exporters.trace_context import traceparent_of

_NOTHING: frozenset[ActionKind] = frozenset()


@dataclass(slots=True)
class Controls:
    """What people and other agents may change while the agent runs."""

    holds: Holds = field(default_factory=Holds)
    may_act: Callable[[], bool] = lambda: True
    """False while another livewatch holds the lease on this gateway."""
    actor: Callable[[], str] = lambda: ""
    """Who acts instead, in words; empty while this agent does."""
    io_trouble: Callable[[], bool] = lambda: False
    """Whether the agent's own disk does not keep up."""
    take_up: Callable[[Memory, Snapshot, float], Memory] = lambda memory, _snapshot, _wall_s: memory
    """Given memory, snapshot and Unix time, returns the memory to decide with; called before every decision."""


class Agent:
    """Watches one gateway. `tick` is one round; `run` repeats it until told to stop."""

    def __init__(
        self,
        source: Source,
        *,
        clock: Clock,
        intents: IntentLog,
        thresholds: Thresholds | None = None,
        policy: Policy | None = None,
        listeners: Sequence[TickListener] = (),
        controls: Controls | None = None,
        interval_s: float = 1.0,
        traced: bool = False,
        witnesses: Sequence[Witness] = (),
        shadow: SecondOpinion | None = None,
    ) -> None:
        self.source = source
        self.thresholds = thresholds or Thresholds()
        self.policy = policy or Policy()
        self.memory = Memory()
        self.hold_clock = HoldClock()
        self.report: TickReport | None = None
        self._clock = clock
        self._actor = Actor(source, clock, intents)
        self._restarter = Restarter(source, clock, intents)
        self._listeners = list(listeners)
        self.controls = controls or Controls()
        self.interval_s = interval_s
        self._traced = traced
        self._judge = Judge()
        self._had_lanes = False
        self._verdicts: Mapping[str, Verdict] = MappingProxyType({})
        self._since_s: dict[str, float] = {}
        self.health = LocalHealth()
        self._by_hand: list[Act] = []
        """Sent between ticks because a person asked; the next report tells them with its own decisions."""
        self._minutes = Minutes(shadow, witnesses)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until ``stop`` is set. A late tick is reported as such and never made up for."""
        due_s = self._clock.monotonic_s()
        while not stop.is_set():
            await self.tick(lateness_s=max(0.0, self._clock.monotonic_s() - due_s))
            now_s = self._clock.monotonic_s()
            due_s = max(due_s + self.interval_s, now_s)
            await self._pause(stop, due_s - now_s)

    async def tick(self, *, lateness_s: float = 0.0) -> TickReport:
        """Do one round and return what it says. Never raises for anything the gateway does."""
        started_s = self._clock.monotonic_s()
        try:
            snapshot = await self.source.sample()
        except SourceError as error:
            report = self._blind_round(error, started_s, lateness_s)
        else:
            report = self._round(snapshot, started_s, lateness_s)
        moment = self._minutes.moment(report, self.thresholds, self.policy, self.memory)
        self.report = report = moment.report
        for listener in self._listeners:
            listener.on_tick(report)
        self._minutes.hand_out(moment)
        return report

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """What can be done: what the gateway offers, and a restart where the operator gave a command for it."""
        own = frozenset({ActionKind.RESTART_TARGET}) if self.policy.restart_command else frozenset[ActionKind]()
        return self.source.capabilities | own

    @property
    def automatic(self) -> frozenset[ActionKind]:
        """What can be done and the mode allows: what is done without being asked for."""
        return frozenset(kind for kind in self.capabilities if allows(self.policy.mode, kind))

    def label_age_s(self, session: str) -> float | None:
        """Return for how many seconds a session has had its label, or ``None`` when there is no such session."""
        since_s = self._since_s.get(session)
        return None if since_s is None or self.report is None else round(max(0.0, self.report.now_s - since_s), 3)

    def _doubt_itself(self, lateness_s: float, tick_duration_s: float) -> int:
        """Take note of how well this tick went, and return the penalty for it."""
        self.health = self.health.after(
            lateness_s=lateness_s,
            tick_duration_s=tick_duration_s,
            interval_s=self.interval_s,
            io_trouble=self.controls.io_trouble(),
        )
        return self.health.penalty

    def situation(
        self, snapshot: Snapshot, verdicts: Mapping[str, Verdict], vitals: VitalsVerdict, now_s: float
    ) -> Situation:
        """Return what `decide` looks at besides the memory; `explain` asks with the same."""
        return Situation(
            snapshot=snapshot,
            verdicts=verdicts,
            vitals=vitals,
            capabilities=self.capabilities,
            held=lambda session: self.controls.holds.why(session, now_s),
            penalty=self.health.penalty,
            may_act=self.controls.may_act(),
            actor=self.controls.actor(),
            discards=getattr(self.source, "discards", _NOTHING),  # in every tick: a protocol check takes 50 µs
        )

    def recover(self, session: str, kind: ActionKind | None, who: Person, *, dry_run: bool) -> ByHand:
        """Judge a repair that a person asked for, and send it unless a gate holds it or it is only a question.

        Raises:
            NothingToDo: when the gateway cannot be read now, there is no such session, or no rung fits.
        """
        report = self.report
        if report is None or report.snapshot is None:
            raise NothingToDo(report.problem if report is not None else "no look at the gateway yet")
        now_s = self._clock.monotonic_s()
        situation = self.situation(report.snapshot, report.verdicts, report.vitals, now_s)
        asked = judge_by_hand(situation, self.memory, self.policy, now_s, session=session, kind=kind, who=who)
        if dry_run or asked.held is not None:
            return asked
        act = _with_context(asked.act) if self._traced else asked.act
        self.memory = self.memory.admitted(asked.patient)
        self._send(act, now_s)
        self._by_hand.append(act)
        self._minutes.by_hand(act, asked.patient, now_s)
        return asked

    async def drain(self, who: Person, timeout_s: float) -> Reply:
        """Ask the gateway, for a person, to let nothing new begin and to end within ``timeout_s`` seconds."""
        cause = f"by hand, {who}: drain within {timeout_s:g} s"
        action = Action(ActionKind.DRAIN, GATEWAY, uuid4().hex, cause, Reason.ACTIVE, timeout_s=timeout_s, asked_by=who)
        return await self.source.act(action)

    async def close(self, deadline_s: float = 2.0) -> None:
        """Finish what is being sent, within ``deadline_s`` seconds, and let go of the source. Safe to call twice."""
        self._restarter.close()
        await self._actor.close(deadline_s)
        await self.source.close()

    def _round(self, snapshot: Snapshot, started_s: float, lateness_s: float) -> TickReport:
        sampled_s = self._clock.monotonic_s()
        now_s = snapshot.vitals.now_s
        judged = self.report.vitals if self.report is not None else None
        vitals = classify_vitals(snapshot.vitals, self.thresholds, judged)
        judgement = self._judge.judge(snapshot, self.thresholds)
        lanes = classify_lanes(snapshot, judgement.verdicts, self.thresholds)
        verdicts = judgement.verdicts
        if lanes:
            circles = circular_waits(lanes, snapshot, verdicts, self.thresholds)
            verdicts = MappingProxyType({**verdicts, **circles})
        census = None if lanes else judgement.census
        restarted = self.memory.restarted(snapshot)
        completed = self._settle(snapshot, verdicts, now_s, restarted=restarted)
        completed += self._settle_restart(snapshot, vitals, now_s)
        taken_up = self.controls.take_up(self.memory, snapshot, self._clock.wall_s())
        self.memory = self._minutes.taken_up(self.memory, taken_up)
        self.memory = self.memory.observed(snapshot, verdicts, vitals, self.policy, now_s, census=census)
        decisions = self._decide(snapshot, verdicts, vitals, now_s)
        before, self.hold_clock = self.hold_clock, self._hold_clock_after(decisions, now_s)
        overdue, overdue_before = self.hold_clock.overdue, before.overdue
        transitions = self._transitions(verdicts, now_s, None if lanes or self._had_lanes else judgement)
        self._had_lanes = bool(lanes)
        took_s = self._clock.monotonic_s() - started_s
        return TickReport(
            target=self.source.name,
            now_s=now_s,
            wall_s=self._clock.wall_s(),
            snapshot=snapshot,
            problem="",
            vitals=vitals,
            vitals_before=self._vitals_before(),
            automatic=self.automatic,
            verdicts=verdicts,
            thresholds=self.thresholds,
            lanes=lanes,
            transitions=transitions,
            decisions=tuple(decisions),
            completed=tuple(completed),
            overdue=tuple(overdue.values()),
            overdue_holds=tuple(hold for key, hold in overdue.items() if key not in overdue_before),
            overdue_ended=tuple(hold for key, hold in overdue_before.items() if key not in overdue),
            restarted=restarted,
            budget_remaining=self.memory.budget_remaining(self.policy),
            longest_backoff_s=self.memory.longest_backoff_s(now_s),
            may_act=self.controls.may_act(),
            sample_duration_s=sampled_s - started_s,
            tick_duration_s=took_s,
            lateness_s=lateness_s,
            health_penalty=self._doubt_itself(lateness_s, took_s),
            source_kind=getattr(self.source, "loop_source", "in_process"),
        )

    def _blind_round(self, error: SourceError, started_s: float, lateness_s: float) -> TickReport:
        lost = error.gone or self.memory.identity is None
        vitals = VitalsVerdict(VitalsState.GONE if lost else VitalsState.UNRESPONSIVE)
        self.memory = self.memory.unseen(vitals, started_s, gone=error.gone)
        completed = self._noted(self._actor.forget(started_s, restarted=False), started_s) if error.gone else []
        completed += self._settle_restart(None, vitals, started_s)
        nothing = Snapshot(Vitals(started_s), MappingProxyType({}), identity=self.memory.identity)
        situation = self.situation(nothing, {}, vitals, started_s)
        decisions = self._decide_restart(situation, started_s)
        holds = self.controls.holds.current(started_s)
        self._minutes.decided(situation, self.source.capabilities, holds, decisions, gone=error.gone)
        took_s = self._clock.monotonic_s() - started_s
        return TickReport(
            target=self.source.name,
            now_s=started_s,
            wall_s=self._clock.wall_s(),
            snapshot=None,
            problem=str(error),
            vitals=vitals,
            vitals_before=self._vitals_before(),
            automatic=self.automatic,
            decisions=tuple(decisions),
            completed=tuple(completed),
            overdue=tuple(self.hold_clock.overdue.values()),
            budget_remaining=self.memory.budget_remaining(self.policy),
            may_act=self.controls.may_act(),
            sample_duration_s=took_s,
            tick_duration_s=took_s,
            lateness_s=lateness_s,
            health_penalty=self._doubt_itself(lateness_s, took_s),
            source_kind=getattr(self.source, "loop_source", "in_process"),
        )

    def _settle(
        self, snapshot: Snapshot, verdicts: Mapping[str, Verdict], now_s: float, *, restarted: bool
    ) -> list[Completed]:
        forgotten = self._actor.forget(now_s, restarted=True) if restarted else []
        return self._noted(forgotten or self._actor.observe(snapshot, verdicts, self.policy), now_s)

    def _noted(self, completed: list[Completed], now_s: float) -> list[Completed]:
        for done in completed:
            self.memory = self.memory.completed(done, self.policy, now_s)
        return completed

    def _decide(
        self, snapshot: Snapshot, verdicts: Mapping[str, Verdict], vitals: VitalsVerdict, now_s: float
    ) -> list[Decision]:
        situation = self.situation(snapshot, verdicts, vitals, now_s)
        decisions = decide(situation, self.memory, self.policy, now_s)
        if self._traced:
            decisions = [_with_context(d) if isinstance(d, Act) else d for d in decisions]
        for decision in decisions:
            if isinstance(decision, Act):
                self._send(decision, now_s)
        asked, self._by_hand = self._by_hand, []
        decisions += self._decide_restart(situation, now_s)
        self._minutes.decided(situation, self.source.capabilities, self.controls.holds.current(now_s), decisions)
        return [*asked, *decisions]

    def _hold_clock_after(self, decisions: list[Decision], now_s: float) -> HoldClock:
        pending = frozenset(action.session for action in self.memory.pending())
        return self.hold_clock.observed(decisions, self.policy, now_s, pending=pending)

    def _decide_restart(self, situation: Situation, now_s: float) -> list[Decision]:
        decision = decide_restart(situation, self.memory, self.policy, now_s)
        if isinstance(decision, Act):
            self._send(decision, now_s)
        return [] if decision is None else [decision]

    def _send(self, act: Act, now_s: float) -> None:
        self.memory = self.memory.sent(act.action, now_s)
        if act.action.kind is ActionKind.RESTART_TARGET and self.policy.restart_command:
            self._restarter.begin(act, self.policy, self.memory.identity, now_s)
        else:
            self._actor.send(act, now_s)

    def _settle_restart(self, snapshot: Snapshot | None, vitals: VitalsVerdict, now_s: float) -> list[Completed]:
        done = self._restarter.observe(snapshot, vitals, self.policy, now_s)
        return [] if done is None else self._noted([done], now_s)

    def _transitions(
        self, verdicts: Mapping[str, Verdict], now_s: float, judgement: Judgement | None
    ) -> tuple[Transition, ...]:
        """Return the changes of label; ``judgement`` says where to look for them, without it everywhere."""
        changes: list[Transition] = []
        for key in verdicts if judgement is None else judgement.touched:
            before, after = self._verdicts.get(key), verdicts[key]
            if before is None or before.label != after.label:
                changes.append(Transition(key, before, after, now_s - self._since_s.get(key, now_s)))
                self._since_s[key] = now_s
        changes.extend(
            Transition(key, self._verdicts[key], None, now_s - self._since_s.pop(key, now_s))
            for key in sorted(self._verdicts.keys() - verdicts.keys() if judgement is None else judgement.gone)
        )
        self._verdicts = verdicts
        return tuple(changes)

    def _vitals_before(self) -> VitalsState | None:
        return self.report.vitals.state if self.report is not None else None

    async def _pause(self, stop: asyncio.Event, seconds: float) -> None:
        """Sleep until the next tick is due, or until ``stop`` is set."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()


def _with_context(act: Act) -> Act:
    """Return an action with the trace context that the gateway may continue."""
    return replace(act, action=replace(act.action, traceparent=traceparent_of(act.action.idempotency_key)))
