"""Each gate on both sides of its limit; each alone prevents the action."""

from dataclasses import replace

import pytest

from livewatch_classifiers import BlindTime, Run, Vitals, Wait
from livewatch_classifiers.decision import Act, Hold
from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    Gate,
    LaneKind,
    Mode,
    Outcome,
    Phase,
    Presence,
    ProcessState,
    WaitKind,
)
from tests.recovery.clinic import POLICY, START_S, Clinic, clinic, ghost, hung, orphaned, the_act, the_gate, zombie


@pytest.mark.invariant(10)
def test_without_any_gate_in_the_way_each_fault_gets_its_own_remedy() -> None:
    remedies = {
        hung(): ActionKind.ABORT_RUN,
        orphaned(): ActionKind.RELEASE_LANE,
        zombie(): ActionKind.FORCE_CLEAR,
        ghost(): ActionKind.EVICT_SESSION,
    }
    for session, kind in remedies.items():
        action = the_act(clinic(session).until_confirmed()).action
        assert (action.kind, action.session, action.generation) == (kind, session.key, 7)


def test_capability_what_the_gateway_cannot_do_is_never_asked_for() -> None:
    assert the_gate(clinic(hung(), capabilities=frozenset()).until_confirmed()) is Gate.CAPABILITY


@pytest.mark.parametrize(
    ("mode", "session", "passes"),
    [
        (Mode.OBSERVE, orphaned(), False),
        (Mode.RELEASE, orphaned(), True),
        (Mode.RELEASE, ghost(), True),
        (Mode.RELEASE, hung(), False),
        (Mode.ABORT, hung(), True),
        (Mode.ABORT, zombie(), True),
    ],
)
def test_mode_nothing_happens_that_the_operator_did_not_allow(mode: Mode, session: object, *, passes: bool) -> None:
    decisions = clinic(session, policy=replace(POLICY, mode=mode)).until_confirmed()  # type: ignore[arg-type]  # facts of a test, by name
    if passes:
        the_act(decisions)
    else:
        assert the_gate(decisions) is Gate.MODE


@pytest.mark.invariant(12)
def test_operator_hold_people_outrank_recovery() -> None:
    patient = clinic(hung(), held=frozenset({"hung"}))

    assert the_gate(patient.until_confirmed()) is Gate.OPERATOR_HOLD
    patient.held = frozenset()
    the_act(patient.tick())


def test_single_actor_a_second_agent_only_observes() -> None:
    assert the_gate(clinic(hung(), may_act=False).until_confirmed()) is Gate.SINGLE_ACTOR


def test_startup_grace_a_gateway_that_became_ready_just_now_is_left_alone() -> None:
    """OpenClaw 149538: cold starts take up to 13.5 min."""
    patient = clinic(zombie(), policy=replace(POLICY, startup_grace_s=60.0))
    patient.vitals = replace(patient.vitals, ready_s=START_S)

    assert patient.tick(30) == [], "time before it was ready ages nobody"
    assert the_gate(patient.tick(10)) is Gate.STARTUP_GRACE
    assert the_gate(patient.tick(19)) is Gate.STARTUP_GRACE
    the_act(patient.tick(1))


def test_startup_grace_holds_for_as_long_as_the_gateway_has_served_nobody() -> None:
    """OpenClaw 74281: only what is true whatever its age is judged during a start, and not acted on."""
    patient = clinic(hung(), hung("asking", wait=Wait(WaitKind.APPROVAL, answer_impossible=True)))
    patient.vitals = replace(patient.vitals, phase=Phase.STARTING)

    assert the_gate(patient.until_confirmed()) is Gate.STARTUP_GRACE
    assert patient.verdicts()["hung"].attention is Attention.NONE


def test_resume_grace_a_gateway_that_was_frozen_may_catch_up_first() -> None:
    patient = clinic(hung(), policy=replace(POLICY, resume_grace_s=10.0))
    patient.vitals = replace(patient.vitals, process=ProcessState.STOPPED)
    patient.until_confirmed()
    patient.vitals = replace(patient.vitals, process=ProcessState.RUNNING)

    assert the_gate(patient.tick(9)) is Gate.RESUME_GRACE
    the_act(patient.tick(2))


def test_responsive_nobody_is_touched_while_the_loop_is_blocked() -> None:
    """OpenClaw 107415: the loop froze, and the watchdog aborted healthy runs."""
    patient = clinic(hung(), zombie())
    patient.vitals = replace(patient.vitals, loop_heartbeat_s=START_S, thread_heartbeat_s=START_S + 1e6)

    decisions = [patient.tick() for _ in range(10)][-1]

    assert {decision.gate for decision in decisions} == {Gate.RESPONSIVE}  # type: ignore[union-attr]  # each has a gate, or the test fails


