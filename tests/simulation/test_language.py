"""What a first-time author of scenarios stumbled over: words that say it, and worlds that tell the truth."""

from pathlib import Path

import pytest

from livewatch.simulation.runner import Run, run_scenario
from livewatch.simulation.schema import read_scenario


def ran(text: str) -> Run:
    return run_scenario(read_scenario(Path("language.toml"), f'title = "t"\n{text}'))


def message(turn: str, to: str = "main") -> str:
    return f'[[script]]\nat = "10s"\ndo = "message"\nto = "{to}"\nturn = {turn}\n'


ALARMED = '[[expect]]\nsession = "main"\nnever_alarmed = true\n'


def test_never_alarmed_says_in_one_word_that_nothing_happened_to_a_healthy_session() -> None:
    streams = message('[{ model = "gpt", takes = "20m", progress = "5s" }]')
    run = ran(f'duration = "30m"\n[sessions.main]\n{streams}{ALARMED}')

    assert run.passed


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        ('[{ model = "gpt", hangs = true }]', "it was stalled/active_work_without_progress at 6m11s"),
        ('[{ ask = "question", delivered = false }]', "it was stalled/unanswered_wait at 41s"),
    ],
)
def test_never_alarmed_fails_at_the_first_alarm(turn: str, why: str) -> None:
    run = ran(f'duration = "30m"\n[sessions.main]\n{message(turn)}{ALARMED}')

    assert [failure.why for failure in run.failures] == [why]


VITALS = '[[script]]\nat = "5m"\ndo = "vitals"\nloop_delay_max = "24s"\nfor = "60s"\n'
BLOCK = '[[script]]\nat = "5m"\ndo = "block_loop"\nfor = "8s"\n'


@pytest.mark.parametrize(("befalls", "state"), [(VITALS, "degraded"), (BLOCK, "unresponsive")])
def test_an_idle_gateway_is_sampled_while_there_is_something_to_see(befalls: str, state: str) -> None:
    idle = f'duration = "10m"\n[sessions.main]\n{befalls}[[expect]]\n'

    assert ran(f'{idle}gateway_becomes = "{state}"\n').passed
    assert [f.what for f in ran(f'{idle}gateway_never_is = "{state}"\n').failures] == [f"gateway never is {state}"]


ONE_SLOT = (
    '[lanes.nested]\nkind = "nested"\n[sessions.a]\nlane = "nested"\n[sessions.b]\nlane = "{lane}"\n[lanes.other]\n'
)
DELEGATES = '[{ awaits = "b", spawns = [{ model = "gpt", takes = "20s", progress = "2s" }] }]'


def test_a_child_in_its_parents_own_lane_of_one_is_dead_in_truth_and_the_abort_is_right_openclaw_52271() -> None:
    run = ran('duration = "30m"\n' + ONE_SLOT.format(lane="nested") + message(DELEGATES, "a"))

    assert run.passed
    assert [(a.fault.value, a.ended_by) for a in run.record.afflictions] == [("lane_cycle", "abort_run")]
    assert not run.record.deeds[0].false


def test_a_child_in_a_lane_of_its_own_is_waited_for() -> None:
    run = ran('duration = "30m"\n' + ONE_SLOT.format(lane="other") + message(DELEGATES, "a"))

    assert run.passed
    assert not run.record.afflictions
    assert not run.record.deeds


TOLD_BEFORE_IT_DIED = """
duration = "3h"
repair_within = "45m"
[sessions.main]
hides = ["activity_owner"]
[[script]]
at = "10s"
do = "message"
to = "main"
turn = [{ tool = "exec", takes = "30m" }]
[[script]]
at = "20m"
do = "hang"
session = "main"
"""


def test_a_death_in_an_illness_of_which_a_person_was_told_already_was_not_passed_over() -> None:
    run = ran(TOLD_BEFORE_IT_DIED)
    assert run.passed, run.failures
    assert [death.told_s for death in run.record.afflictions] == [None]
    assert run.record.told["main"]
