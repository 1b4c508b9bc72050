"""Runs that never reported anything are left alone; a hung tool is ended whatever is reported around it."""

import pytest

from tests.public_cases.conftest import Case
from tests.waiting import until

ROUNDS = 30


@pytest.mark.invariant(9)
@pytest.mark.parametrize("work", ["asleep", "computing"])
def test_a_run_that_was_never_heard_lives_where_one_that_fell_silent_later_is_aborted(case: Case, work: str) -> None:
    gateway = case.gateway()
    case.agent()
    gateway.do(work, "agent:unheard")
    gateway.do("heard", "agent:heard")
    until(lambda: gateway.pulled("agent:heard") == 1, "the abort of the run that was heard")
    until(lambda: case.reason("agent:unheard") == "progress_unknown", "the other one's label")
    case.rounds(ROUNDS)

    assert gateway.pulled("agent:unheard") == 0


def test_a_hung_run_is_reported_and_nothing_is_done_to_it_where_no_mode_is_set(case: Case) -> None:
    case.configure(mode="")
    gateway = case.gateway()
    case.agent()
    gateway.do("heard", "agent:main")
    until(lambda: case.attention("agent:main") == "stalled", "its label")
    case.rounds(ROUNDS)

    assert case.status()["mode"] == "observe"
    assert gateway.heard("pulled") == []


@pytest.mark.parametrize("fact", ["queue", "state", "store", "heartbeat"])
def test_a_hung_tool_is_aborted_while_the_same_facts_are_reported_again_and_again(case: Case, fact: str) -> None:
    gateway = case.gateway()
    case.agent()
    gateway.do("tool", "agent:main")
    gateway.do("repeat", fact)
    until(lambda: gateway.pulled("agent:main") == 1, "the abort of the tool's run")

    (pulled,) = gateway.heard("pulled")
    assert "tool_call" in pulled["cause"]
