"""Two classes of evidence: proof is acted on within two seconds, silence waits for its threshold and may be refuted."""

from dataclasses import replace

import pytest

from livewatch.agent import Agent
from livewatch.recovery.settings import Policy
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers import Activity, Run, Session, Thresholds
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, Mode, Presence
from tests.recovery.clinic import ghost
from tests.recovery.fake_gateway import NOW_S, FakeIntents, session
from tests.test_agent import Stage

THRESHOLDS = Thresholds(warn_after_s=3600.0, abort_after_s=7200.0)
"""So patient that nothing here can come from a threshold of silence, unless a test says otherwise."""


class World(Stage):
    """An agent with the policy's own confirmation and grace, looking once a second."""

    def __init__(self, patient: Session, thresholds: Thresholds = THRESHOLDS) -> None:
        self.clock = FakeClock()
        self.source = FakeGateway(self.clock)
        self.source.sessions = {patient.key: patient}
        self.intents = FakeIntents(self.source.log)
        policy = Policy(mode=Mode.ABORT)
        self.agent = Agent(
            self.source, clock=self.clock, intents=self.intents, policy=policy, thresholds=thresholds, interval_s=1.0
        )

    def change(self, **facts: object) -> None:
        self.source.sessions = {key: replace(s, **facts) for key, s in self.source.sessions.items()}  # type: ignore[arg-type]  # test shorthand

    async def until_sent(self, ticks: int = 20_000) -> TickReport:
        for _ in range(ticks):
            report = await self.tick()
            if self.source.acted:
                return report
        raise AssertionError("nothing was sent")


ZOMBIE_GRACE_S = Thresholds().zombie_grace_s


async def test_a_zombie_is_sent_its_force_clear_within_two_seconds_of_the_end_of_its_grace() -> None:
    """OpenClaw 52224: ten hours; the proof was there after thirty seconds."""
    world = World(session(run=Run("r1", NOW_S - 900, handle="h1", abort_requested_s=NOW_S)))
    await world.until_sent()
    (action,) = world.source.acted

    assert action.kind is ActionKind.FORCE_CLEAR
    assert world.clock.now_s > NOW_S + ZOMBIE_GRACE_S
    assert world.clock.now_s - (NOW_S + ZOMBIE_GRACE_S) <= 2.0 + 1.0  # two ticks after the tick that saw it first


@pytest.mark.invariant(22)
async def test_a_proof_that_appears_is_acted_on_in_the_second_look_at_it() -> None:
    """OpenClaw 77115: ghosts of 11.5 h. Nothing is sent on one look, which may be torn."""
    absent = ghost("s", progress_s=NOW_S - 900, state_since_s=NOW_S - 900, queued=1)
    world = World(replace(absent, in_store=Presence.PRESENT))
    for _ in range(40):
        await world.tick()
    assert world.source.acted == []
    world.change(in_store=Presence.ABSENT)
    proved_s = world.clock.now_s + 1.0

    await world.tick()
    assert world.source.acted == []
    await world.until_sent(ticks=2)
    assert world.source.acted[0].kind is ActionKind.EVICT_SESSION
    assert world.clock.now_s - proved_s <= 2.0


SILENT = Activity(ActivityKind.MODEL_CALL, Presence.PRESENT, "r1", NOW_S)


@pytest.mark.invariant(7)
async def test_silence_waits_for_its_threshold_and_is_then_acted_on() -> None:
    limits = Thresholds(warn_after_s=120.0, abort_after_s=360.0)
    world = World(session(activity=SILENT, progress_s=NOW_S, state_since_s=NOW_S), limits)
    await world.until_sent()

    silent_s = world.clock.now_s - NOW_S
    assert 360.0 <= silent_s <= 360.0 + Policy().confirm_silence + 1.0
    assert world.source.acted[0].kind is ActionKind.ABORT_RUN


@pytest.mark.invariant(22)
async def test_new_content_just_before_the_threshold_starts_the_wait_again() -> None:
    limits = Thresholds(warn_after_s=120.0, abort_after_s=360.0)
    world = World(session(activity=SILENT, progress_s=NOW_S, state_since_s=NOW_S), limits)
    await world.tick(359.0)
    world.change(progress_s=world.clock.now_s)
    await world.until_sent()

    assert world.clock.now_s - NOW_S >= 359.0 + 360.0


@pytest.mark.parametrize("corroborated", [True, False])
async def test_a_silent_tool_whose_children_work_is_left_alone_until_they_stop(*, corroborated: bool) -> None:
    """OpenClaw 118386: the same silence, a running child or none; no threshold tells them apart."""
    limits = Thresholds(warn_after_s=120.0, abort_after_s=360.0, tool_abort_after_s=900.0)
    tool = Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r1", NOW_S, "exec")
    world = World(session(activity=tool, progress_s=NOW_S, state_since_s=NOW_S), limits)
    for _ in range(1200):
        world.change(activity=replace(tool, working_s=world.clock.now_s if corroborated else None))
        await world.tick()

    assert bool(world.source.acted) is not corroborated
    if corroborated:
        await world.until_sent()
        assert world.clock.now_s - NOW_S >= 1200.0 + 900.0
