"""The whole climb of a session is bounded, and the bound that explain prints is the one that is kept."""

from dataclasses import replace

import pytest

from livewatch.cli.explain import lines
from livewatch.local_api import views
from livewatch.recovery.climb import Climb, climb_bound
from livewatch.recovery.holds import OperatorHold
from livewatch.recovery.ladder import next_rung
from livewatch.recovery.outcome import patience_s
from livewatch.recovery.policy import judge
from livewatch.recovery.request import Request, Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers import GatewayIdentity, Session, Snapshot
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Outcome
from tests.recovery.clinic import EVERYTHING, Clinic, clinic, ghost, hung, orphaned, the_act, zombie
from tests.test_agent import Stage

POLICY = Policy(mode=Mode.ABORT, startup_grace_s=0.0)
FAULTS = pytest.mark.parametrize("session", [hung(), orphaned(), zombie(), ghost()], ids=lambda s: s.key)


def asked(patient: Clinic, key: str) -> Request:
    verdicts, look = patient.verdicts(), Snapshot(patient.vitals, patient.sessions, identity=GatewayIdentity(1, "s"))
    situation = Situation(look, verdicts, patient.health(), patient.capabilities)
    known = patient.memory.patients[key]
    session = patient.sessions[key]
    kind = next_rung(verdicts[key], session, known, patient.capabilities, patient.policy) or ActionKind.WAKE
    return Request(kind, session, verdicts[key], known, situation, patient.memory, patient.policy, patient.now_s)


def climbed(patient: Clinic, failure: Outcome) -> tuple[list[ActionKind], float, Gate]:
    """Let every rung fail as late as it can; return what was tried, for how long, and what leaves it to a person."""
    tried: list[ActionKind] = []
    began_s, sent_s, acts = patient.now_s, 0.0, list[Act]()
    for _ in range(20_000):
        decisions = patient.tick()
        ends = [d.gate for d in decisions if isinstance(d, Hold) and d.gate in (Gate.QUARANTINE, Gate.OWNER_ABSENT)]
        if ends:
            return tried, sent_s - began_s, ends[0]
        if acts and patient.now_s - sent_s > patience_s(tried[-1], patient.policy, run_gone=True):
            patient.settle(acts.pop(), failure)
            sent_s = patient.now_s
        if any(isinstance(d, Act) for d in decisions):
            acts.append(the_act(decisions))
            tried.append(acts[-1].action.kind)
            sent_s = patient.now_s
    raise AssertionError("the climb did not end")


@FAULTS
def test_no_climb_takes_longer_than_its_bound(session: Session) -> None:
    gaps_s = list[float]()
    for failure in (Outcome.INEFFECTIVE, Outcome.TIMED_OUT):
        patient = clinic(session, policy=POLICY)
        patient.tick()
        bound = climb_bound(asked(patient, session.key), interval_s=1.0)
        tried, took_s, gate = climbed(patient, failure)

        assert bound.quarantined
        assert len(tried) <= len(bound.steps)
        assert took_s <= bound.ends_in_s
        gaps_s.append(bound.ends_in_s - took_s - len(tried) - 1)
    assert gate is not Gate.QUARANTINE or min(gaps_s) <= 0.0  # and it is no guess


def test_the_bound_shrinks_as_the_climb_goes_on() -> None:
    patient = clinic(hung(), policy=POLICY)
    patient.tick()
    before = climb_bound(asked(patient, "hung"), interval_s=1.0)
    act = the_act(patient.until_confirmed())
    during = climb_bound(asked(patient, "hung"), interval_s=1.0)
    patient.tick(16.0)
    patient.settle(act, Outcome.INEFFECTIVE)
    after = climb_bound(asked(patient, "hung"), interval_s=1.0)

    assert [step.kind for step in during.steps] == [step.kind for step in before.steps][1:]
    assert after.ends_in_s < during.ends_in_s <= before.ends_in_s


def test_a_quarantined_session_has_no_climb_left() -> None:
    patient = clinic(hung(), policy=POLICY)
    patient.tick()
    request = asked(patient, "hung")

    assert climb_bound(replace(request, patient=replace(request.patient, quarantined=True)), interval_s=1.0) == Climb(
        (), 0.0, quarantined=True
    )


def test_what_is_not_offered_is_not_promised() -> None:
    patient = clinic(hung(), policy=POLICY, capabilities=frozenset({ActionKind.ABORT_RUN}))
    patient.tick()

    kinds = {step.kind for step in climb_bound(asked(patient, "hung"), interval_s=1.0).steps}
    assert kinds == {ActionKind.ABORT_RUN}


def test_a_restart_is_part_of_the_climb_where_it_is_configured() -> None:
    policy = replace(POLICY, mode=Mode.RESTART, restart_command=("true",), restart_verify_s=180.0)
    patient = clinic(zombie(), policy=policy, capabilities=EVERYTHING)
    patient.tick()
    steps = climb_bound(asked(patient, "zombie"), interval_s=1.0).steps

    assert steps[-1].kind is ActionKind.RESTART_TARGET
    assert steps[-1].seen_in_s - steps[-1].sent_in_s > policy.restart_verify_s
    assert isinstance(judge(asked(patient, "zombie")), Hold)  # confirmed first


async def test_explain_prints_the_climb_and_its_end() -> None:
    stage = Stage()
    stage.agent.controls.holds.hold(OperatorHold("s"))
    await stage.tick()
    document = views.explain(stage.agent, "s")
    assert document is not None
    printed = "\n".join(lines(document))

    assert document["next"]["climb"]["steps"][0]["action"] == "force_clear"
    assert "if nothing helps: force_clear within" in printed
    assert "the climb ends within" in printed
