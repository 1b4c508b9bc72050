"""Each misfortune is in the worlds that are asked for it, the right agent survives it, and a wrong one is noticed."""

from pathlib import Path

import pytest

from livewatch.agent import Agent
from livewatch.simulation.plan import Ending
from livewatch.simulation.random_misfortune import BLOWS
from livewatch.simulation.random_worlds import random_tables
from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import Run, run_scenario
from livewatch.simulation.schema import read_scenario, scenario_of
from tests.simulation.wrong_agents import (
    ActsOnUnknownState,
    BlamesAges,
    ForgetsWhoLeft,
    IgnoresTheLease,
    NamesNoRun,
    NeverActs,
    NeverTells,
    RepeatsBlindly,
    SeesNoWaits,
    TakesEverythingForProgress,
    TrustsTheWallClock,
)

HOURS = 2.0
WORLDS = range(1, 31)
UNREPAIRED = "invariant: a dead session is repaired within 45m00s"
TOUCHED = "invariant: no healthy session is touched"


def run_world(seed: int, only: tuple[str, ...], agent_type: type[Agent] = Agent) -> Run:
    return run_scenario(scenario_of(Path("world.toml"), random_tables(seed, HOURS, only)), agent_type=agent_type)


@pytest.mark.parametrize("name", sorted(BLOWS))
def test_the_right_agent_survives_worlds_full_of_one_misfortune(name: str) -> None:
    for seed in range(1, 4):
        run = run_world(seed, (name,))

        verbs = {entry.text.split()[0] for entry in run.scenario.script}
        assert verbs - {"message"}, "it is there"
        assert run.passed, "\n".join(failure_lines(run))


@pytest.mark.invariant(1)
@pytest.mark.parametrize(
    ("only", "wrong", "broken"),
    [
        (("block_loop",), BlamesAges, TOUCHED),
        (("stop_process",), BlamesAges, TOUCHED),
        (("thrash",), BlamesAges, TOUCHED),
        (("thrash_with_gasps",), BlamesAges, TOUCHED),
        (("suspend",), TrustsTheWallClock, TOUCHED),
        (("wall_jump",), TrustsTheWallClock, TOUCHED),
        (("provider_dies",), NeverActs, UNREPAIRED),
        (("hang",), NeverActs, UNREPAIRED),
        (("end_run",), NeverActs, UNREPAIRED),
        (("forget_child",), NeverActs, UNREPAIRED),
        (("lose_owner",), TakesEverythingForProgress, UNREPAIRED),
        (("board_full",), ForgetsWhoLeft, UNREPAIRED),
        (("drain",), SeesNoWaits, TOUCHED),
        (("cut_socket", "hang"), NamesNoRun, TOUCHED),
        (("reset", "hang", "second_wind"), NamesNoRun, TOUCHED),
        (("crash_agent", "hang"), RepeatsBlindly, TOUCHED),
        (("hide",), ActsOnUnknownState, TOUCHED),
    ],
    ids=lambda value: (
        value.__name__ if isinstance(value, type) else "-".join(value) if isinstance(value, tuple) else ""
    ),
)
def test_a_wrong_agent_breaks_an_invariant_under_it(only: tuple[str, ...], wrong: type[Agent], broken: str) -> None:
    failures = (failure.what for seed in WORLDS for failure in run_world(seed, only, wrong).failures)

    assert broken in failures


def test_worlds_are_of_every_size_with_wide_and_narrow_lanes() -> None:
    worlds = [random_tables(seed, HOURS) for seed in range(1, 200)]
    sizes = sorted(len(raw["sessions"]) - 1 for raw in worlds)
    slots = {lane["slots"] for raw in worlds for lane in raw["lanes"].values()}
    kinds = {lane["kind"] for raw in worlds for lane in raw["lanes"].values()}

    assert sizes[0] == 1
    assert sizes[-1] > 40
    assert slots == {1, 2, 3, 6}
    assert kinds == {"main", "cron", "subagent", "nested"}


def test_owners_die_in_every_way_that_is_to_be_repaired() -> None:
    ways = {
        entry["how"]
        for seed in range(1, 60)
        for entry in random_tables(seed, HOURS, ("end_run",))["script"]
        if entry["do"] == "end_run"
    }

    assert ways == {ending.value for ending in Ending} - {"clean"}


