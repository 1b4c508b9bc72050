"""A hold past its bound is told once and ended once, and never opens its gate."""

from dataclasses import replace

import pytest

from livewatch.configuration.load import ConfigError, build_section
from livewatch.recovery.hold_clock import HoldClock
from livewatch.recovery.holds import OperatorHold
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Reason
from tests.recovery.clinic import POLICY, clinic, hung
from tests.test_agent import Stage

BOUNDED = Policy(hold_bound_s=60.0, hold_bounds_s={Gate.BUDGET: 10.0})


def hold(gate: Gate = Gate.OWNER_ABSENT, session: str = "s") -> Hold:
    return Hold(session, ActionKind.ABORT_RUN, gate, Reason.BLOCKED_TOOL_CALL, "why")


def overdue_at(gates: list[Gate | None], policy: Policy = BOUNDED, every_s: float = 1.0) -> list[list[Gate]]:
    """Return what is overdue after each tick in which these gates held, one per tick."""
    clock, seen = HoldClock(), list[list[Gate]]()
    for number, gate in enumerate(gates):
        clock = clock.observed([hold(gate)] if gate is not None else [], policy, number * every_s)
        seen.append([gate for _, gate in clock.overdue])
    return seen


def test_a_hold_is_overdue_from_its_bound_on_and_not_before() -> None:
    seen = overdue_at([Gate.OWNER_ABSENT] * 70)

    assert seen[59] == []
    assert seen[60] == seen[69] == [Gate.OWNER_ABSENT]


def test_a_gate_with_a_bound_of_its_own_uses_that_one() -> None:
    seen = overdue_at([Gate.BUDGET] * 12)

    assert (seen[9], seen[10]) == ([], [Gate.BUDGET])


def test_it_ends_when_the_gate_lets_go() -> None:
    assert overdue_at([Gate.BUDGET] * 11 + [None] + [Gate.BUDGET] * 10)[10:] == [[Gate.BUDGET]] + [[]] * 11


def test_an_attempt_does_not_begin_the_count_anew_and_the_end_of_the_sickness_does() -> None:
    """One try an hour, each of which freed the gate for a moment: nobody was ever told (J4)."""
    clock = HoldClock()
    for number in range(9):
        clock = clock.observed([hold(Gate.BUDGET)], BOUNDED, number)
    attempted = clock.observed([], BOUNDED, 9.0, pending=frozenset({"s"}))
    resumed = attempted.observed([hold(Gate.BUDGET)], BOUNDED, 60.0).observed([hold(Gate.BUDGET)], BOUNDED, 62.0)
    well = clock.observed([], BOUNDED, 9.0).observed([hold(Gate.BUDGET)], BOUNDED, 60.0)

    assert list(resumed.overdue) == [("s", Gate.BUDGET)]
    assert well.held_s("s", Gate.BUDGET) == 0.0


def test_gates_that_take_turns_cannot_hide_behind_each_other() -> None:
    """OpenClaw 142200: recovery was deferred for ever, each time for a short while."""
    seen = overdue_at([Gate.OWNER_ABSENT, Gate.OWNER_ABSENT, Gate.RESPONSIVE] * 61)

    assert [Gate.OWNER_ABSENT] in seen


def test_quarantine_is_told_at_once_because_only_a_person_ends_it() -> None:
    assert overdue_at([Gate.QUARANTINE], Policy()) == [[Gate.QUARANTINE]]


def test_an_infinite_bound_tells_nobody() -> None:
    never = replace(BOUNDED, hold_bounds_s={Gate.MODE: float("inf")})

    assert overdue_at([Gate.MODE] * 3, never, every_s=1e9) == [[]] * 3


def test_every_gate_has_a_finite_bound_by_default() -> None:
    assert all(Policy().hold_bound_of(gate) < float("inf") for gate in Gate)


def test_the_bound_of_backoff_and_budget_is_longer_than_what_they_hold_by_themselves() -> None:
    policy = Policy()

    assert policy.hold_bound_of(Gate.BACKOFF) > policy.backoff_maximum_s * (1 + policy.backoff_jitter)
    assert policy.hold_bound_of(Gate.BUDGET) > policy.budget_window_s


def test_bounds_can_be_set_per_gate_and_keep_the_other_defaults() -> None:
    policy = build_section("recovery", {"hold_bounds": {"budget": "2m"}})

    assert policy.hold_bound_of(Gate.BUDGET) == 120.0
    assert policy.hold_bound_of(Gate.QUARANTINE) == 0.0


@pytest.mark.parametrize("table", [{"budgt": "2m"}, {"budget": "soon"}, "2m"])
def test_bounds_that_cannot_be_used_are_refused_by_name(table: object) -> None:
    with pytest.raises(ConfigError, match=r"recovery\.hold_bounds"):
        build_section("recovery", {"hold_bounds": table})


def test_the_bound_never_triggers_the_held_action() -> None:
    patient = clinic(hung(), policy=replace(POLICY, mode=Mode.OBSERVE))
    decisions = [decision for _ in range(100) for decision in patient.tick(600)]

    assert not [decision for decision in decisions if isinstance(decision, Act)]


async def test_the_agent_tells_a_hold_past_its_bound_once_and_its_end_once() -> None:
    stage = Stage()
    stage.agent.policy = replace(stage.agent.policy, hold_bounds_s={Gate.OPERATOR_HOLD: 5.0})
    stage.agent.controls.holds.hold(OperatorHold("s"))
    reports = [await stage.tick() for _ in range(10)]
    stage.agent.controls.holds.resume("s")
    reports += [await stage.tick() for _ in range(3)]

    assert [len(report.overdue_holds) for report in reports] == [0] * 5 + [1] + [0] * 7
    assert [len(report.overdue_ended) for report in reports] == [0] * 10 + [1] + [0] * 2
    assert [len(report.overdue) for report in reports] == [0] * 5 + [1] * 5 + [0] * 3
    told = reports[5].overdue_holds[0]
    assert (told.gate, told.session, told.held_s, told.bound_s) == (Gate.OPERATOR_HOLD, "s", 5.0, 5.0)
    assert reports[9].overdue[0].overdue_since_s == told.overdue_since_s
    assert reports[9].overdue[0].held_s == 9.0
