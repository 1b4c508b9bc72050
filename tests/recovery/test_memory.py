"""What recovery remembers, and what the ladder makes of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.recovery.backoff import backoff_s
from livewatch.recovery.ladder import next_rung
from livewatch.recovery.memory import Memory
from livewatch.recovery.outcome import Sent, look_again
from livewatch.recovery.policy import decide
from livewatch_classifiers import GatewayIdentity, Run, Session, Verdict
from livewatch_classifiers.decision import Act, Action, Completed, Hold, RefusedCheck, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass, Gate, Mode, Outcome, Presence, Reason, Remedy
from tests.recovery.fake_gateway import (
    ALL,
    NOW_S,
    POLICY,
    RESPONSIVE,
    request,
    session,
    sick,
    situation,
    snapshot,
    well,
)

KEYS = [f"s{n:02d}" for n in range(12)]


def observe(memory: Memory, verdicts: list[Verdict], now_s: float, **facts: object) -> Memory:
    snap = snapshot(*(session(v.key, **facts) for v in verdicts), now_s=now_s)
    return memory.observed(snap, {v.key: v for v in verdicts}, RESPONSIVE, POLICY, now_s)


def acts(memory: Memory, keys: list[str], now_s: float) -> tuple[Memory, list[Act]]:
    verdicts = {key: sick(key) for key in keys}
    snap = snapshot(*(session(key) for key in keys), now_s=now_s)
    memory = memory.observed(snap, verdicts, RESPONSIVE, POLICY, now_s)
    chosen = [d for d in decide(situation(snap, verdicts), memory, POLICY, now_s) if isinstance(d, Act)]
    for act in chosen:
        memory = memory.sent(act.action, now_s)
    return memory, chosen


def settle(memory: Memory, act: Act, outcome: Outcome, now_s: float) -> Memory:
    done = Completed(act.action, act.verdict, Reply(ReplyStatus.DONE), outcome, now_s, now_s, now_s)
    return memory.completed(done, POLICY, now_s)


@pytest.mark.parametrize(
    "moved",
    [
        {"run": None, "generation": 8},
        {"run": Run("r2", handle="h1")},
        {"run": Run("r1", handle="h2")},
        {"progress_s": NOW_S},
    ],
)
def test_confirmation_starts_again_when_the_identity_moves(moved: dict[str, object]) -> None:
    memory = observe(observe(Memory(), [sick()], NOW_S), [sick()], NOW_S + 1)
    assert memory.patients["s"].samples == 2

    assert observe(memory, [sick()], NOW_S + 2, **moved).patients["s"].samples == 1


def test_a_generation_that_moves_without_anything_new_of_the_same_run_goes_on_being_confirmed() -> None:
    """A gateway that says the same state again with each message kept a hung tool alive for ever."""
    memory = Memory()
    for tick in range(4):
        memory = observe(memory, [sick()], NOW_S + tick, generation=8 + tick)

    assert memory.patients["s"].samples == 4


LOOPING = Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS


@pytest.mark.parametrize(
    ("repeats", "samples"),
    [((20, 33, 46), 3), ((20, 20, 21), 3), ((20, 33, 0), 1), ((20, 5, 9), 2), ((0, 0, 0), 1)],
)
def test_a_run_that_repeats_itself_is_confirmed_by_repeats_that_do_not_become_fewer(
    repeats: tuple[int, ...], samples: int
) -> None:
    """Python gateways, defect 1: 13 steps a second change generation and progress between any two samples."""
    memory = Memory()
    for tick, count in enumerate(repeats):
        moved = {"generation": 8 + tick, "progress_s": NOW_S + tick, "repeats": count}
        memory = observe(memory, [sick(reason=LOOPING)], NOW_S + tick, **moved)

    assert memory.patients["s"].samples == samples


def test_repeats_confirm_no_verdict_but_that_of_a_loop() -> None:
    memory = Memory()
    for tick in range(3):
        memory = observe(memory, [sick()], NOW_S + tick, progress_s=NOW_S + tick, repeats=20 + tick)

    assert memory.patients["s"].samples == 1


def test_an_abort_of_a_loop_is_bound_to_its_repeats_and_any_other_to_its_progress() -> None:
    verdicts = {"s": sick(reason=LOOPING), "t": sick("t")}
    snap = snapshot(session(repeats=25), session("t", repeats=25))
    memory = Memory().observed(snap, verdicts, RESPONSIVE, POLICY, NOW_S)
    acts = {d.action.session: d.action for d in decide(situation(snap, verdicts), memory, POLICY, NOW_S)
            if isinstance(d, Act)}  # fmt: skip

    assert (acts["s"].repeats, acts["t"].repeats) == (25, None)


def test_twelve_sick_at_once_send_one_canary_and_the_others_follow_its_recovery() -> None:
    memory, first = acts(Memory(), KEYS, NOW_S)
    assert len(first) == 1
    memory, none = acts(memory, KEYS, NOW_S + 1)
    assert none == []
    memory = settle(memory, first[0], Outcome.RECOVERED, NOW_S + 2)
    _memory, rest = acts(memory, KEYS[1:], NOW_S + 3)
    assert len(rest) == POLICY.budget_actions - 1  # ten in all: the budget stops the eleventh


NO_HELP = [Outcome.INEFFECTIVE, Outcome.TIMED_OUT, Outcome.REFUSED, Outcome.FAILED, Outcome.SUPERSEDED]


@pytest.mark.parametrize("outcome", NO_HELP)
def test_after_a_failed_canary_the_next_goes_after_a_short_delay_and_not_after_its_backoff(outcome: Outcome) -> None:
    """A zombie was the canary, its abort could not help, and five others waited a minute for it (D15)."""
    assert POLICY.canary_delay_s < POLICY.backoff_initial_s
    memory, first = acts(Memory(), KEYS, NOW_S)
    memory = settle(memory, first[0], outcome, NOW_S + 2)
    memory, held = acts(memory, KEYS, NOW_S + 1 + POLICY.canary_delay_s)
    assert held == []
    memory, second = acts(memory, KEYS, NOW_S + 2 + POLICY.canary_delay_s)
    assert [act.action.session for act in second] == [KEYS[1]]
    _memory, none = acts(memory, KEYS, NOW_S + 3 + POLICY.canary_delay_s)
    assert none == []


def test_a_canary_whose_queue_is_still_looked_at_holds_the_others_only_for_the_time_of_an_abort() -> None:
    memory, first = acts(Memory(), KEYS, NOW_S)
    memory, held = acts(memory, KEYS, NOW_S + POLICY.verify_s)
    assert held == []
    memory, second = acts(memory, KEYS, NOW_S + POLICY.verify_s + 1)
    assert [act.action.session for act in second] == [KEYS[1]]

    memory = settle(memory, first[0], Outcome.RECOVERED, NOW_S + POLICY.verify_s + 2)  # late, and still an answer
    _memory, rest = acts(memory, KEYS[2:], NOW_S + POLICY.verify_s + 3)
    assert len(rest) == POLICY.budget_actions - 2


def test_what_is_certain_waits_for_no_canary_and_is_none() -> None:
    """A zombie was the canary, could not be helped by its abort, and five others waited for it (D15)."""
    verdicts = {key: sick(key) for key in KEYS}
    verdicts["s00"] = sick("s00", evidence_class=EvidenceClass.CERTAIN, remedy=Remedy.FORCE_CLEAR)
    snap = snapshot(*(session(key) for key in KEYS))
    memory = Memory().observed(snap, verdicts, RESPONSIVE, POLICY, NOW_S)
    chosen = [d.action for d in decide(situation(snap, verdicts), memory, POLICY, NOW_S) if isinstance(d, Act)]

    assert memory.mass is not None
    assert [(action.session, action.kind) for action in chosen] == [
        ("s00", ActionKind.FORCE_CLEAR),
        ("s01", ActionKind.ABORT_RUN),
    ]


def test_a_release_is_no_canary_for_aborts() -> None:
    memory, first = acts(Memory(), KEYS, NOW_S)
    memory = settle(memory, first[0], Outcome.INEFFECTIVE, NOW_S)
    release = replace(first[0].action, kind=ActionKind.RELEASE_LANE)

    mass = memory.sent(release, NOW_S).mass
    assert mass is not None
    assert mass.canary is None


def test_a_restart_forgets_patients_and_the_mass_stall() -> None:
    memory, _first = acts(Memory(), KEYS, NOW_S)
    snap = snapshot(*(session(key) for key in KEYS), identity=GatewayIdentity(2, "b:2"), now_s=NOW_S + 1)
    verdicts = {key: sick(key) for key in KEYS}

    after = memory.observed(snap, verdicts, RESPONSIVE, POLICY, NOW_S + 1)
    assert {p.attempts for p in after.patients.values()} == {0}
    assert after.mass is not None
    assert (after.mass.canary, after.paused_s) == (None, NOW_S + 1)


@pytest.mark.invariant(8)
def test_a_restart_forgets_neither_repairs_nor_quarantine() -> None:
    memory, now_s = Memory(), NOW_S
    for _ in range(POLICY.poison_repairs):
        memory, (act,) = acts(memory, ["s"], now_s)
        memory = settle(memory, act, Outcome.RECOVERED, now_s + 1)
        now_s += 2 * POLICY.backoff_maximum_s
    snap = snapshot(session(), identity=GatewayIdentity(2, "b:2"), now_s=now_s)

    after = memory.observed(snap, {"s": sick()}, RESPONSIVE, POLICY, now_s)

    assert after.patients["s"].quarantined
    assert len(after.patients["s"].repaired_s) == POLICY.poison_repairs


def test_an_identity_that_was_not_seen_is_no_restart() -> None:
    memory = observe(Memory(), [sick()], NOW_S)
    blind = memory.observed(snapshot(session(), identity=None), {"s": sick()}, RESPONSIVE, POLICY, NOW_S + 1)

    assert blind.patients["s"].samples == 2
    assert blind.restarted(snapshot(identity=GatewayIdentity(2, "b:2")))


def test_attempts_are_forgotten_only_when_generation_and_progress_moved_in_any_number_of_ticks() -> None:
    memory, (act,) = acts(Memory(), ["s"], NOW_S)
    memory = settle(memory, act, Outcome.INEFFECTIVE, NOW_S + 20)
    half = observe(memory, [well()], NOW_S + 9000, generation=8)
    assert half.patients["s"].attempts == 1
    whole = observe(half, [well()], NOW_S + 9001, generation=8, progress_s=NOW_S + 9001)
    assert "s" not in whole.patients


def test_a_key_is_never_used_twice_although_the_session_was_well_between() -> None:
    memory, (first,) = acts(Memory(), ["s"], NOW_S)
    memory = settle(memory, first, Outcome.REFUSED, NOW_S + 1)
    memory = observe(memory, [well()], NOW_S + 9000)
    _memory, (second,) = acts(memory, ["s"], NOW_S + 9001)

    assert first.action.idempotency_key != second.action.idempotency_key


def test_the_third_repair_quarantines_and_the_quarantine_is_named() -> None:
    memory, now_s = Memory(), NOW_S
    for _ in range(POLICY.poison_repairs):
        memory, (act,) = acts(memory, ["s"], now_s)
        memory = settle(memory, act, Outcome.RECOVERED, now_s + 1)
        now_s += 2 * POLICY.backoff_maximum_s
    verdicts = {"s": sick()}
    memory = observe(memory, [sick()], now_s)
    (hold,) = decide(situation(snapshot(session(), now_s=now_s), verdicts), memory, POLICY, now_s)
    assert isinstance(hold, Hold)
    assert hold.gate is Gate.QUARANTINE


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.REFUSED])
def test_a_lever_that_fails_or_refuses_again_and_again_ends_in_quarantine_and_a_person(outcome: Outcome) -> None:
    """OpenClaw 151859: 129 actions on two sessions in 60 h, and nobody was told (J4)."""
    memory, now_s, sent = Memory(), NOW_S, 0
    only_abort = frozenset({ActionKind.ABORT_RUN})
    for _ in range(40):
        snap = snapshot(session(), now_s=now_s)
        memory = memory.observed(snap, {"s": sick()}, RESPONSIVE, POLICY, now_s)
        (decision,) = decide(situation(snap, {"s": sick()}, only_abort), memory, POLICY, now_s)
        if isinstance(decision, Act):
            sent += 1
            memory = settle(memory.sent(decision.action, now_s), decision, outcome, now_s + 1)
        now_s += 600.0

    assert sent == 4
    assert isinstance(decision, Hold)
    assert decision.gate is Gate.QUARANTINE


def test_the_budget_window_slides() -> None:
    full = replace(Memory(), sent_s=(NOW_S,) * POLICY.budget_actions)
    assert observe(full, [], NOW_S + POLICY.budget_window_s - 1).budget_remaining(POLICY) == 0
    assert observe(full, [], NOW_S + POLICY.budget_window_s).budget_remaining(POLICY) == POLICY.budget_actions


LOST = Outcome.INEFFECTIVE
RELEASED, ABORTED = (ActionKind.RELEASE_LANE, LOST), (ActionKind.ABORT_RUN, LOST)


@pytest.mark.parametrize(
    ("remedy", "tried", "mode", "expected"),
    [
        (Remedy.ABORT_RUN, (), Mode.ABORT, ActionKind.ABORT_RUN),
        (Remedy.ABORT_RUN, (ABORTED,), Mode.ABORT, ActionKind.FORCE_CLEAR),
        (Remedy.ABORT_RUN, (ABORTED, (ActionKind.FORCE_CLEAR, LOST)), Mode.ABORT, ActionKind.RELEASE_LANE),
        (Remedy.ABORT_RUN, ((ActionKind.ABORT_RUN, Outcome.REFUSED),), Mode.ABORT, ActionKind.ABORT_RUN),
        (Remedy.RELEASE_LANE, (RELEASED,), Mode.ABORT, ActionKind.RELEASE_LANE),
        (Remedy.RELEASE_LANE, (RELEASED, RELEASED), Mode.ABORT, ActionKind.EVICT_SESSION),
        (Remedy.EVICT_SESSION, ((ActionKind.EVICT_SESSION, LOST),), Mode.ABORT, ActionKind.EVICT_SESSION),
        (Remedy.EVICT_SESSION, ((ActionKind.EVICT_SESSION, LOST),), Mode.RESTART, ActionKind.RESTART_TARGET),
        (Remedy.TELL_PERSON, (), Mode.RESTART, None),
    ],
)
def test_a_rung_is_climbed_only_after_the_one_before_was_seen_to_fail(
    remedy: Remedy, tried: tuple[tuple[ActionKind, Outcome], ...], mode: Mode, expected: ActionKind | None
) -> None:
    patient = replace(request().patient, tried=tried)
    orphan = session(owner=Presence.ABSENT)
    assert next_rung(sick(remedy=remedy), orphan, patient, ALL, replace(POLICY, mode=mode)) is expected


def test_what_one_run_did_not_obey_clears_no_other_run() -> None:
    """An abort that failed on one turn must not make a force-clear the first thing asked of the next turn."""
    memory, (first,) = acts(Memory(), ["s"], NOW_S)
    memory = settle(memory, first, Outcome.INEFFECTIVE, NOW_S + 16)
    snap = snapshot(session(run=Run("r2", NOW_S, handle="h1"), generation=9), now_s=NOW_S + 4000)
    memory = memory.observed(snap, {"s": sick()}, RESPONSIVE, POLICY, NOW_S + 4000)
    (second,) = decide(situation(snap, {"s": sick()}), memory, POLICY, NOW_S + 4000)

    assert isinstance(second, Act)
    assert (second.action.kind, second.action.run_id) == (ActionKind.ABORT_RUN, "r2")


def test_a_lane_is_not_released_under_a_run_that_is_still_registered() -> None:
    tried = (ABORTED, (ActionKind.FORCE_CLEAR, LOST))
    patient = replace(request().patient, tried=tried)
    owned = session(owner=Presence.PRESENT)
    assert next_rung(sick(remedy=Remedy.ABORT_RUN), owned, patient, ALL, POLICY) is ActionKind.FORCE_CLEAR


@pytest.mark.invariant(14)
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT])
def test_a_lever_that_does_not_work_says_nothing_about_the_session_until_it_failed_three_times(
    outcome: Outcome,
) -> None:
    broken = (ActionKind.ABORT_RUN, outcome)
    for times, expected in ((2, ActionKind.ABORT_RUN), (3, ActionKind.FORCE_CLEAR)):
        patient = replace(request().patient, tried=(broken,) * times)
        assert next_rung(sick(remedy=Remedy.ABORT_RUN), session(), patient, ALL, POLICY) is expected


def test_a_gateway_that_can_do_nothing_is_told_by_the_capability_gate() -> None:
    assert next_rung(sick(), session(), request().patient, frozenset(), POLICY) is ActionKind.ABORT_RUN


ABORT = Action(ActionKind.ABORT_RUN, "s", "k", "c", sick().reason, run_id="r1", handle="h1")


@pytest.mark.invariant(2)
@pytest.mark.parametrize(
    ("reply", "after", "waited_s", "expected"),
    [
        (ReplyStatus.DONE, session(run=None, owner=Presence.ABSENT, queued=0), 1, Outcome.RECOVERED),
        (ReplyStatus.DONE, session(run=None, owner=Presence.ABSENT, queued=1), 45, None),
        (ReplyStatus.DONE, session(run=None, owner=Presence.ABSENT, queued=1), 45.1, Outcome.INEFFECTIVE),
        (ReplyStatus.DONE, session(), 15, None),
        (ReplyStatus.DONE, session(), 15.1, Outcome.INEFFECTIVE),
        (ReplyStatus.TIMED_OUT, session(), 16, Outcome.TIMED_OUT),
        (ReplyStatus.FAILED, session(), 16, Outcome.FAILED),
        (ReplyStatus.REFUSED, session(), 1, Outcome.REFUSED),
    ],
)
def test_an_outcome_is_what_is_seen_and_not_what_was_answered(
    reply: ReplyStatus, after: Session, waited_s: float, expected: Outcome | None
) -> None:
    sent = Sent(Act(ABORT, sick()), Reply(reply), NOW_S, NOW_S)
    done = look_again(sent, snapshot(after, now_s=NOW_S + waited_s), {"s": sick()}, POLICY, NOW_S + waited_s)
    assert (done.outcome if done else None) is expected


@pytest.mark.invariant(16)
def test_a_refusal_because_it_moved_is_superseded_and_an_unknown_store_is_no_recovery() -> None:
    alive = Sent(Act(ABORT, sick()), Reply(ReplyStatus.REFUSED, "it moved", check=RefusedCheck.PROGRESS), NOW_S, NOW_S)
    alive = replace(alive, act=Act(replace(ABORT, progress_s=NOW_S - 900), sick()))
    done = look_again(alive, snapshot(session()), {"s": sick()}, POLICY, NOW_S)
    assert done is not None
    assert done.outcome is Outcome.SUPERSEDED
    store = Sent(Act(replace(ABORT, kind=ActionKind.CORRECT_STORE), sick()), Reply(ReplyStatus.DONE), NOW_S, NOW_S)
    unknown = snapshot(session(store_says_running=Presence.UNKNOWN))
    assert look_again(store, unknown, {"s": sick()}, POLICY, NOW_S) is None


@given(st.integers(-5, 5000), st.floats(0, 1e4), st.floats(0, 1e5), st.floats(0, 1), st.text())
def test_a_backoff_is_deterministic_and_within_its_jitter(
    attempt: int, initial_s: float, maximum_s: float, jitter: float, seed: str
) -> None:
    waits = {backoff_s(attempt, initial_s=initial_s, maximum_s=maximum_s, jitter=jitter, seed=seed) for _ in range(2)}
    assert len(waits) == 1
    assert 0 <= waits.pop() <= maximum_s * (1 + jitter)