def test_responsive_silence_waits_for_health_but_proof_does_not() -> None:
    patient = clinic(hung(), zombie(), policy=replace(POLICY, healthy_for_s=30.0))
    patient.vitals = replace(patient.vitals, loop_heartbeat_s=START_S)
    patient.tick(2)
    patient.vitals = replace(patient.vitals, loop_heartbeat_s=None)
    acted_on = [d.action.session for _ in range(5) for d in patient.tick() if isinstance(d, Act)]

    assert acted_on == ["zombie"]
    assert the_act(patient.tick(40)).action.session == "hung"


@pytest.mark.invariant(22)
def test_confirmed_one_sample_is_not_enough() -> None:
    patient = clinic(hung())

    assert the_gate(patient.tick()) is Gate.CONFIRMED
    assert the_gate(patient.tick()) is Gate.CONFIRMED
    the_act(patient.tick())


def test_confirmed_proof_needs_two_samples() -> None:
    patient = clinic(zombie())

    assert the_gate(patient.tick()) is Gate.CONFIRMED
    the_act(patient.tick())


@pytest.mark.parametrize(
    "moved",
    [
        {"run": Run("r2", START_S - 500, handle="h1")},
        {"run": Run("r1", START_S - 500, handle="h2")},
        {"progress_s": START_S - 499},
    ],
)
def test_confirmed_another_run_handle_or_progress_starts_the_count_again(moved: dict[str, object]) -> None:
    patient = clinic(hung())
    patient.tick()
    patient.tick()
    patient.sessions["hung"] = hung(**{"activity": None, **moved})

    assert the_gate(patient.tick()) is Gate.CONFIRMED


@pytest.mark.invariant(9)
def test_generation_what_cannot_be_bound_to_an_incarnation_is_not_acted_on() -> None:
    """OpenClaw 92270: a retired id was aborted four times."""
    assert the_gate(clinic(hung(generation=None)).until_confirmed()) is Gate.GENERATION


def test_owner_absent_no_lane_is_released_while_an_owner_may_live() -> None:
    """OpenClaw 85913: takeovers of a session file."""
    owned = orphaned(owner=Presence.PRESENT)

    assert the_gate(clinic(owned).until_confirmed()) is Gate.OWNER_ABSENT


def test_abort_grace_a_run_that_was_asked_to_end_is_not_asked_again_before_its_grace() -> None:
    asked = replace(hung().run or Run("r"), abort_requested_s=START_S)
    patient = clinic(hung(run=asked), capabilities=frozenset({ActionKind.ABORT_RUN}))

    assert the_gate(patient.until_confirmed()) is Gate.ABORT_GRACE


def test_handle_identity_without_a_handle_nothing_is_cleared() -> None:
    unknown = zombie(run=Run("r1", START_S - 500, abort_requested_s=START_S - 400))

    assert not clinic(unknown).until_confirmed()  # the classifier does not even call it eligible


@pytest.mark.invariant(4)
def test_holder_free_no_second_run_on_a_session_file_that_is_held() -> None:
    assert the_gate(clinic(orphaned(holder=Presence.PRESENT)).until_confirmed()) is Gate.HOLDER_FREE


def failed_release(patient: Clinic) -> None:
    patient.settle(the_act(patient.until_confirmed()), Outcome.INEFFECTIVE)


@pytest.mark.invariant(7)
def test_backoff_a_rung_that_did_not_help_waits_before_it_is_tried_again() -> None:
    patient = clinic(orphaned())
    failed_release(patient)

    assert the_gate(patient.until_confirmed()) is Gate.BACKOFF
    assert the_act(patient.tick(60)).action.kind is ActionKind.RELEASE_LANE


def test_budget_is_a_number_of_actions_in_a_sliding_window() -> None:
    patient = clinic(*(orphaned(f"s{n}") for n in range(4)), policy=replace(POLICY, budget_actions=2))
    decisions = patient.until_confirmed()

    assert [type(d).__name__ for d in decisions] == ["Act", "Act", "Hold", "Hold"]
    assert {d.gate for d in decisions[2:]} == {Gate.BUDGET}  # type: ignore[union-attr]  # each has a gate, or the test fails
    assert len(patient.tick(POLICY.budget_window_s)) == 2


@pytest.mark.invariant(8)
def test_quarantine_a_session_repaired_three_times_is_left_to_a_person() -> None:
    """OpenClaw 145152: the same reclaim 67 times a day."""
    patient = clinic(orphaned())
    for _ in range(3):
        act = the_act(patient.until_confirmed())
        patient.settle(act, Outcome.RECOVERED)
        patient.tick(4000)

    assert the_gate(patient.until_confirmed()) is Gate.QUARANTINE


