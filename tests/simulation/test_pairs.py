"""Pairs that look alike and want opposite answers: no single threshold gets both right, so both run in one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import LIVEWATCH, Run, run_scenario
from livewatch.simulation.schema import load_scenario
from livewatch_classifiers.vocabulary import ActionKind

PAIRS = Path(__file__).parents[1] / "scenarios" / "pairs"


def run(name: str, rules: str = LIVEWATCH) -> Run:
    return run_scenario(load_scenario(PAIRS / f"{name}.toml"), rules)


def right(name: str) -> Run:
    done = run(name)
    assert done.passed, "\n".join(failure_lines(done))
    return done


def touched(done: Run) -> set[str]:
    return {deed.action.session for deed in done.record.deeds}


def repaired(done: Run) -> Iterator[str]:
    return (a.session for a in done.record.afflictions if a.until_s is not None)


def test_a_late_tick_with_a_healthy_loop_and_with_a_frozen_one() -> None:
    healthy_loop, frozen_loop = right("late_tick_healthy_loop"), right("late_tick_frozen_loop")

    assert list(repaired(healthy_loop))
    assert not frozen_loop.record.afflictions
    assert not touched(frozen_loop)


def test_stream_events_without_new_content_and_new_content_without_tokens() -> None:
    touches, content = right("touches_without_content"), right("content_without_tokens")

    assert list(repaired(touches))
    assert not touched(content)


def test_a_keepalive_over_a_dead_tool_and_a_silent_tool_that_is_alive() -> None:
    dead, alive = right("keepalive_over_a_dead_tool"), right("silent_tool_that_is_alive")

    assert list(repaired(dead))
    assert not touched(alive)


def test_a_delivered_question_and_an_undelivered_one() -> None:
    delivered, undelivered = right("delivered_question"), right("undelivered_question")

    assert not delivered.record.told
    assert undelivered.record.told
    assert not touched(delivered) | touched(undelivered)


def test_a_model_call_silent_for_380_s_that_is_healthy_and_one_that_is_dead() -> None:
    alive, dead = right("model_call_silent_380s_alive"), right("model_call_silent_380s_dead")

    assert not touched(alive)
    assert list(repaired(dead))


def test_one_hung_session_whose_lock_storm_starves_all_others() -> None:
    storm = right("lock_storm_of_one_hung_session")

    assert touched(storm) == set(repaired(storm))
    assert len(touched(storm)) == 1
    assert {deed.action.kind for deed in storm.record.deeds} <= {ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR}


@pytest.mark.parametrize("rules", ["reference-286964c", "reference-2026.9", "timeout-only", "phi-accrual"])
def test_each_rule_set_with_one_threshold_gets_some_half_of_a_pair_wrong(rules: str) -> None:
    wrong: list[str] = []
    for path in sorted(PAIRS.glob("*.toml")):
        record = run(path.stem, rules).record
        unrepaired = any(a.until_s is None and a.told_s is None for a in record.afflictions)
        if unrepaired or any(deed.false for deed in record.deeds):
            wrong.append(path.stem)

    assert wrong


def test_a_fast_loop_for_ever_and_one_that_ends() -> None:
    """Python gateways, defect 1: a loop of 80 ms was labelled for ever and never ended."""
    dead, alive = right("fast_loop_of_80_ms"), right("fast_loop_that_ends")

    assert list(repaired(dead))
    assert not touched(alive)


def test_a_drain_behind_a_hung_run_and_one_behind_a_healthy_run() -> None:
    hung, healthy = right("drain_behind_a_hung_run"), right("drain_behind_a_healthy_run")

    assert list(repaired(hung))
    assert not touched(healthy)
