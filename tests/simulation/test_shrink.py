"""A failing world is cut down to what it fails of, and the file that is kept fails in the same way."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from livewatch.agent import Agent
from livewatch.durations import parse_duration
from livewatch.simulation.kept_failure import keep_failure
from livewatch.simulation.random_worlds import random_tables
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.scenario import Failure
from livewatch.simulation.schema import load_scenario, scenario_of
from livewatch.simulation.shrink import Shrinker, Size
from livewatch.simulation.toml_text import Raw
from tests.simulation.wrong_agents import BlamesAges, NeverActs

HOURS = 2.0


def broken_world(agent_type: type[Agent]) -> tuple[Raw, Failure]:
    for seed in count(1):
        raw = random_tables(seed, HOURS)
        failures = run_scenario(scenario_of(Path("world.toml"), raw), agent_type=agent_type).failures
        if failures:
            return raw, failures[0]
    raise AssertionError


@pytest.mark.parametrize(
    ("agent_type", "broken"),
    [
        (BlamesAges, "invariant: no healthy session is touched"),
        (NeverActs, "invariant: a dead session is repaired within 45m00s"),
    ],
)
def test_what_a_wrong_agent_breaks_is_kept_small_and_fails_again_and_not_under_the_right_one(
    agent_type: type[Agent], broken: str, tmp_path: Path
) -> None:
    raw, failure = broken_world(agent_type)

    kept = keep_failure(tmp_path / "kept.toml", raw, failure, over=lambda: False, agent_type=agent_type)

    scenario = load_scenario(kept.path)
    again = run_scenario(scenario, agent_type=agent_type)
    assert failure.what == broken
    assert failure.symptom in [f.symptom for f in again.failures]
    assert (kept.after.sessions, len(scenario.script) <= 3) == (1, True)
    assert kept.after.duration_s < kept.before.duration_s
    assert run_scenario(scenario).passed


def entry(at: str, who: str, **rest: Any) -> Raw:
    return {"at": at, "do": "message", "to": who, **rest}


def a_world() -> Raw:
    script = [entry(f"{number * 61.357:.3f}s", f"s{number % 5}", count=number + 1) for number in range(40)]
    return {"title": "t", "duration": "2h", "seed": 9, "sessions": {f"s{n}": {} for n in range(5)}, "script": script}


FAILURE = Failure("it breaks", "so", 2400.0, "s3")


def two_messages_break_it(raw: Raw) -> tuple[Failure, ...]:
    said = {e["to"] for e in raw["script"]}
    return (FAILURE,) if said >= {"s1", "s3"} and said <= raw["sessions"].keys() else ()


def test_only_what_is_needed_is_left() -> None:
    shrinker = Shrinker(a_world(), FAILURE, two_messages_break_it)

    smallest = shrinker.shrink()

    assert sorted(e["to"] for e in smallest["script"]) == ["s1", "s3"]
    assert sorted(smallest["sessions"]) == ["s1", "s3"]
    assert all(e["at"] == "0ms" and "count" not in e for e in smallest["script"])
    assert "seed" not in smallest


def test_another_failure_is_not_the_same() -> None:
    def breaks_otherwise(raw: Raw) -> tuple[Failure, ...]:
        return (FAILURE,) if len(raw["script"]) == 40 else (Failure("it breaks in another way", "so"),)

    raw = a_world()
    raw["duration"] = "40m5s"

    assert len(Shrinker(raw, FAILURE, breaks_otherwise).shrink()["script"]) == 40


def test_when_the_time_is_over_the_smallest_so_far_is_the_result() -> None:
    runs: list[Size] = []
    shrinker = Shrinker(
        a_world(),
        FAILURE,
        two_messages_break_it,
        over=lambda: len(runs) >= 5,
        progress=lambda shrinker: runs.append(shrinker.size),
    )

    smallest = shrinker.shrink()

    assert len(runs) == 5
    assert two_messages_break_it(smallest)
    assert len(smallest["script"]) < 40


def test_healthy_work_never_becomes_more_silent_and_a_trouble_never_endless() -> None:
    step = {"model": "m", "takes": "7m", "progress": "20s", "declares": "33m"}
    raw = a_world()
    raw["script"] = [entry("1s", "s1", turn=[step]), {"at": "3s", "do": "hide", "session": "s3", "for": "77s"}]

    def work_and_trouble_break_it(raw: Raw) -> tuple[Failure, ...]:
        steps = raw["script"][0].get("turn")
        return (FAILURE,) if len(raw["script"]) == 2 and steps and "takes" in steps[0] else ()

    smallest = Shrinker(raw, FAILURE, work_and_trouble_break_it).shrink()

    (work,) = smallest["script"][0]["turn"]
    assert work["declares"] == "33m"
    assert parse_duration(work["progress"]) <= 20
    assert parse_duration(work["takes"]) <= 420
    assert parse_duration(smallest["script"][1]["for"]) <= 77
