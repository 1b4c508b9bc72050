"""The rounds of the agent, on a source and a clock that the test owns."""

import asyncio

import pytest

from livewatch.agent import Agent
from livewatch.sources.base import SourceError
from livewatch_classifiers import GatewayIdentity, Session, Snapshot, Vitals
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Attention, Gate, Outcome, Presence, SessionState, VitalsState
from tests.recovery.clinic import EVERYTHING, POLICY, START_S, THRESHOLDS, hung, well


class OwnClock:
    """Time that moves only when the test says so."""

    def __init__(self) -> None:
        self.now_s = START_S

    def monotonic_s(self) -> float:
        return self.now_s

    def boottime_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s + 1.7e9

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class OwnSource:
    """A gateway that is what the test says."""

    name = "gw"
    capabilities = EVERYTHING

    def __init__(self, clock: OwnClock, *sessions: Session) -> None:
        self.clock = clock
        self.sessions = {session.key: session for session in sessions}
        self.error: SourceError | None = None
        self.pid = 1
        self.asked: list[Action] = []
        self.reply: Reply | Exception = Reply(ReplyStatus.DONE)
        self.closed = 0

    async def sample(self) -> Snapshot:
        if self.error is not None:
            raise self.error
        vitals = Vitals(self.clock.now_s, ready_s=START_S - 1e6)
        return Snapshot(vitals, dict(self.sessions), identity=GatewayIdentity(self.pid, "s"))

    async def act(self, action: Action) -> Reply:
        self.asked.append(action)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def close(self) -> None:
        self.closed += 1


class OwnIntents:
    """Remembers what was intended, and what had been asked by then."""

    def __init__(self, source: OwnSource) -> None:
        self.source = source
        self.asked_before: list[int] = []
        self.done: list[Completed] = []

    async def intent(self, act: Act) -> None:
        assert act.action.cause
        self.asked_before.append(len(self.source.asked))

    def completed(self, done: Completed) -> None:
        self.done.append(done)


class Bench:
    """One agent with everything the test owns."""

    def __init__(self, *sessions: Session) -> None:
        self.clock = OwnClock()
        self.source = OwnSource(self.clock, *sessions)
        self.intents = OwnIntents(self.source)
        self.heard: list[TickReport] = []
        self.agent = Agent(
            self.source,
            clock=self.clock,
            intents=self.intents,
            thresholds=THRESHOLDS,
            policy=POLICY,
            listeners=[self],
        )

    def on_tick(self, report: TickReport) -> None:
        self.heard.append(report)

    async def ticks(self, count: int, every_s: float = 1.0) -> TickReport:
        """Let the agent do rounds; what it sends is answered between two of them."""
        for _ in range(count):
            self.clock.now_s += every_s
            await self.agent.tick()
            for _ in range(5):
                await asyncio.sleep(0)
        return self.heard[-1]


@pytest.fixture(name="bench")
def _bench() -> Bench:
    return Bench(hung(), well())


async def test_an_intent_is_written_before_anything_is_asked(bench: Bench) -> None:
    await bench.ticks(5)

    assert [action.kind for action in bench.source.asked] == [ActionKind.ABORT_RUN]
    assert bench.intents.asked_before == [0]


async def test_the_outcome_is_reported_once_when_it_was_seen(bench: Bench) -> None:
    await bench.ticks(5)
    bench.source.sessions["hung"] = hung(
        state=SessionState.IDLE, generation=9, run=None, owner=Presence.ABSENT, activity=None, queued=0
    )
    await bench.ticks(3)

    outcomes = [done.outcome for report in bench.heard for done in report.completed]
    assert outcomes == [Outcome.RECOVERED]
    assert [done.outcome for done in bench.intents.done] == [Outcome.RECOVERED]


async def test_a_label_is_told_when_it_changes_and_not_again(bench: Bench) -> None:
    await bench.ticks(4)
    del bench.source.sessions["hung"]
    await bench.ticks(2)

    told = [(t.key, t.after and t.after.attention) for report in bench.heard for t in report.transitions]
    assert told == [("hung", Attention.STALLED), ("well", Attention.NONE), ("hung", None)]


async def test_a_source_that_fails_leaves_no_intent_pending_for_ever(bench: Bench) -> None:
    bench.source.reply = RuntimeError("broken")
    await bench.ticks(30)

    assert bench.intents.done[0].outcome is Outcome.FAILED
    assert "broken" in bench.intents.done[0].reply.detail


async def test_a_restart_settles_what_was_sent_and_forgets_the_patients(bench: Bench) -> None:
    await bench.ticks(4)
    bench.source.pid = 2
    report = await bench.ticks(1)

    assert report.restarted
    assert [done.outcome for done in report.completed] == [Outcome.SUPERSEDED]
    assert len(bench.source.asked) == 1


@pytest.mark.parametrize(("gone", "state"), [(True, VitalsState.GONE), (False, VitalsState.UNRESPONSIVE)])
async def test_a_gateway_that_cannot_be_read_is_named_and_nobody_is_judged(
    bench: Bench, *, gone: bool, state: VitalsState
) -> None:
    await bench.ticks(2)
    bench.source.error = SourceError("the board is gone", "start the gateway", gone=gone)
    report = await bench.ticks(10)

    assert (report.vitals.state, report.snapshot, report.transitions) == (state, None, ())
    assert report.problem == "the board is gone: start the gateway"
    assert not bench.source.asked


async def test_what_was_confirmed_before_an_outage_is_confirmed_anew_after_it(bench: Bench) -> None:
    await bench.ticks(2)
    bench.source.error = SourceError("the board is being written", "it is read again")
    await bench.ticks(1)
    bench.source.error = None
    report = await bench.ticks(1)

    assert [getattr(d, "gate", None) for d in report.decisions] == [Gate.CONFIRMED]


async def test_a_hold_of_an_operator_is_kept_until_it_ends(bench: Bench) -> None:
    bench.agent.controls.holds.hold("hu*", START_S + 20)
    held = await bench.ticks(10)
    await bench.ticks(1, every_s=15)

    assert [getattr(d, "gate", None) for d in held.decisions] == [Gate.OPERATOR_HOLD]
    assert len(bench.source.asked) == 1


async def test_run_ticks_until_it_is_stopped_and_reports_its_own_lateness() -> None:
    bench = Bench(well())
    stop = asyncio.Event()
    original = bench.on_tick

    def on_tick(report: TickReport) -> None:
        original(report)
        bench.clock.now_s += 0.3 if len(bench.heard) == 2 else 0.0
        if len(bench.heard) == 5:
            stop.set()

    bench.agent._listeners = [type("Listener", (), {"on_tick": staticmethod(on_tick)})()]
    await bench.agent.run(stop)
    await bench.agent.close()

    assert len(bench.heard) == 5
    assert bench.source.closed == 1
    assert all(report.now_s >= START_S for report in bench.heard)
