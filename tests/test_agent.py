"""Rounds of the agent, and of its actor, against a gateway of facts."""

import asyncio
from dataclasses import replace

import pytest

from livewatch.agent import Agent
from livewatch.recovery.holds import OperatorHold
from livewatch.sources.base import SourceError
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers import GatewayIdentity, Run
from livewatch_classifiers.decision import Act, Hold, ReplyStatus
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import Gate, Outcome, Presence, VitalsState
from livewatch_exporters.trace_context import parse_traceparent
from tests.recovery.fake_gateway import NOW_S, POLICY, FakeIntents, session

ZOMBIE = session(run=Run("r1", NOW_S - 900, handle="h1", abort_requested_s=NOW_S - 600))


class Listener:
    def __init__(self) -> None:
        self.reports: list[TickReport] = []

    def on_tick(self, report: TickReport) -> None:
        self.reports.append(report)


class Stage:
    def __init__(self, *, traced: bool = False) -> None:
        self.clock = FakeClock()
        self.source = FakeGateway(self.clock)
        self.source.sessions = {"s": ZOMBIE}
        self.intents = FakeIntents(self.source.log)
        self.listener = Listener()
        self.agent = Agent(
            self.source,
            clock=self.clock,
            intents=self.intents,
            policy=POLICY,
            listeners=[self.listener],
            traced=traced,
        )

    async def tick(self, after_s: float = 1.0) -> TickReport:
        self.clock.now_s += after_s
        report = await self.agent.tick()
        for _ in range(5):
            await asyncio.sleep(0)  # lets what was started run; no time passes
        return report


@pytest.fixture
async def stage() -> Stage:
    return Stage()


async def test_the_intent_is_written_before_the_act_and_the_outcome_is_seen(stage: Stage) -> None:
    first = await stage.tick()
    assert isinstance(first.decisions[0], Act)
    assert stage.source.log == ["intent", "act"]
    stage.source.sessions = {
        key: replace(one, run=None, owner=Presence.ABSENT, queued=0) for key, one in stage.source.sessions.items()
    }
    assert [done.outcome for done in (await stage.tick()).completed] == [Outcome.RECOVERED]


@pytest.mark.parametrize("traced", [False, True])
async def test_an_action_carries_a_trace_context_only_when_traces_are_exported(*, traced: bool) -> None:
    stage = Stage(traced=traced)
    report = await stage.tick()
    told = [action.traceparent for action in stage.source.acted]
    decided = [decision.action.traceparent for decision in report.decisions if isinstance(decision, Act)]
    assert told == decided
    assert (parse_traceparent(told[0]) is not None) is traced


async def test_what_could_not_be_written_down_is_not_sent(stage: Stage) -> None:
    stage.intents.fault = OSError("disk full")
    await stage.tick()
    report = await stage.tick(20)
    assert stage.source.acted == []
    assert [done.outcome for done in report.completed] == [Outcome.FAILED]


@pytest.mark.invariant(14)
async def test_a_source_that_raises_ends_as_failed_and_not_as_pending_for_ever(stage: Stage) -> None:
    stage.source.reply = RuntimeError("bug")
    await stage.tick()
    report = await stage.tick(20)
    assert [done.outcome for done in report.completed] == [Outcome.FAILED]


async def test_a_restart_settles_what_is_sent_and_what_is_still_being_sent(stage: Stage) -> None:
    stage.source.answering.clear()
    await stage.tick()
    stage.source.identity = GatewayIdentity(2, "b:2")
    report = await stage.tick()
    assert report.restarted
    assert [(d.outcome, d.reply.status) for d in report.completed] == [(Outcome.SUPERSEDED, ReplyStatus.TIMED_OUT)]
    stage.source.answering.set()
    assert (await stage.tick()).completed == ()


async def test_the_end_of_the_gateway_settles_what_was_sent_to_it(stage: Stage) -> None:
    await stage.tick()
    stage.source.problem = SourceError("no answer", "wait")
    assert (await stage.tick()).completed == ()
    stage.source.problem = SourceError("ended", "start it", gone=True)
    (done,) = (await stage.tick()).completed
    assert (done.outcome, done.detail) == (Outcome.SUPERSEDED, "the gateway ended")
    assert stage.intents.done == [done]
    assert (await stage.tick()).completed == ()


async def test_closing_is_bounded_although_the_gateway_never_answers(stage: Stage) -> None:
    stage.source.answering.clear()
    await stage.tick()
    async with asyncio.timeout(5):
        await stage.agent.close(0.0)
        await stage.agent.close(0.0)
    assert stage.source.log[-1] == "close"


async def test_transitions_are_told_once_and_again_when_the_session_goes(stage: Stage) -> None:
    counts = [len((await stage.tick()).transitions) for _ in range(3)]
    stage.source.sessions = {}
    (gone,) = (await stage.tick()).transitions
    assert counts == [1, 0, 0]
    assert (gone.after, gone.held_s) == (None, 3.0)


async def test_a_gateway_that_cannot_be_read_is_reported_and_every_tick_is_heard(stage: Stage) -> None:
    await stage.tick()
    stage.source.problem = SourceError("no board", "start it")
    assert (await stage.tick()).vitals.state is VitalsState.UNRESPONSIVE
    stage.source.problem = SourceError("ended", "start it", gone=True)
    report = await stage.tick()
    assert (report.vitals.state, report.snapshot, report.problem) == (VitalsState.GONE, None, "ended: start it")
    assert len(stage.listener.reports) == 3


async def test_a_held_session_is_left_alone_until_it_is_resumed(stage: Stage) -> None:
    stage.agent.controls.holds.hold(OperatorHold("s*"))
    (held,) = (await stage.tick()).decisions
    assert isinstance(held, Hold)
    assert held.gate is Gate.OPERATOR_HOLD
    assert [hold.glob for hold in stage.agent.controls.holds.current(NOW_S)] == ["s*"]
    assert stage.agent.controls.holds.resume("s*") == 1
    assert isinstance((await stage.tick()).decisions[0], Act)
