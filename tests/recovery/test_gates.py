"""Each gate on both sides of its limit."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from livewatch.recovery import gates
from livewatch.recovery.memory import MassStall
from livewatch.recovery.request import Request
from livewatch_classifiers import Activity, Vitals, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass, Mode, Outcome, Phase, Presence, VitalsState
from tests.recovery.fake_gateway import NOW_S, POLICY, request, session, sick

R = request()
RELEASE = replace(R, kind=ActionKind.RELEASE_LANE, session=session(owner=Presence.ABSENT))
CLEAR = replace(R, kind=ActionKind.FORCE_CLEAR)
MASS = MassStall(NOW_S - 1)


def policy(**facts: object) -> Request:
    return replace(R, policy=replace(POLICY, **facts))  # type: ignore[arg-type]  # test shorthand


def patient(base: Request = R, **facts: object) -> Request:
    return replace(base, patient=replace(base.patient, **facts))  # type: ignore[arg-type]  # test shorthand


def memory(base: Request = R, **facts: object) -> Request:
    return replace(base, memory=replace(base.memory, **facts))  # type: ignore[arg-type]  # test shorthand


def seen(base: Request = R, **facts: object) -> Request:
    return replace(base, situation=replace(base.situation, **facts))  # type: ignore[arg-type]  # test shorthand


def vitals(vitals: Vitals) -> Request:
    return seen(snapshot=replace(R.situation.snapshot, vitals=vitals))


TRIED_ABORT = ((ActionKind.ABORT_RUN, Outcome.INEFFECTIVE),)
CASES: list[tuple[str, Callable[[Request], gates.Held | None], Request, Request]] = [
    ("capability", gates.capability, R, seen(capabilities=frozenset())),
    ("mode", gates.mode, policy(mode=Mode.ABORT), policy(mode=Mode.RELEASE)),
    ("operator_hold", gates.operator_hold, R, seen(held=lambda key: key == "s")),
    ("single_actor", gates.single_actor, R, seen(may_act=False)),
    ("quarantine_of_67_repairs_a_day_145152", gates.quarantine, R, patient(quarantined=True)),
    ("cold_start_149538", gates.startup_grace, R, vitals(Vitals(NOW_S, phase=Phase.STARTING))),
    (
        "startup_grace",
        gates.startup_grace,
        replace(memory(attached_s=NOW_S - 30), policy=replace(POLICY, startup_grace_s=30.0)),
        replace(vitals(Vitals(NOW_S, ready_s=NOW_S - 29)), policy=replace(POLICY, startup_grace_s=30.0)),
    ),
    (
        "resume_grace",
        gates.resume_grace,
        replace(memory(paused_s=NOW_S - 10), policy=replace(POLICY, resume_grace_s=10.0)),
        replace(memory(paused_s=NOW_S - 9), policy=replace(POLICY, resume_grace_s=10.0)),
    ),
    ("responsive", gates.responsive, R, seen(vitals=VitalsVerdict(VitalsState.UNRESPONSIVE))),
    ("healthy_for", gates.responsive, memory(unhealthy_s=NOW_S - 5), memory(unhealthy_s=NOW_S - 4.9)),
    (
        "confirmed_silence",
        gates.confirmed,
        replace(patient(samples=3), policy=replace(POLICY, confirm_silence=3)),
        replace(patient(samples=2), policy=replace(POLICY, confirm_silence=3)),
    ),
    ("generation_known", gates.generation, R, replace(R, session=session(generation=None))),
    ("retired_generation_92270", gates.generation, R, replace(R, session=session(generation=8))),
    ("live_owner_85913", gates.owner_absent, RELEASE, replace(RELEASE, session=session())),
    ("unknown_owner", gates.owner_absent, RELEASE, replace(RELEASE, session=session(owner=Presence.UNKNOWN))),
    (
        "orphaned_activity",
        gates.owner_absent,
        replace(RELEASE, session=session(owner=Presence.UNKNOWN, activity=Activity(None, Presence.ABSENT))),
        replace(RELEASE, session=session(owner=Presence.PRESENT, activity=Activity(None, Presence.ABSENT))),
    ),
    ("handle_identity", gates.handle_identity, CLEAR, patient(CLEAR, handle="h0")),
    ("handle_known", gates.handle_identity, CLEAR, replace(CLEAR, session=session(run=None))),
    ("holder_105410", gates.holder_free, RELEASE, replace(RELEASE, session=session(holder=Presence.PRESENT))),
    ("backoff", gates.backoff, patient(next_action_s=NOW_S), patient(next_action_s=NOW_S + 0.1)),
    (
        "grace_before_force_clear",
        gates.backoff,
        patient(CLEAR, tried=TRIED_ABORT, last_sent_s=NOW_S - 30, next_action_s=NOW_S + 99),
        patient(CLEAR, tried=TRIED_ABORT, last_sent_s=NOW_S - 29),
    ),
    ("mass_stall", gates.blast_radius, memory(mass=MASS), memory(mass=replace(MASS, canary="other"))),
    (
        "mass_stall_after_a_failed_canary",
        gates.blast_radius,
        memory(mass=replace(MASS, next_canary_s=NOW_S)),
        memory(mass=replace(MASS, next_canary_s=NOW_S + 1)),
    ),
    (
        "budget",
        gates.budget,
        memory(sent_s=(NOW_S - 1,) * (POLICY.budget_actions - 1)),
        memory(sent_s=(NOW_S - 1,) * POLICY.budget_actions),
    ),
    ("dry_run", gates.dry_run, R, policy(dry_run=True)),
]


@pytest.mark.parametrize(("gate", "passing", "held"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_gate_passes_on_one_side_and_holds_on_the_other(
    gate: Callable[[Request], gates.Held | None], passing: Request, held: Request
) -> None:
    assert gate(passing) is None
    answer = gate(held)
    assert answer is not None
    assert answer.detail


def test_every_gate_lets_the_plain_request_pass() -> None:
    assert [name for name, gate in gates.GATES if gate(R) is not None] == []


def test_certain_evidence_needs_no_healthy_settle_time_but_a_gateway_that_runs() -> None:
    certain = replace(memory(unhealthy_s=NOW_S), verdict=sick(evidence_class=EvidenceClass.CERTAIN))

    assert gates.responsive(certain) is None
    assert gates.responsive(seen(certain, vitals=VitalsVerdict(VitalsState.FROZEN))) is not None
