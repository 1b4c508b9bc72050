"""The rule sets to compare with behave as the reports say that their originals do."""

from pathlib import Path

import pytest

from livewatch.simulation.runner import Run, run_scenario
from livewatch.simulation.schema import read_scenario
from livewatch.simulation.score import score
from livewatch_classifiers.vocabulary import ActionKind

HEAD = 'title = "t"\nduration = "90m"\n[sessions.s]\n[[script]]\nat = "0s"\ndo = "message"\nto = "s"\n'
HUNG_MODEL = HEAD + 'turn = [{ model = "m", hangs = true }]\n'
SILENT_TOOL = HEAD + 'turn = [{ tool = "exec", takes = "14m" }]\n'
LOCAL_MODEL = HEAD + 'turn = [{ model = "ollama", takes = "19m", declares = "20m" }]\n'
LATE_TICKS = HUNG_MODEL + '[[script]]\nat = "0s"\ndo = "agent_late"\nby = "1.5s"\nfor = "3h"\n'
BLOCKED = (
    HEAD
    + 'turn = [{ model = "m", takes = "30m", progress = "5s" }]\n[[script]]\nat = "5m"\ndo = "block_loop"\nfor = "7m"\n'
)
KEEPALIVES = HEAD + 'turn = [{ model = "m", hangs = true, touches = "5s" }]\n'
TRICKLE = HEAD + 'turn = [{ model = "m", takes = "25m", progress = "9s" }]\n'


def run(rules: str, text: str) -> Run:
    return run_scenario(read_scenario(Path("one.toml"), text), rules)


def kinds(rules: str, text: str) -> list[ActionKind]:
    return [deed.action.kind for deed in run(rules, text).record.deeds]


@pytest.mark.parametrize("rules", ["reference-286964c", "reference-2026.9"])
def test_the_reference_aborts_a_hung_model_call_after_360_s_on_its_30_s_grid(rules: str) -> None:
    (deed,) = run(rules, HUNG_MODEL).record.deeds

    assert deed.action.kind is ActionKind.ABORT_RUN
    assert 360 <= deed.at_s <= 391


def test_only_the_older_reference_aborts_a_tool_that_is_silent_for_14_min() -> None:
    assert kinds("reference-286964c", SILENT_TOOL)
    assert not kinds("reference-2026.9", SILENT_TOOL)


def test_only_the_newer_reference_knows_the_provider_s_own_ceiling() -> None:
    assert kinds("reference-286964c", LOCAL_MODEL)
    assert not kinds("reference-2026.9", LOCAL_MODEL)


def test_late_ticks_switch_the_newer_reference_off() -> None:
    assert kinds("reference-286964c", LATE_TICKS)
    assert not kinds("reference-2026.9", LATE_TICKS)


def test_a_blocked_loop_makes_the_older_reference_abort_a_healthy_run_when_it_wakes_up() -> None:
    assert [deed.false for deed in run("reference-286964c", BLOCKED).record.deeds] == [True]
    assert not kinds("reference-2026.9", BLOCKED)


@pytest.mark.parametrize("rules", ["reference-286964c", "reference-2026.9"])
def test_keepalives_of_a_dead_stream_keep_the_reference_quiet(rules: str) -> None:
    assert not kinds(rules, KEEPALIVES)


def test_timeout_only_aborts_whatever_is_older_than_ten_minutes() -> None:
    (deed,) = run("timeout-only", TRICKLE).record.deeds

    assert deed.false
    assert 600 <= deed.at_s <= 661


def test_phi_accrual_suspects_a_break_in_the_rhythm_and_leaves_a_steady_one_alone() -> None:
    assert ActionKind.ABORT_RUN in kinds("phi-accrual", HUNG_MODEL)
    assert not kinds("phi-accrual", TRICKLE)


def test_restart_on_hang_restarts_a_gateway_that_fails_two_checks_and_kills_its_healthy_run() -> None:
    done = run("restart-on-hang", BLOCKED)

    assert {deed.action.kind for deed in done.record.deeds} == {ActionKind.RESTART_TARGET}
    assert score("restart-on-hang", [done]).killed == 1


def test_every_rule_set_lives_in_the_same_world() -> None:
    worlds = [run(rules, HUNG_MODEL).record for rules in ("livewatch", "timeout-only", "phi-accrual")]

    assert {record.afflictions[0].since_s for record in worlds} == {worlds[0].afflictions[0].since_s}
    assert {record.afflictions[0].fault for record in worlds} == {worlds[0].afflictions[0].fault}
