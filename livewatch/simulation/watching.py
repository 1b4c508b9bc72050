"""The production agent in the simulated world: it ticks on virtual time, may be late, paused or started again."""

import asyncio

from livewatch.agent import Agent
from livewatch.recovery.rounds import SecondOpinion, Witness
from livewatch.recovery.settings import Policy
from livewatch.simulation.crew import Crew, Seat
from livewatch.simulation.record import Mark, Record
from livewatch.simulation.tools import pick
from livewatch.simulation.world import World
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.lock import classify_lock
from livewatch_classifiers.report import TickListener, TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import SICK, Gate, Reason, Remedy, VitalsState

_TOLD_BY_GATE = frozenset({Gate.QUARANTINE, Gate.CAPABILITY})
_LONGEST_IDLE_S = 3600.0
_LONG_SICK_S = 1200.0
_LATE_S = 5.0
_LOOP_TURNS = 4
"""How often the asyncio loop runs so that a sent action reaches the source: intent, act, reply."""


class AgentWatch:
    """Drives the agents through one world; what the acting one sees is what is recorded."""

    def __init__(
        self,
        world: World,
        record: Record,
        *,
        thresholds: Thresholds,
        policy: Policy,
        every_s: float = 1.0,
        coarse_s: float = 0.0,
        listeners: tuple[TickListener, ...] = (),
        witnesses: tuple[Witness, ...] = (),
        shadow: SecondOpinion | None = None,
        agent_type: type[Agent] = Agent,
        agents: int = 1,
        remembers: bool = False,
    ) -> None:
        self.world = world
        self.record = record
        self.every_s = every_s
        self.coarse_s = coarse_s
        """Interval while everybody is well; 0 ticks at every interval unless all sessions are idle."""
        self._thresholds = thresholds
        self._policy = policy
        self._listeners = listeners
        self._witnesses = witnesses
        self._shadow = shadow
        self._agent_type = agent_type
        self._down_s = 0.0
        self.crew = Crew(world, agents, self._new_agent, remembers=remembers)

    @property
    def agent(self) -> Agent:
        """The agent that acts."""
        return self.crew.acting.agent

    async def run(self, until_s: float) -> None:
        """Tick until ``until_s`` of the scenario."""
        due_s = 0.0
        while due_s <= until_s:
            await self._walk_to(due_s)
            await self._thaw()
            if self.world.now_s > until_s:
                break
            await self._befall()
            fate = self.world.agent
            if fate.lateness is not None:
                await self._walk_to(self.world.now_s + pick(self.world.random, fate.lateness))
            report = await self._tick_all(max(0.0, self.world.now_s - due_s))
            if report is None:
                due_s = self.world.now_s + self.every_s
                continue
            self._note(report)
            if self.world.now_s - due_s > _LATE_S:
                fate.pauses.append((due_s, self.world.now_s))
            due_s = self._next(report)
        await self._walk_to(until_s)
        await self.crew.close()

    async def _befall(self) -> None:
        """Let happen what befalls the acting agent itself."""
        fate, seat = self.world.agent, self.crew.acting
        if fate.restart:
            fate.restart = False
            await self.crew.restart(seat)
        if fate.dies is not None and seat in self.crew.awake:
            death, fate.dies = fate.dies, None
            if death.where is None:
                await self.crew.kill(seat, death.down_s)
            else:
                seat.source.dying, self._down_s = death.where, death.down_s

    def _new_agent(self, crew: Crew, seat: Seat) -> Agent:
        return self._agent_type(
            seat.source,
            clock=self.world.clock,
            intents=crew.journal,
            thresholds=self._thresholds,
            policy=self._policy,
            listeners=self._listeners,
            witnesses=self._witnesses,
            shadow=self._shadow,
            controls=crew.controls(seat, self._policy),
            interval_s=self.every_s,
        )

    async def _tick_all(self, lateness_s: float) -> TickReport | None:
        """Let every living agent tick; return the report of the one that acts, or ``None`` when nobody lives."""
        report: TickReport | None = None
        for seat in self.crew.awake:
            self.crew.lease.look(seat.number)
            own = await self._tick(seat, lateness_s)
            if seat is self.crew.acting:
                report = own
            if seat.source.died:
                seat.source.died = False
                await self.crew.kill(seat, self._down_s)
                await self._let_loop_run()
        return report

    async def _tick(self, seat: Seat, lateness_s: float) -> TickReport:
        source = seat.source
        if not source.pause_after_sample_s:
            report = await seat.agent.tick(lateness_s=lateness_s)
        else:
            report = await self._tick_that_takes_time(seat, lateness_s)
        taking_up = seat is self.crew.acting and seat.taking_up
        if source.inflight or taking_up or any(isinstance(decision, Act) for decision in report.decisions):
            await self._let_loop_run()
        return report

    async def _tick_that_takes_time(self, seat: Seat, lateness_s: float) -> TickReport:
        task = asyncio.ensure_future(seat.agent.tick(lateness_s=lateness_s))
        await self._let_loop_run()
        while not task.done() and self.world.timeline.step():
            await self._let_loop_run()
        return await task

    async def _walk_to(self, moment_s: float) -> None:
        timeline = self.world.timeline
        while self.crew.inflight:
            following_s = timeline.next_s()
            if following_s is None or following_s > moment_s:
                break
            timeline.step()
            await self._let_loop_run()
        timeline.run_until(moment_s)

    async def _thaw(self) -> None:
        """Wait until the agent itself may run again."""
        world = self.world
        while world.host.agent_frozen:
            if not world.timeline.step():
                raise AssertionError("the agent is frozen and nothing will ever thaw it")
            await self._let_loop_run()
        if world.agent.paused_until_s > world.now_s:
            await self._walk_to(world.agent.paused_until_s)
            await self._thaw()

    async def _let_loop_run(self) -> None:
        for _ in range(_LOOP_TURNS):
            await asyncio.sleep(0)

    def _next(self, report: TickReport) -> float:
        now_s = self.world.now_s
        grid_s = now_s + self.every_s
        if self.coarse_s and report.vitals.state is VitalsState.FROZEN and not self.crew.inflight:
            return max(grid_s, min(now_s + self.coarse_s, self.world.timeline.next_s() or grid_s))
        busy = self.crew.inflight or self.crew.acting.taking_up or report.snapshot is None or report.completed
        if busy or not report.vitals.healthy or self.world.locks or self._interesting(report):
            return grid_s
        if not self.coarse_s and (report.vitals.over or not self.world.host.running):
            return grid_s  # nobody is busy, and yet something of the gateway is to be seen
        idle = all(verdict.reason is Reason.IDLE for verdict in report.verdicts.values())
        if not idle and not self.coarse_s:
            return grid_s
        if not idle:
            return now_s + self.coarse_s
        following_s = self.world.timeline.next_s()
        furthest_s = now_s + _LONGEST_IDLE_S
        return max(grid_s, min(furthest_s, furthest_s if following_s is None else following_s))

    def _interesting(self, report: TickReport) -> bool:
        """Return whether something may happen to a patient before the next coarse look."""
        for patient in self.agent.memory.patients.values():
            if patient.pending is not None or (patient.sick and not self.coarse_s):
                return True
            verdict = report.verdicts.get(patient.key)
            if verdict is None or not patient.sick:
                continue
            long_sick = report.now_s - patient.sick_since_s > _LONG_SICK_S  # a person's turn; look now and then
            due = verdict.due_in_s is not None and verdict.due_in_s < self.coarse_s
            if (verdict.eligible and not long_sick) or (due and not verdict.eligible):
                return True
        return False

    def _note(self, report: TickReport) -> None:  # noqa: C901 -- a flat list of cases
        record, now_s = self.record, self.world.now_s
        record.ticks += 1
        record.mark(record.gateway, Mark(now_s, report.vitals.state.value, report.vitals.cause.value))
        self._note_labels(report)
        for done in report.completed:
            record.completed.append((now_s, done))
        for key in self.agent.memory.patients:
            verdict = report.verdicts.get(key)
            if verdict is not None and verdict.attention in SICK and verdict.remedy is Remedy.TELL_PERSON:
                record.tell(key, now_s)
        for overdue in report.overdue:
            record.tell(overdue.session, now_s)
        for decision in report.decisions:
            if isinstance(decision, Hold):
                self._note_hold(decision, now_s)
        for key, affliction in self.world.gateway.truth.current.items():
            verdict = report.verdicts.get(key)
            if affliction.detected_s is None and verdict is not None and verdict.attention in SICK:
                affliction.detected_s = now_s
            told = record.told.get(key)
            if affliction.told_s is None and told and told[-1] >= affliction.since_s:
                affliction.told_s = told[-1]
        if report.snapshot is not None and not self.coarse_s:
            self._note_lanes(report)
        self._note_locks()

    def _note_labels(self, report: TickReport) -> None:
        for change in report.transitions:
            after = change.after
            if after is None:
                continue
            self.record.label(change.key, self.world.now_s, after.attention, after.reason, after.rule)
            if after.attention not in SICK:
                self.crew.journal.well(change.key)

    def _note_hold(self, hold: Hold, now_s: float) -> None:
        self.record.hold(hold.session, hold.gate, hold.kind, hold.detail, at_s=now_s, every_s=self.every_s)
        if hold.gate is Gate.QUARANTINE:
            self.record.quarantined.setdefault(hold.session, now_s)
        if hold.gate in _TOLD_BY_GATE:
            self.record.tell(hold.session, now_s)

    def _note_lanes(self, report: TickReport) -> None:
        for name, verdict in report.lanes.items():
            marks = self.record.lanes.setdefault(name, [])
            self.record.mark(marks, Mark(self.world.now_s, verdict.condition.value))

    def _note_locks(self) -> None:
        for path in self.world.locks:
            seen = self.world.lock(path)
            if seen is None:
                continue
            verdict = classify_lock(*seen)
            self.record.mark(self.record.locks.setdefault(path, []), Mark(self.world.now_s, verdict.condition.value))
            if verdict.reclaimable:
                self.record.reclaimable.setdefault(path, self.world.now_s)
