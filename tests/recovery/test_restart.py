"""The last rung: off by default, never the first thing to try, drained first, and judged by another process."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from livewatch.configuration.load import ConfigError, load_settings
from livewatch.recovery.ladder import next_rung
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.restart import decide_restart
from livewatch.recovery.settings import Policy
from livewatch.sources.base import SourceError
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers import GatewayIdentity, Snapshot, VitalsVerdict
from livewatch_classifiers.decision import GATEWAY, Act, Hold
from livewatch_classifiers.vocabulary import (
    ActionKind,
    Gate,
    Mode,
    Outcome,
    Phase,
    Reason,
    Remedy,
    VitalsReason,
    VitalsState,
)
from tests.recovery.fake_gateway import IDENTITY, NOW_S, POLICY, FakeSource, request, sick, situation, snapshot
from tests.test_agent import ZOMBIE, Stage
from tests.waiting import until

COMMAND = (sys.executable, "-c", "pass")
RESTART = replace(POLICY, mode=Mode.RESTART, restart_command=COMMAND, restart_cooldown_s=0.0, restart_after_s=60.0)
UNRESPONSIVE = VitalsVerdict(VitalsState.UNRESPONSIVE)


def down(for_s: float, policy: Policy = RESTART, **facts: object) -> object:
    memory = Memory(attached_s=0.0, identity=IDENTITY, looked_s=NOW_S, down_since_s=NOW_S - for_s)
    memory = replace(memory, **facts)  # type: ignore[arg-type]  # test shorthand
    look = replace(situation(snapshot(), {}), vitals=UNRESPONSIVE)
    return decide_restart(look, memory, policy, NOW_S)


def gate_of(decision: object) -> Gate:
    assert isinstance(decision, Hold), decision
    return decision.gate


def test_a_gateway_is_restarted_for_its_own_sake_after_the_bound_and_not_before() -> None:
    assert down(59.9) is None
    act = down(60.0)
    assert isinstance(act, Act)
    assert (act.action.kind, act.action.session) == (ActionKind.RESTART_TARGET, GATEWAY)
    assert act.action.reason is Reason.TARGET_UNRESPONSIVE


def test_without_a_command_or_the_mode_nothing_is_restarted() -> None:
    assert down(1e6, replace(RESTART, restart_command=())) is None
    assert gate_of(down(1e6, replace(RESTART, mode=Mode.ABORT))) is Gate.MODE


def test_restart_cooldown_a_gateway_that_is_up_only_for_a_while_is_not_restarted_again() -> None:
    cool = replace(RESTART, restart_cooldown_s=900.0, startup_grace_s=0.0)

    assert gate_of(down(100.0, cool, restarts_s=(NOW_S - 899.0,))) is Gate.RESTART_COOLDOWN
    assert isinstance(down(100.0, cool, restarts_s=(NOW_S - 900.0,)), Act)
    young = replace(situation(snapshot(), {}), vitals=UNRESPONSIVE)
    vitals = replace(young.snapshot.vitals, ready_s=NOW_S - 899.0)
    young = replace(young, snapshot=replace(young.snapshot, vitals=vitals))
    memory = Memory(attached_s=0.0, identity=IDENTITY, looked_s=NOW_S, down_since_s=NOW_S - 100.0)
    assert gate_of(decide_restart(young, memory, cool, NOW_S)) is Gate.RESTART_COOLDOWN


def test_restarts_have_a_budget_of_their_own() -> None:
    """zylos 789: a busy gateway was restarted again and again."""
    twice = (NOW_S - 9000.0, NOW_S - 5000.0)

    assert gate_of(down(100.0, restarts_s=twice)) is Gate.BUDGET
    assert isinstance(down(100.0, restarts_s=twice[:1]), Act)
    assert isinstance(down(100.0, replace(RESTART, restart_window_s=8000.0), restarts_s=twice), Act)
    assert isinstance(down(100.0, sent_s=(NOW_S,) * 99), Act)  # repairs do not use it up


def test_one_restart_at_a_time() -> None:
    asked = down(100.0)
    assert isinstance(asked, Act)

    assert down(1e6, restarting=asked.action) is None


def looked(*states: tuple[VitalsState, bool], every_s: float = 1.0, drained: bool = False) -> Memory:
    memory = Memory(identity=IDENTITY, drained=drained)
    for number, (state, gone) in enumerate(states):
        memory = memory.unseen(VitalsVerdict(state), NOW_S + number * every_s, gone=gone)
    return memory


def test_only_a_process_that_is_known_to_have_ended_is_down_when_nothing_can_be_read() -> None:
    assert looked((VitalsState.GONE, True), (VitalsState.GONE, True)).down_since_s == NOW_S
    assert looked((VitalsState.UNRESPONSIVE, False), (VitalsState.UNRESPONSIVE, False)).down_since_s is None


def test_a_gateway_that_was_drained_before_it_ended_was_stopped_by_somebody_and_stays_stopped() -> None:
    """gsd-2 2676: a stop by a person is never resumed."""
    assert looked((VitalsState.GONE, True), drained=True).down_since_s is None


def test_a_gateway_that_was_never_seen_is_never_started() -> None:
    assert Memory().unseen(VitalsVerdict(VitalsState.GONE), NOW_S, gone=True).down_since_s is None


def test_a_pause_of_the_observer_itself_counts_against_nobody() -> None:
    memory = looked((VitalsState.GONE, True), (VitalsState.GONE, True), every_s=3600.0)

    assert memory.down_since_s == NOW_S + 3600.0


def test_a_draining_gateway_is_remembered_as_such() -> None:
    look = snapshot()
    look = replace(look, vitals=replace(look.vitals, phase=Phase.DRAINING))

    assert Memory().observed(look, {}, VitalsVerdict(VitalsState.DRAINING), RESTART, NOW_S).drained


def test_a_restart_is_never_the_first_thing_to_try_for_a_session() -> None:
    """Smallest reach first: a ladder that offers nothing else names what is missing (OpenClaw 130906)."""
    asked = request()
    only = frozenset({ActionKind.RESTART_TARGET})

    assert next_rung(asked.verdict, asked.session, asked.patient, only, RESTART) is ActionKind.ABORT_RUN
    tried = ((ActionKind.ABORT_RUN, Outcome.INEFFECTIVE),)
    climbed = replace(asked.patient, tried=tried)
    offers = only | {ActionKind.ABORT_RUN}
    assert next_rung(asked.verdict, asked.session, climbed, offers, RESTART) is ActionKind.RESTART_TARGET


def test_a_command_is_a_list_of_words_and_never_a_line() -> None:
    given = load_settings(environ={"LIVEWATCH_RESTART_COMMAND": '["systemctl", "restart", "gw"]'})
    assert given.recovery.restart_command == ("systemctl", "restart", "gw")
    with pytest.raises(ConfigError, match="list of words"):
        load_settings(environ={"LIVEWATCH_RESTART_COMMAND": "systemctl restart gw"})


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Stage:
    """A session that no lever of the gateway moves: abort was tried, so a restart is next."""
    stage = Stage()
    program = "import sys; open(sys.argv[1], 'a').write('x')"
    stage.agent.policy = replace(
        RESTART, restart_command=(sys.executable, "-c", program, str(tmp_path / "ran")), startup_grace_s=0.0
    )
    return stage


def climb(stage: Stage) -> None:
    """Bring the agent to the rung before the restart, seen to have failed."""
    failed = ((ActionKind.FORCE_CLEAR, Outcome.INEFFECTIVE),) + ((ActionKind.RELEASE_LANE, Outcome.INEFFECTIVE),) * 2
    run = ZOMBIE.run
    assert run is not None
    patient = Patient(
        "s", Reason.ZOMBIE_RUN, certain=True, sick_since_s=NOW_S, generation=7, run_id=run.id, handle=run.handle,
        progress_s=ZOMBIE.progress_s, attempts=3, tried=failed,
    )  # fmt: skip
    stage.agent.memory = Memory(MappingProxyType({"s": patient}), attached_s=0.0, identity=IDENTITY)


async def test_a_restart_is_drained_first_and_seen_when_another_process_responds(stage: Stage, tmp_path: Path) -> None:
    climb(stage)
    busy = stage.source.sessions
    report = await stage.tick()
    (act,) = [d for d in report.decisions if isinstance(d, Act)]
    assert act.action.kind is ActionKind.RESTART_TARGET
    assert [action.kind for action in stage.source.acted][-1] is ActionKind.DRAIN
    assert not (tmp_path / "ran").exists()  # the session still runs: the drain is given its time

    stage.source.sessions = {key: replace(s, run=None, activity=None) for key, s in busy.items()}
    await stage.tick()
    await asyncio.to_thread(until, lambda: (tmp_path / "ran").exists() and not commands_running())
    assert (await stage.tick()).completed == ()
    stage.source.identity, stage.source.sessions = GatewayIdentity(2, "b:2"), {}
    done = [d for _ in range(3) for d in (await stage.tick()).completed if d.action.kind is ActionKind.RESTART_TARGET]

    assert [(d.outcome, d.action.session) for d in done] == [(Outcome.RECOVERED, "s")]
    assert (tmp_path / "ran").read_text() == "x"
    assert stage.agent.memory.restarting is None


async def test_a_gateway_that_somebody_else_restarts_during_the_drain_is_not_restarted_again(
    stage: Stage, tmp_path: Path
) -> None:
    climb(stage)
    await stage.tick()
    stage.source.identity = GatewayIdentity(2, "b:2")
    report = await stage.tick()
    stage.source.sessions = {}
    for _ in range(30):
        await stage.tick()

    (done,) = [d for d in report.completed if d.action.kind is ActionKind.RESTART_TARGET]
    assert done.outcome is Outcome.SUPERSEDED
    assert not (tmp_path / "ran").exists()


async def test_a_command_that_changes_nothing_is_seen_as_ineffective(stage: Stage, tmp_path: Path) -> None:
    climb(stage)
    await stage.tick()
    stage.source.sessions = {k: replace(s, run=None, activity=None) for k, s in stage.source.sessions.items()}
    await stage.tick()
    await asyncio.to_thread(until, lambda: (tmp_path / "ran").exists() and not commands_running())
    reports = [await stage.tick(30.0) for _ in range(8)]

    done = [d for r in reports for d in r.completed if d.action.kind is ActionKind.RESTART_TARGET]
    assert [d.outcome for d in done] == [Outcome.INEFFECTIVE]


def commands_running() -> bool:
    return any(thread.name == "livewatch.restart" for thread in threading.enumerate())


START = (
    "import os, subprocess, sys; "
    "p = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()']); "
    "open(sys.argv[1] + '.new', 'w').write(str(p.pid)); os.rename(sys.argv[1] + '.new', sys.argv[1])"
)


def read_pid(path: Path) -> int:
    return int(path.read_text())


class Gateway(FakeSource):
    """A real process that can only be seen."""

    pid_file = Path()

    async def sample(self) -> Snapshot:
        pid = read_pid(self.pid_file)
        found = ProcessStat.of(pid)
        if found is None or found.state.value == "gone":
            raise SourceError("the gateway has ended", "start it", gone=True)
        self.identity = GatewayIdentity(pid, str(found.start_ticks))
        return await super().sample()


@pytest.fixture(name="pid_file")
def _pid_file(tmp_path: Path) -> Generator[Path]:
    path = tmp_path / "gateway.pid"
    subprocess.run([sys.executable, "-c", START, str(path)], check=True)
    yield path
    os.kill(read_pid(path), signal.SIGKILL)


async def test_a_gateway_that_was_killed_is_started_again_by_the_command(pid_file: Path) -> None:
    command = (sys.executable, "-c", START, str(pid_file))
    stage = Stage()
    gateway = Gateway(stage.clock)
    gateway.pid_file = pid_file
    stage.agent.source = gateway
    stage.agent.policy = replace(RESTART, restart_command=command, startup_grace_s=0.0)
    await stage.tick()
    first = read_pid(pid_file)
    os.kill(first, signal.SIGKILL)

    reports = [await stage.tick(10.0)]
    while not any(isinstance(d, Act) for d in reports[-1].decisions):
        reports.append(await stage.tick(10.0))
        assert len(reports) < 100
    assert stage.clock.now_s - NOW_S >= 60.0
    await asyncio.to_thread(until, lambda: read_pid(pid_file) != first)
    while not reports[-1].completed:
        reports.append(await stage.tick())
        assert len(reports) < 200

    done = [d for report in reports for d in report.completed]
    assert [(d.action.session, d.outcome) for d in done] == [(GATEWAY, Outcome.RECOVERED)]


def test_sick_sessions_alone_never_restart_a_gateway_that_responds() -> None:
    """zylos 789: a busy gateway was restarted as if it were dead."""
    patient = Patient("s", Reason.ZOMBIE_RUN, True, 0.0, 7, "r", "h", None, samples=9)  # noqa: FBT003 -- by position, in the order of the class
    memory = Memory(MappingProxyType({"s": patient}), attached_s=0.0, identity=IDENTITY)
    look = situation(snapshot(), {"s": sick(remedy=Remedy.FORCE_CLEAR)})

    assert decide_restart(look, memory, RESTART, NOW_S) is None


async def test_a_restart_that_the_source_does_itself_is_seen_to_work_by_another_process(stage: Stage) -> None:
    stage.agent.policy = replace(RESTART, restart_command=(), startup_grace_s=0.0)
    climb(stage)
    await stage.tick()
    assert [action.kind for action in stage.source.acted] == [ActionKind.RESTART_TARGET]
    stage.source.identity = GatewayIdentity(2, "b:2")
    report = await stage.tick()

    assert [done.outcome for done in report.completed] == [Outcome.RECOVERED]
    assert stage.agent.memory.restarting is None


OVERDUE = VitalsVerdict(VitalsState.DRAINING, (VitalsReason.DRAIN,))


def test_a_drain_that_neither_ends_nor_serves_past_its_bound_is_down_and_one_within_it_is_not() -> None:
    memory = Memory()
    for second in range(100):
        verdict = VitalsVerdict(VitalsState.DRAINING) if second < 30 else OVERDUE
        now_s = NOW_S + second
        memory = memory.observed(snapshot(now_s=now_s), {}, verdict, RESTART, now_s)
        assert memory.down_since_s == (None if second < 30 else NOW_S + 30)
    act = decide_restart(replace(situation(snapshot(), {}), vitals=OVERDUE), memory, RESTART, NOW_S + 99)

    assert isinstance(act, Act)
    assert "drain of the gateway" in act.action.cause
