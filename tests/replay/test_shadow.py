"""The shadow disagrees in words only: nothing is ever done because of it, whatever it thinks and however it fails."""

import logging
from pathlib import Path

import pytest

from livewatch.agent import Agent
from livewatch.configuration.candidate import Candidate, read_candidate
from livewatch.recovery.rounds import Moment
from livewatch.recovery.settings import Policy
from livewatch.replay.shadow import Shadow
from livewatch.simulation.record import Record
from livewatch.simulation.runner import collect, run_virtual
from livewatch.simulation.schema import load_scenario
from livewatch.simulation.watching import AgentWatch
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers import Run, Thresholds
from livewatch_classifiers.report import Dissent, TickReport
from livewatch_classifiers.vocabulary import Disagreement, Mode
from tests.recovery.fake_gateway import NOW_S, FakeIntents, session

LIBRARY = Path(__file__).parents[1] / "scenarios"
HASTY = """
[thresholds]
warn_after = "5s"
abort_after = "20s"
tool_abort_after = "20s"
zombie_grace = "1s"
[recovery]
mode = "restart"
confirm_silence = 1
confirm_certain = 1
startup_grace = "0s"
healthy_for = "0s"
budget_actions = 1000
restart_command = ["false"]
"""
ZOMBIE = session(run=Run("r1", NOW_S - 900, handle="h1", abort_requested_s=NOW_S - 600))


@pytest.fixture
def hasty(tmp_path: Path) -> Candidate:
    path = tmp_path / "hasty.toml"
    path.write_text(HASTY, encoding="utf-8")
    return read_candidate(path)


class Stage:
    def __init__(self, shadow: Shadow | None, policy: Policy) -> None:
        self.clock = FakeClock()
        self.source = FakeGateway(self.clock)
        self.source.sessions = {"s": ZOMBIE}
        intents = FakeIntents(self.source.log)
        self.agent = Agent(self.source, clock=self.clock, intents=intents, policy=policy, shadow=shadow)

    async def tick(self) -> TickReport:
        self.clock.now_s += 1.0
        return await self.agent.tick()


async def test_a_shadow_that_would_act_in_every_round_never_reaches_the_gateway(hasty: Candidate) -> None:
    shadow = Shadow(hasty)
    stage = Stage(shadow, Policy(mode=Mode.OBSERVE))
    reports = [await stage.tick() for _ in range(60)]
    await stage.agent.close()
    assert stage.source.log == ["close"]
    assert stage.source.acted == []
    assert shadow.counts[Disagreement.SHADOW_ACTS] >= 1
    (first,) = [dissent for report in reports for dissent in report.dissents]
    assert (first.session, first.kind, first.shadow) == ("s", Disagreement.SHADOW_ACTS, "force_clear")
    assert first.active.startswith("force_clear blocked by mode")
    assert stage.agent.memory.sent_s == ()
    (row,) = shadow.listed()["actions"]
    assert (row["active"], row["action"]) == (None, "force_clear")


async def test_a_shadow_that_would_only_watch_is_told_apart_when_the_policy_in_force_acts(tmp_path: Path) -> None:
    path = tmp_path / "watching.toml"
    path.write_text('[recovery]\nmode = "observe"\n', encoding="utf-8")
    shadow = Shadow(read_candidate(path))
    stage = Stage(shadow, Policy(mode=Mode.ABORT, confirm_certain=1, startup_grace_s=0))
    dissents = [dissent for _ in range(3) for dissent in (await stage.tick()).dissents]
    assert [(d.session, d.kind, d.active) for d in dissents] == [("s", Disagreement.SHADOW_WAITS, "force_clear")]
    assert dissents[0].shadow.startswith("blocked by mode")


@pytest.mark.parametrize(
    "name",
    ["healthy/six_warnings_in_one_evening", "zombie_handle_after_timeout", "host/process_stopped_for_ten_minutes",
     "process/restart_after_35_dead_turns", "sessions/abort_says_done_and_releases_nothing"],
)  # fmt: skip
def test_a_world_with_a_shadow_goes_as_it_goes_without(name: str, hasty: Candidate) -> None:
    plain, shadowed = acted_out(name, None), acted_out(name, shadow := Shadow(hasty))
    assert shadowed.deeds == plain.deeds
    assert shadowed.completed == plain.completed
    assert shadowed.labels == plain.labels
    assert shadowed.holdings == plain.holdings
    assert shadow.problem == ""
    assert shadow.counts[Disagreement.SHADOW_ACTS] > 0


def acted_out(name: str, shadow: Shadow | None) -> Record:
    scenario = load_scenario(LIBRARY / f"{name}.toml")
    world, record = scenario.world(), Record(duration_s=scenario.duration_s)
    watch = AgentWatch(world, record, thresholds=scenario.thresholds, policy=scenario.policy, shadow=shadow)
    run_virtual(watch.run(scenario.duration_s))
    collect(world, record)
    return record


class Faulty(Shadow):
    def _compare(self, moment: Moment) -> tuple[Dissent, ...]:
        raise RuntimeError(f"two\nlines at {moment.round.now_s}")


async def test_a_shadow_that_raises_is_switched_off_with_one_line_and_the_agent_goes_on(
    hasty: Candidate, caplog: pytest.LogCaptureFixture
) -> None:
    shadow = Faulty(hasty)
    stage = Stage(shadow, Policy(mode=Mode.ABORT, confirm_certain=1, startup_grace_s=0))
    with caplog.at_level(logging.DEBUG, "livewatch.shadow"):
        reports = [await stage.tick() for _ in range(3)]
    (record,) = caplog.records
    assert "switched off" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert record.exc_info is None
    assert [report.dissents for report in reports] == [(), (), ()]
    assert any(report.decisions for report in reports)
    assert not shadow.listed()["on"]


async def test_a_candidate_that_contradicts_the_policy_in_force_is_switched_off_until_another_comes(
    tmp_path: Path, hasty: Candidate
) -> None:
    path = tmp_path / "warns_late.toml"
    path.write_text('[thresholds]\nwarn_after = "4m"\n', encoding="utf-8")
    shadow = Shadow(read_candidate(path))
    stage = Stage(shadow, Policy())
    stage.agent.thresholds = Thresholds(warn_after_s=10.0, abort_after_s=60.0)
    await stage.tick()
    assert "warn_after (240 s) must be below abort_after (60 s)" in shadow.problem
    shadow.use(hasty)
    await stage.tick()
    assert shadow.listed()["on"]
