"""The rehearsal decides as the agent did, whatever happened to agent, gateway, levers and people in between."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from livewatch.agent import Agent, Controls
from livewatch.recovery.holds import OperatorHold
from livewatch.recovery.memory import Memory
from livewatch.recovery.rehearsal import Rehearsal
from livewatch.recovery.rounds import Moment
from livewatch.recovery.settings import Policy
from livewatch.sources.base import SourceError
from livewatch_classifiers import GatewayIdentity, Run, Session, Snapshot, Thresholds
from livewatch_classifiers.decision import Act, Hold, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import Gate, Mode
from tests.recovery.fake_gateway import NOW_S, FakeClock, FakeIntents, FakeSource, session

THRESHOLDS = Thresholds(warn_after_s=5.0, abort_after_s=15.0, tool_abort_after_s=15.0, zombie_grace_s=3.0)
POLICY = Policy(
    mode=Mode.RESTART, startup_grace_s=3.0, healthy_for_s=2.0, resume_grace_s=2.0, backoff_initial_s=7.0, verify_s=4.0,
    budget_window_s=60.0, budget_actions=6, blast_sessions_min=3, restart_command=("false",), restart_after_s=8.0,
    restart_cooldown_s=5.0,
)  # fmt: skip


class Kept:
    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_moment(self, moment: Moment) -> None:
        self.moments.append(moment)


class Story:
    """A gateway, its people and its agent, to whom random things happen."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = FakeClock()
        self.source = FakeSource(self.clock)
        self.source.sessions = {key: self.fresh(key) for key in "abcdef"}
        self.kept = Kept()
        self.may_act = True
        self.past: Memory | None = None
        self.agent = Agent(
            self.source,
            clock=self.clock,
            intents=FakeIntents(self.source.log),
            thresholds=THRESHOLDS,
            policy=POLICY,
            controls=Controls(may_act=lambda: self.may_act, take_up=self.take_up),
            witnesses=[self.kept],
        )

    def take_up(self, memory: Memory, _snapshot: Snapshot, _wall_s: float) -> Memory:
        past, self.past = self.past, None
        return memory if past is None else memory.with_past(past)

    def fresh(self, key: str) -> Session:
        run_id, now_s = f"r{self.random.random()}", self.clock.now_s
        run = Run(run_id, now_s, handle=f"h{run_id}")
        generation = self.random.randrange(10**6)
        return session(key, run=run, state_since_s=now_s, progress_s=now_s, generation=generation)

    def happen(self) -> None:  # noqa: C901 -- a flat list of cases
        key = self.random.choice(sorted(self.source.sessions) or ["a"])
        known = self.source.sessions.get(key)
        match self.random.randrange(16):
            case 0 | 1 | 2 | 3:
                self.source.sessions[key] = self.fresh(key)
            case 4 if known is not None and known.run is not None:
                self.source.sessions[key] = replace(known, run=replace(known.run, abort_requested_s=self.clock.now_s))
            case 5:
                self.source.sessions.pop(key, None)
            case 6:
                self.source.sessions[self.random.choice("abcdef")] = self.fresh(key)
            case 7:
                gone = self.random.random() < 0.5
                self.source.problem = SourceError("away", "wait", gone=gone)
            case 8 | 9:
                self.source.problem = None
            case 10:
                self.source.identity = GatewayIdentity(self.random.randrange(1, 9), "b:1")
            case 11:
                until_s = self.clock.now_s + self.random.uniform(1, 20)
                self.agent.controls.holds.hold(OperatorHold(self.random.choice(["a", "*"]), until_s))
            case 12:
                self.source.reply = Reply(self.random.choice(list(ReplyStatus)), "so it went")
                self.source.obeys = self.random.random() < 0.3
            case 13 if self.source.problem is None:
                self.by_hand(key)
            case 14:
                self.may_act = not self.may_act
                self.past = Memory(sent_s=(self.clock.now_s - 5.0,)) if self.may_act else None
            case _:
                self.agent.thresholds = replace(THRESHOLDS, abort_after_s=self.random.choice([10.0, 15.0, 30.0]))
                self.agent.policy = replace(POLICY, confirm_silence=self.random.choice([1, 3]))

    def by_hand(self, key: str) -> None:
        report = self.agent.report
        if report is not None and report.snapshot is not None and key in report.verdicts:
            kind = self.random.choice(sorted(self.source.capabilities))
            self.agent.recover(key, kind, "ann", dry_run=False)

    async def run(self, rounds: int) -> list[Moment]:
        for _ in range(rounds):
            self.clock.now_s += self.random.choice([0.5, 1.0, 1.0, 2.0, 20.0])
            if self.random.random() < 0.4:
                self.happen()
            await self.agent.tick(lateness_s=self.random.choice([0.0, 0.0, 0.0, 9.0]))
            for _ in range(5):
                await asyncio.sleep(0)
        await self.agent.close(0.0)
        return self.kept.moments


@pytest.mark.parametrize("seed", range(20))
async def test_a_rehearsal_of_what_happened_comes_to_the_same_decisions_and_memory(seed: int) -> None:
    moments = await Story(seed).run(300)
    rehearsal = Rehearsal(THRESHOLDS, POLICY)
    acts, gates = 0, set[Gate]()
    for moment in moments:
        rehearsal.thresholds, rehearsal.policy = moment.thresholds, moment.policy
        rehearsed = rehearsal.step(moment.round)
        assert rehearsed.decisions == moment.decisions
        assert rehearsed.vitals == moment.report.vitals
        assert rehearsed.verdicts == moment.report.verdicts
        assert rehearsal.memory == moment.memory
        acts += sum(isinstance(decision, Act) for decision in moment.decisions)
        gates |= {decision.gate for decision in moment.decisions if isinstance(decision, Hold)}
    assert acts > 0
    assert len(gates) > 3


async def test_what_only_the_rehearsal_did_is_never_climbed_on_a_guess() -> None:
    clock = FakeClock()
    source, kept = FakeSource(clock), Kept()
    source.sessions = {"s": session(run=Run("r1", NOW_S, handle="h"), progress_s=NOW_S, state_since_s=NOW_S)}
    agent = Agent(source, clock=clock, intents=FakeIntents(source.log), witnesses=[kept], policy=Policy())
    for _ in range(900):
        clock.now_s += 1.0
        await agent.tick()
    rehearsal = Rehearsal(THRESHOLDS, replace(POLICY, mode=Mode.ABORT))
    acts = [act for moment in kept.moments for act in rehearsal.step(moment.round).acts]
    assert [act.action.kind.value for act in acts] == ["abort_run"]