@pytest.mark.parametrize(("lane", "goes_on"), [(LaneKind.CRON, True), (LaneKind.SESSION, False)])
def test_quarantine_of_a_schedule_tells_a_person_and_lets_its_next_run_be_repaired(
    lane: LaneKind, *, goes_on: bool
) -> None:
    """Three hung runs of a schedule in three days are three patients; the same chat three times is one (20.8)."""
    patient = clinic(hung("job", lane_kind=lane))
    for number in range(POLICY.poison_repairs):
        patient.settle(the_act(patient.until_confirmed()), Outcome.RECOVERED)
        next_run = Run(f"next-{number}", START_S - 500, handle=f"h-{number}")
        patient.sessions["job"] = hung("job", lane_kind=lane, run=next_run, activity=None)
        patient.tick(4000)
    patient.sessions["job"] = hung("job", lane_kind=lane, run=Run("again", START_S, handle="h"), activity=None)

    told = patient.tick()
    assert the_gate(told) is Gate.QUARANTINE  # its bound is 0 s: this is what a person is told
    later = [decision for _ in range(30) for decision in patient.tick()]
    assert bool([one for one in later if isinstance(one, Act)]) is goes_on
    assert patient.memory.patients["job"].quarantined is not goes_on


def test_a_schedule_whose_repairs_do_not_help_is_quarantined_like_any_other() -> None:
    patient = clinic(hung("job", lane_kind=LaneKind.CRON))
    for _ in range(20):
        acts = [d for d in patient.tick(4000) + patient.until_confirmed() if isinstance(d, Act)]
        for act in acts:
            patient.settle(act, Outcome.INEFFECTIVE)

    assert patient.memory.patients["job"].quarantined
    assert the_gate(patient.tick(4000)) is Gate.QUARANTINE


def test_blast_radius_one_canary_goes_first_and_the_others_follow_its_recovery() -> None:
    patient = clinic(*(hung(f"s{n:02}") for n in range(12)), policy=replace(POLICY, budget_actions=50))
    canary = the_act(patient.until_confirmed())
    during = patient.tick()
    patient.settle(canary, Outcome.RECOVERED)
    del patient.sessions[canary.action.session]
    after = patient.tick()

    assert {d.gate for d in during} == {Gate.BLAST_RADIUS}  # type: ignore[union-attr]  # each has a gate, or the test fails
    assert [type(d).__name__ for d in after] == ["Act"] * 11


def test_blast_radius_a_canary_that_did_not_recover_lets_nobody_follow() -> None:
    patient = clinic(*(hung(f"s{n:02}") for n in range(12)))
    patient.settle(the_act(patient.until_confirmed()), Outcome.INEFFECTIVE)
    gates = {d.gate for _ in range(5) for d in patient.tick()}  # type: ignore[union-attr]  # each has a gate, or the test fails

    assert gates <= {Gate.BLAST_RADIUS, Gate.ABORT_GRACE, Gate.CONFIRMED}
    assert Gate.BLAST_RADIUS in gates


def test_blast_radius_a_few_sick_sessions_among_many_are_no_mass_stall() -> None:
    well_ones = [hung(f"w{n}", progress_s=START_S + 1e6) for n in range(20)]
    decisions = clinic(*(hung(f"s{n}") for n in range(5)), *well_ones).until_confirmed()

    assert [type(d).__name__ for d in decisions] == ["Act"] * 5


def test_dry_run_decides_everything_and_does_nothing() -> None:
    assert the_gate(clinic(hung(), policy=replace(POLICY, dry_run=True)).until_confirmed()) is Gate.DRY_RUN


@pytest.mark.invariant(5)
def test_seconds_in_which_nothing_could_run_lead_to_no_decision_at_all() -> None:
    patient = clinic(hung())
    patient.vitals = replace(patient.vitals, blind=BlindTime.of([(START_S - 499, START_S)]))

    assert not patient.until_confirmed()


def test_a_pending_action_is_never_sent_again() -> None:
    patient = clinic(hung())
    the_act(patient.until_confirmed())

    assert [patient.tick() for _ in range(20)] == [[]] * 20


def test_a_restarted_gateway_is_a_new_patient() -> None:
    patient = clinic(hung())
    the_act(patient.until_confirmed())
    patient.pid = 2

    assert the_gate(patient.tick()) in (Gate.CONFIRMED, Gate.RESUME_GRACE)


DRAINING = Vitals(START_S, phase=Phase.DRAINING, ready_s=START_S - 1e6)


def test_responsive_a_drain_does_not_keep_a_hung_run_from_being_ended() -> None:
    """J5: silence was never acted on while a gateway drained, and the gate said "the gateway recovered just now"."""
    policy = replace(POLICY, healthy_for_s=5.0)

    assert the_act(clinic(hung(), vitals=DRAINING, policy=policy).until_confirmed()).action.kind is ActionKind.ABORT_RUN


def test_responsive_no_lane_is_released_into_a_drain_and_the_words_name_it() -> None:
    (held,) = clinic(orphaned(), vitals=DRAINING).until_confirmed()

    assert isinstance(held, Hold)
    assert (held.gate, "draining" in held.detail) == (Gate.RESPONSIVE, True)