def two_agents(seed: int, agent_type: type[Agent] = Agent) -> Run:
    raw = random_tables(seed, HOURS, ("crash_agent", "hang"))
    raw["agent"]["count"] = 2
    return run_scenario(scenario_of(Path("world.toml"), raw), agent_type=agent_type)


def test_of_two_agents_one_acts_and_the_other_takes_over_when_it_dies() -> None:
    runs = [two_agents(seed) for seed in range(1, 11)]

    assert all(run.passed for run in runs), "\n".join(line for run in runs for line in failure_lines(run))
    assert {deed.by for run in runs for deed in run.record.deeds} == {"livewatch", "livewatch-2"}


def test_two_agents_that_both_act_are_noticed() -> None:
    failures = (failure.what for seed in WORLDS for failure in two_agents(seed, IgnoresTheLease).failures)

    assert "invariant: only the agent that holds the lease acts" in failures


HUNG = """
title = "t"
duration = "30m"
[sessions.s]
[[script]]
at = "0s"
do = "message"
to = "s"
turn = [{ model = "m", hangs = true }]
"""


@pytest.mark.parametrize("hidden", ["progress", "activity", "run", "wait", "state"])
def test_an_agent_that_tells_nobody_is_noticed_where_only_a_person_can_help(hidden: str) -> None:
    text = HUNG.replace('duration = "30m"', 'duration = "1h"').replace(
        "[sessions.s]", f'[sessions.s]\nhides = ["{hidden}"]'
    )
    scenario = read_scenario(Path("hidden.toml"), text)

    assert run_scenario(scenario).passed
    assert [failure.what for failure in run_scenario(scenario, agent_type=NeverTells).failures] == [
        "invariant: a dead session is repaired within 20m00s",
        "invariant: every sick verdict leads somewhere",
    ]


def test_who_waits_for_a_person_has_no_child_to_forget() -> None:
    asks = HUNG.replace('{ model = "m", hangs = true }', '{ ask = "approval", tool = "exec" }')
    forgets = '[[script]]\nat = "1m"\ndo = "forget_child"\nsession = "s"\n'

    assert not run_scenario(read_scenario(Path("forget.toml"), asks + forgets)).record.afflictions


def cut(where: str) -> Run:
    text = f'{HUNG}[[script]]\nat = "5m"\ndo = "cut_socket"\nwhere = "{where}"\nfor = "3m"\nby = "20s"\n'
    return run_scenario(read_scenario(Path("cut.toml"), text))


@pytest.mark.parametrize(("where", "arrives"), [("request", 0), ("reply", 1), ("late", 1)])
def test_a_socket_hangs_before_in_or_after_the_question(where: str, arrives: int) -> None:
    record = cut(where).record
    during = [deed for deed in record.deeds if deed.at_s < 8 * 60]
    (first, *_) = [done for _, done in record.completed]

    assert len(during) == arrives
    assert first.reply.status.value == "timed_out"
    assert record.afflictions[0].until_s is not None


def test_who_has_no_slot_on_the_board_is_not_seen_and_its_bound_waits() -> None:
    text = f'{HUNG}[[script]]\nat = "1m"\ndo = "board_full"\nsession = "s"\nfor = "20m"\n'
    run = run_scenario(read_scenario(Path("full.toml"), text))

    assert run.record.unseen_s == {"s": [(60, 1260)]}
    assert run.record.deeds[0].at_s > 1260
    assert run.passed


@pytest.mark.parametrize(("where", "arrived"), [("between_ticks", 1), ("before_act", 1), ("after_act", 1)])
def test_an_agent_that_dies_anywhere_is_followed_by_one_that_knows_what_was_done(where: str, arrived: int) -> None:
    crash = f'[agent]\nremembers = true\n[[script]]\nat = "5m"\ndo = "crash_agent"\nwhere = "{where}"\nfor = "1m"\n'
    run = run_scenario(read_scenario(Path("crash.toml"), HUNG + crash))
    record = run.record

    assert len(record.deeds) == arrived
    assert record.blind_s, "nobody watched for a while"
    assert record.afflictions[0].until_s is not None
    assert run.passed
