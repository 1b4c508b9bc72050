"""Thresholds, actors, journal and settings: each check well and sick."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.configuration.settings import Settings
from livewatch.doctor import actor_checks, config_checks, journal_checks, threshold_checks
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, Health
from livewatch.recovery.journal import Journal
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Mode
from tests.doctor.conftest import MakeBoard, MakeCase
from tests.recovery.journal.facts import an_act
from tests.recovery.test_lease import another_process

NS = 1_000_000_000
MIB = 2**20
Look = Callable[[Case], Finding]


def test_runs_that_end_before_warn_after_are_named_with_the_limit_to_set(
    make_case: MakeCase, make_board: MakeBoard
) -> None:
    board = make_board()

    def look(warn_after_s: float) -> Finding:
        case = make_case(target={"board": board.path}, thresholds=Thresholds(warn_after_s=warn_after_s))
        return threshold_checks.run_timeouts(case)

    nothing = look(120.0)
    board.slot(0, used=1, key="agent:main", run_id="r1", run_timeout_ns=60 * NS)
    short, well = look(120.0), look(30.0)
    assert [f.health for f in (nothing, short, well)] == [Health.SKIPPED, Health.WARNING, Health.OK]
    assert ("agent:main 1m00s" in short.text, "below 1m00s" in short.fix) == (True, True)
    assert threshold_checks.run_timeouts(make_case()).health is Health.SKIPPED


def test_runs_that_never_reported_progress_are_named_before_anything_is_aborted(
    make_case: MakeCase, make_board: MakeBoard
) -> None:
    board = make_board()
    now_ns = round(make_case().clock.monotonic_s() * NS)

    def look(began_ns: int) -> Finding:
        board.slot(0, used=1, key="agent:delegate", run_id="r1", run_started_ns=began_ns, unheard_ns=began_ns)
        return threshold_checks.progress(make_case(target={"board": board.path}))

    old, young = look(now_ns - 200 * NS), look(now_ns - 100 * NS)
    assert (old.health, young.health) == (Health.WARNING, Health.OK)
    assert "agent:delegate" in old.text
    assert "progress()" in old.fix
    board.slot(0, used=1, key="agent:delegate", run_id="r1", run_started_ns=now_ns - 200 * NS, unheard_ns=0)
    assert threshold_checks.progress(make_case(target={"board": board.path})).health is Health.OK
    assert threshold_checks.progress(make_case()).health is Health.SKIPPED


def test_the_running_agents_limit_counts_before_the_configured_one(make_case: MakeCase, make_board: MakeBoard) -> None:
    board = make_board()
    board.slot(0, used=1, key="agent:main", run_id="r1", run_timeout_ns=60 * NS)
    case = make_case(target={"board": board.path}, status={"thresholds": {"warn_after_s": 30.0}})
    assert threshold_checks.run_timeouts(case).health is Health.OK


@pytest.mark.parametrize(("interval_s", "health"), [(1.0, Health.OK), (300.0, Health.FAILURE)])
def test_a_look_that_comes_later_than_the_limit_fails(make_case: MakeCase, interval_s: float, health: Health) -> None:
    assert threshold_checks.interval(make_case(about={"interval_s": interval_s})).health is health
    assert threshold_checks.interval(make_case()).health is Health.OK


def test_heartbeats_and_lanes_that_share_sessions_are_told_from_the_boards_counters(
    make_case: MakeCase, make_board: MakeBoard
) -> None:
    board = make_board(drops_disabled=5, contended_main_main=4)
    looks: tuple[Look, ...] = (threshold_checks.heartbeats, threshold_checks.shared_sessions)
    well = [look(make_case(target={"board": board.path})) for look in looks]
    board.header(drops_lane_busy=2, drops_run_active=1, contended_cron_main=7)
    sick = [look(make_case(target={"board": board.path})) for look in looks]
    assert [f.health for f in well] == [Health.OK, Health.OK]
    assert [f.health for f in sick] == [Health.WARNING, Health.WARNING]
    assert ("3 heartbeats" in sick[0].text, "cron waited for main 7 times" in sick[1].text) == (True, True)
    assert {look(make_case()).health for look in looks} == {Health.SKIPPED}


def test_an_agent_is_running_absent_or_was_killed(make_case: MakeCase, folder: Path) -> None:
    assert actor_checks.agent(make_case(about={})).health is Health.OK
    assert actor_checks.agent(make_case()).health is Health.SKIPPED
    leave = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    subprocess.run([sys.executable, "-c", leave, str(folder / "agent")], check=True)
    killed = actor_checks.agent(make_case(agent_problem="refused", target={"socket": folder / "control"}))
    with another_process(folder / "control.lease") as process:
        silent = actor_checks.agent(make_case(agent_problem="timed out", target={"socket": folder / "control"}))
    assert (killed.health, "was killed" in killed.fix) == (Health.WARNING, True)
    assert (silent.health, f"kill -CONT {process.pid}" in silent.fix) == (Health.WARNING, True)


@pytest.mark.parametrize(
    ("configured", "health"),
    [(None, Health.OK), (Path("/run/gw/board"), Health.OK), (Path("/run/other/board"), Health.WARNING)],
)
def test_the_agent_watches_what_is_configured(make_case: MakeCase, configured: Path | None, health: Health) -> None:
    assert actor_checks.same_gateway(make_case(about={}, configured_board=configured)).health is health
    assert actor_checks.same_gateway(make_case()).health is Health.SKIPPED


@pytest.mark.parametrize(
    ("status", "health"),
    [({}, Health.OK), ({"health_penalty": 2}, Health.WARNING), ({"problem": "no board"}, Health.FAILURE)],
)
def test_what_the_agent_cannot_see_is_told(make_case: MakeCase, status: dict[str, object], health: Health) -> None:
    assert actor_checks.sight(make_case(status=status)).health is health
    assert actor_checks.sight(make_case()).health is Health.SKIPPED


def test_a_second_actor_is_named_whether_it_is_ours_or_not(make_case: MakeCase, folder: Path) -> None:
    case = make_case(target={"board": folder / "board", "socket": folder / "control"})
    free = actor_checks.one_actor(case)
    with another_process(folder / "control.lease") as process:
        held = actor_checks.one_actor(case)
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = actor_checks.one_actor(case)
    assert [f.health for f in (free, held, after)] == [Health.OK, Health.WARNING, Health.OK]
    assert f"pid {process.pid} " in held.text
    observes = actor_checks.one_actor(make_case(status={"acts": False, "actor": "pid 7 holds the lease"}))
    assert (observes.health, actor_checks.one_actor(make_case(status={})).health) == (Health.WARNING, Health.OK)


async def _written(path: Path) -> None:
    journal = Journal(path, "gateway")
    journal.start()
    await journal.intent(an_act())
    assert await asyncio.to_thread(journal.close, 10.0)


async def test_a_journal_is_whole_damaged_or_not_there_and_looking_leaves_nothing_behind(
    make_case: MakeCase, folder: Path
) -> None:
    case = make_case()
    missing = journal_checks.integrity(case)
    await _written(case.journal)
    before = sorted(path.name for path in case.journal.parent.iterdir())
    whole = journal_checks.integrity(case)
    after = sorted(path.name for path in case.journal.parent.iterdir())
    data = bytearray(case.journal.read_bytes())
    data[4096 : 4096 * 4] = bytes(4096 * 3)
    case.journal.write_bytes(data)
    torn = journal_checks.integrity(case)
    case.journal.write_bytes(b"no database at all" * 100)
    foreign = journal_checks.integrity(case)
    assert [f.health for f in (missing, whole, torn, foreign)] == [
        Health.SKIPPED,
        Health.OK,
        Health.FAILURE,
        Health.FAILURE,
    ]
    assert before == after
    assert folder in case.journal.parents


async def test_a_journal_far_above_its_bound_and_one_that_was_set_aside_are_told(
    make_case: MakeCase,
) -> None:
    case = make_case()
    assert journal_checks.size(case).health is Health.SKIPPED
    await _written(case.journal)
    assert journal_checks.size(case).health is Health.OK
    assert journal_checks.judge_size(case.journal, 1024).health is Health.WARNING
    assert journal_checks.set_aside(case).health is Health.OK
    for suffix in ("", "-wal"):
        case.journal.with_name(f"{case.journal.name}.corrupt-20261121T040000{suffix}").touch()
    found = journal_checks.set_aside(case)
    assert (found.health, "1 damaged" in found.text) == (Health.WARNING, True)


@pytest.mark.parametrize(
    ("free_bytes", "health"), [(10 * MIB, Health.FAILURE), (100 * MIB, Health.WARNING), (10_000 * MIB, Health.OK)]
)
def test_a_disk_without_room_is_told(folder: Path, free_bytes: int, health: Health) -> None:
    seen: list[Path] = []

    def free(place: Path) -> int:
        seen.append(place)
        return free_bytes

    assert journal_checks.judge_disk(folder / "not" / "yet", free).health is health
    assert seen == [folder]


def test_this_disk_is_really_measured(make_case: MakeCase) -> None:
    assert "MiB free" in journal_checks.disk(make_case()).text


@pytest.mark.parametrize(
    ("health", "facts"),
    [
        (Health.OK, {}),
        (Health.WARNING, {"dropped": 3}),
        (Health.FAILURE, {"degraded": True, "problem": "disk full"}),
    ],
)
def test_an_agent_that_cannot_write_is_told(make_case: MakeCase, health: Health, facts: dict[str, object]) -> None:
    told = {"degraded": False, "problem": "", "dropped": 0, "late_intents": 0} | facts
    assert journal_checks.writing(make_case(about={"journal_health": told})).health is health
    assert journal_checks.writing(make_case()).health is Health.SKIPPED


def test_settings_that_cannot_be_used_and_variables_without_a_setting_are_told(make_case: MakeCase) -> None:
    case = make_case()
    sick = make_case(config_problem="a.toml:2: unknown key", settings=Settings(warnings=("LIVEWATCH_X is no setting",)))
    assert [look(case).health for look in (config_checks.settings, config_checks.variables)] == [Health.OK, Health.OK]
    assert config_checks.settings(sick).health is Health.FAILURE
    assert config_checks.variables(sick).health is Health.WARNING


@pytest.mark.parametrize(
    ("mode", "dry_run", "socket", "health"),
    [
        (Mode.OBSERVE, False, False, Health.OK),
        (Mode.ABORT, False, True, Health.OK),
        (Mode.ABORT, False, False, Health.WARNING),
        (Mode.ABORT, True, True, Health.WARNING),
    ],
)
def test_a_mode_that_can_do_nothing_is_told(
    make_case: MakeCase, mode: Mode, *, dry_run: bool, socket: bool, health: Health
) -> None:
    target = {"socket": Path("/run/control")} if socket else {}
    case = make_case(policy=Policy(mode=mode, dry_run=dry_run), target=target)
    assert config_checks.recovery(case).health is health


@pytest.mark.parametrize(
    ("mode", "command", "health"),
    [
        (Mode.ABORT, (), Health.SKIPPED),
        (Mode.RESTART, (), Health.WARNING),
        (Mode.RESTART, ("no-such-program-here",), Health.FAILURE),
        (Mode.RESTART, (sys.executable, "-c", "pass"), Health.OK),
    ],
)
def test_a_restart_command_must_exist(
    make_case: MakeCase, mode: Mode, command: tuple[str, ...], health: Health
) -> None:
    case = make_case(policy=Policy(mode=mode, restart_command=command))
    assert config_checks.restart_command(case).health is health
