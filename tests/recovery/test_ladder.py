"""The next rung comes only after the one before was seen to fail."""

from dataclasses import replace

import pytest

from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Outcome
from tests.recovery.clinic import POLICY, Clinic, clinic, hung, orphaned, the_act, the_gate

PATIENT_POLICY = replace(POLICY, ineffective_repairs=99)


def climb(patient: Clinic, times: int) -> list[ActionKind]:
    """Let every action fail, and wait out whatever holds the next one."""
    kinds: list[ActionKind] = []
    for _ in range(times):
        patient.until_confirmed()
        act = the_act(patient.tick(4000)) if not patient.memory.pending() else None
        action = act.action if act is not None else patient.memory.pending()[0]
        kinds.append(action.kind)
        if act is None:
            verdict = patient.verdicts()[action.session]
            act = type("Sent", (), {"action": action, "verdict": verdict})()
        patient.settle(act, Outcome.INEFFECTIVE)
    return kinds


def test_a_release_is_tried_twice_before_the_session_is_evicted() -> None:
    kinds = climb(clinic(orphaned(), policy=PATIENT_POLICY), 3)

    assert kinds == [ActionKind.RELEASE_LANE, ActionKind.RELEASE_LANE, ActionKind.EVICT_SESSION]


@pytest.mark.invariant(2)
def test_an_abort_that_failed_is_followed_by_a_force_clear_and_then_a_release() -> None:
    kinds = climb(clinic(hung(), policy=PATIENT_POLICY), 2)

    assert kinds == [ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR]


def test_a_force_clear_waits_for_the_grace_of_the_abort() -> None:
    patient = clinic(hung(), policy=PATIENT_POLICY)
    patient.settle(the_act(patient.until_confirmed()), Outcome.INEFFECTIVE)

    assert the_gate(patient.until_confirmed()) is Gate.ABORT_GRACE
    assert the_act(patient.tick(POLICY.force_clear_after_s)).action.kind is ActionKind.FORCE_CLEAR


def test_a_rung_that_the_gateway_lacks_is_skipped() -> None:
    only_abort = frozenset({ActionKind.ABORT_RUN})
    kinds = climb(clinic(hung(), policy=PATIENT_POLICY, capabilities=only_abort), 2)

    assert kinds == [ActionKind.ABORT_RUN, ActionKind.ABORT_RUN]


def test_a_restart_is_the_last_rung_and_only_in_its_mode() -> None:
    capabilities = frozenset({ActionKind.ABORT_RUN, ActionKind.RESTART_TARGET})
    allowed = climb(clinic(hung(), policy=replace(PATIENT_POLICY, mode=Mode.RESTART), capabilities=capabilities), 2)
    forbidden = climb(clinic(hung(), policy=PATIENT_POLICY, capabilities=capabilities), 2)

    assert allowed == [ActionKind.ABORT_RUN, ActionKind.RESTART_TARGET]
    assert forbidden == [ActionKind.ABORT_RUN, ActionKind.ABORT_RUN]


@pytest.mark.invariant(20)
def test_two_ineffective_repairs_of_one_kind_in_a_row_end_in_quarantine() -> None:
    patient = clinic(
        hung(), capabilities=frozenset({ActionKind.ABORT_RUN}), policy=replace(POLICY, ineffective_repairs=1)
    )
    climb(patient, 2)

    assert the_gate(patient.until_confirmed()) is Gate.QUARANTINE
