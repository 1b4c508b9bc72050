"""What is written as TOML reads back as the same tables, in the form that people write."""

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.durations import parse_duration
from livewatch.simulation.random_worlds import random_tables, run_random_world
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import read_scenario
from livewatch.simulation.toml_text import exact, toml_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.5, "500ms"),
        (7.25, "7.25s"),
        (130, "2m10s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (90061.5, "25h1m1.5s"),
    ],
)
def test_durations_are_written_as_people_write_them(seconds: float, text: str) -> None:
    assert exact(seconds) == text


@given(st.floats(min_value=0, max_value=1e7))
def test_no_duration_loses_more_than_half_a_millisecond(seconds: float) -> None:
    assert parse_duration(exact(seconds)) == pytest.approx(seconds, abs=0.000_501)


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_random_world_reads_back_as_it_was(seed: int) -> None:
    raw = random_tables(seed, 6.0)

    assert tomllib.loads(toml_text(raw)) == raw


def test_strange_names_and_texts_read_back() -> None:
    raw = {"title": 'a "quoted"\n\\ title\x7fé', "sessions": {"agent:main.é": {"hides": ["id"]}}, "agent": {}}

    assert tomllib.loads(toml_text(raw)) == raw


def test_long_turns_stand_one_step_a_line() -> None:
    step = {"model": "gpt", "takes": ["5s", "2m"], "progress": "3s", "hangs": True, "touches": "5s"}

    text = toml_text({"script": [{"do": "message", "turn": [step] * 3}]})

    assert text.count('\n    { model = "gpt"') == 3


def test_a_random_world_happens_again_from_its_file() -> None:
    world = run_random_world(5, 6.0)
    text = toml_text(random_tables(5, 6.0))

    again = run_scenario(read_scenario(Path("again.toml"), text))

    assert world.record.afflictions
    assert asdict(again.record) == asdict(world.record)
