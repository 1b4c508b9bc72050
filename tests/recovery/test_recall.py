"""Poison, flapping, backoff and budget outlive the agent: what one agent did, the next one knows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from livewatch.agent import Agent, Controls
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.reader import read_journal
from livewatch.recovery.journal.records import Past, Settlement, StoredIntent
from livewatch.recovery.memory import Memory
from livewatch.recovery.recall import recall
from livewatch.recovery.settings import Policy
from livewatch.recovery.tenure import Tenure
from livewatch.testing import FakeClock
from livewatch_classifiers import GatewayIdentity, Run, Session, Snapshot, Vitals
from livewatch_classifiers.decision import Act, Action, Hold, Reply, ReplyStatus
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Outcome, Presence, SessionState
from tests.recovery.journal.facts import an_act
from tests.waiting import until

WALL_S = 1_800_000_000.0
POLICY = Policy(
    mode=Mode.ABORT, healthy_for_s=0.0, startup_grace_s=0.0, resume_grace_s=0.0, verify_s=2.0, backoff_jitter=0.0
)
FIRST, SECOND = GatewayIdentity(1, "b:1"), GatewayIdentity(2, "b:2")


class Gateway:
    """A zombie that no lever moves, or that comes back after each repair, as the test wishes."""

    name = "gw"
    capabilities = frozenset({ActionKind.FORCE_CLEAR})

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.identity = FIRST
        self.helps = False
        self.generation = 7
        self.cleared = False
        self.acted: list[Action] = []

    async def sample(self) -> Snapshot:
        self.clock.now_s += 1.0
        now_s = self.clock.now_s
        run = Run(f"r{self.generation}", 100.0, handle=f"h{self.generation}", abort_requested_s=200.0)
        session = Session(
            "s", "i", self.generation, SessionState.PROCESSING, 100.0,
            owner=Presence.PRESENT, run=run, queued=1, progress_s=50.0 + self.generation,
        )  # fmt: skip
        if self.cleared:
            session = Session("s", "i", self.generation, SessionState.IDLE, now_s, owner=Presence.ABSENT, queued=0)
        vitals = Vitals(now_s, loop_heartbeat_s=now_s, ready_s=1.0)
        return Snapshot(vitals, MappingProxyType({"s": session}), identity=self.identity)

    async def act(self, action: Action) -> Reply:
        self.acted.append(action)
        self.cleared = self.helps
        return Reply(ReplyStatus.DONE)

    async def close(self) -> None:
        """Nothing is held."""

    def hangs_again(self) -> None:
        self.cleared = False
        self.generation += 1


class WallClock(FakeClock):
    def wall_s(self) -> float:
        return WALL_S + self.now_s


class Always:
    held = True
    other = ""


class Shift:
    """One life of the agent, on the journal that all lives share."""

    def __init__(self, path: Path, gateway: Gateway, policy: Policy = POLICY) -> None:
        self.path = path
        self.gateway = gateway
        self.asked = len(gateway.acted)
        self.journal = Journal(path, "gw", clock=gateway.clock)
        self.journal.start()
        self.tenure = Tenure(Always(), self.journal, policy)
        controls = Controls(may_act=self.tenure.may_act, actor=self.tenure.other, take_up=self.tenure.take_up)
        self.agent = Agent(
            gateway, clock=gateway.clock, intents=self.journal, policy=policy, listeners=[self.journal],
            controls=controls,
        )  # fmt: skip

    async def until(self, what: Callable[[TickReport], object], ticks: int = 2000) -> TickReport:
        for _ in range(ticks):
            report = await self.agent.tick()
            await self._let_threads_answer(sum(isinstance(decision, Act) for decision in report.decisions))
            if what(report):
                return report
        raise AssertionError("it did not happen")

    async def _let_threads_answer(self, acts: int) -> None:
        """Wait for what other threads owe; virtual time does not move meanwhile."""
        self.asked += acts
        await asyncio.to_thread(until, lambda: len(self.gateway.acted) >= self.asked)
        reading = [task for task in asyncio.all_tasks() if task.get_name() == "livewatch.tenure"]
        if reading:
            await asyncio.wait(reading)

    async def end(self) -> None:
        await self.agent.close(0.0)
        self.tenure.close()
        assert self.journal.close(10.0)


Begin = Callable[..., Awaitable[Shift]]


@pytest.fixture(name="gateway")
def _gateway() -> Gateway:
    return Gateway(WallClock())


@pytest.fixture(name="begin")
async def _begin(tmp_path: Path, gateway: Gateway) -> AsyncIterator[Begin]:
    shifts: list[Shift] = []

    async def begin(policy: Policy = POLICY) -> Shift:
        if shifts:
            await shifts[-1].end()
        shifts.append(Shift(tmp_path / "j.sqlite", gateway, policy))
        await shifts[-1].until(lambda _report: shifts[-1].tenure.may_act())
        return shifts[-1]

    yield begin
    await shifts[-1].end()


def held_by(gate: Gate) -> Callable[[TickReport], bool]:
    return lambda report: any(isinstance(d, Hold) and d.gate is gate for d in report.decisions)


def acts(report: TickReport) -> bool:
    return any(isinstance(decision, Act) for decision in report.decisions)


def settles(report: TickReport) -> bool:
    return bool(report.completed)


async def test_a_session_repaired_three_times_by_three_agents_is_left_to_a_person(
    gateway: Gateway, begin: Begin
) -> None:
    """OpenClaw 145152: the same reclaim 67 times a day; a restarted watchdog must not start counting at zero."""
    gateway.helps = True
    for _ in range(3):
        await (await begin()).until(settles)
        gateway.hangs_again()
        gateway.clock.now_s += 4000.0

    await (await begin()).until(held_by(Gate.QUARANTINE))
    assert len(gateway.acted) == 3


@pytest.mark.invariant(8)
async def test_repairs_that_do_not_help_are_counted_across_restarts(gateway: Gateway, begin: Begin) -> None:
    shift = await begin()
    for _ in range(3):
        await shift.until(settles)
        shift = await begin()

    await shift.until(held_by(Gate.QUARANTINE))
    assert len(gateway.acted) == 3
    assert len({action.idempotency_key for action in gateway.acted}) == 3


async def test_the_backoff_goes_on_where_the_last_agent_left_it(gateway: Gateway, begin: Begin) -> None:
    await (await begin()).until(settles)
    due_s = gateway.clock.now_s + POLICY.backoff_initial_s
    successor = await begin()
    held = await successor.until(held_by(Gate.BACKOFF))
    await successor.until(acts)

    (hold,) = held.decisions
    assert isinstance(hold, Hold)
    assert hold.until_s == pytest.approx(due_s, abs=1.0)
    assert gateway.clock.now_s >= due_s - 1.0


async def test_a_used_up_budget_is_still_used_up_after_a_restart(gateway: Gateway, begin: Begin) -> None:
    frugal = replace(POLICY, budget_actions=1, backoff_initial_s=1.0, budget_window_s=500.0)
    await (await begin(frugal)).until(settles)

    await (await begin(frugal)).until(held_by(Gate.BUDGET))
    assert len(gateway.acted) == 1


async def test_a_restarted_gateway_forgets_failures_but_not_poison(gateway: Gateway, begin: Begin) -> None:
    gateway.helps = True
    shift = await begin()
    for _ in range(3):
        await shift.until(settles)
        gateway.hangs_again()
        gateway.clock.now_s += 4000.0
    gateway.identity = SECOND

    await shift.until(held_by(Gate.QUARANTINE))
    await (await begin()).until(held_by(Gate.QUARANTINE))


async def test_an_intent_that_nobody_saw_the_end_of_is_explained_once_and_not_repeated_under_a_new_key(
    tmp_path: Path, gateway: Gateway, begin: Begin
) -> None:
    dying = Shift(tmp_path / "j.sqlite", gateway)
    await dying.until(acts)
    until(lambda: read_journal(dying.path).intents, "the intent is on disk")
    dying.journal.close(10.0)  # killed: no outcome is ever written
    await (await begin()).until(acts)

    (first, second, *_) = read_journal(dying.path).intents
    assert first.how is Settlement.JUDGED_AGAIN
    assert first.action.idempotency_key == second.action.idempotency_key


def stored(number: int, outcome: Outcome | None, *, ago_s: float = 100.0, **facts: object) -> StoredIntent:
    act = an_act("s", f"k{number}")
    action = replace(act.action, **facts)  # type: ignore[arg-type]  # test shorthand
    how = None if outcome is None else Settlement.SEEN
    wall_s = WALL_S - ago_s
    return StoredIntent(number, "gw", wall_s, 1.0, action, act.verdict, FIRST, how, outcome, settled_wall_s=wall_s + 1)


def remembered(*intents: StoredIntent, identity: GatewayIdentity = FIRST, **well: tuple[float, ...]) -> Memory:
    past = Past(intents, MappingProxyType(well))
    return recall(past, POLICY, identity=identity, wall_s=WALL_S, now_s=9000.0)


def test_moments_come_back_as_ages() -> None:
    memory = remembered(stored(1, Outcome.RECOVERED, ago_s=100.0))

    assert memory.sent_s == (8900.0,)
    assert memory.patients["s"].repaired_s == (8901.0,)


def test_a_wall_clock_that_was_set_back_makes_nothing_older_than_now() -> None:
    assert remembered(stored(1, Outcome.RECOVERED, ago_s=-7200.0)).sent_s == (9000.0,)


def test_a_session_that_lived_in_between_starts_afresh() -> None:
    failed = stored(1, Outcome.INEFFECTIVE, ago_s=300.0)
    later = stored(2, Outcome.INEFFECTIVE, ago_s=100.0, generation=8, progress_s=4990.0)

    assert remembered(failed, later).patients["s"].attempts == 2
    assert remembered(failed, later, s=(WALL_S - 200.0,)).patients["s"].attempts == 1
    assert remembered(failed, later, s=(WALL_S - 350.0,)).patients["s"].attempts == 2


def test_an_intent_without_an_outcome_counts_for_the_budget_only() -> None:
    memory = remembered(stored(1, None))

    assert (len(memory.sent_s), dict(memory.patients)) == (1, {})


def test_what_was_tried_on_a_gateway_that_is_gone_is_forgotten() -> None:
    assert dict(remembered(stored(1, Outcome.INEFFECTIVE), identity=SECOND).patients) == {}
    repaired = remembered(stored(1, Outcome.RECOVERED), identity=SECOND).patients["s"]
    assert (repaired.attempts, repaired.tried, len(repaired.repaired_s)) == (0, (), 1)


def test_of_two_stories_about_one_session_the_later_counts() -> None:
    old, new = remembered(stored(1, Outcome.RECOVERED, ago_s=900.0)), remembered(stored(2, Outcome.FAILED, ago_s=9.0))

    assert new.with_past(old).patients["s"].tried == new.patients["s"].tried
    assert old.with_past(new).patients["s"].tried == new.patients["s"].tried
    assert old.with_past(new).sent_s == new.with_past(old).sent_s == (8100.0, 8991.0)
