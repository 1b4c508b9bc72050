"""Each rule of the table, on both sides of its limit, with the reports that made it."""

import dataclasses

import pytest

from livewatch_classifiers import Activity, BlindTime, Run, Session, Thresholds, Verdict, Vitals, Wait, classify_session
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    Attention,
    AwaitedState,
    Classification,
    EvidenceClass,
    Presence,
    Reason,
    Remedy,
    SessionState,
    TerminalMark,
    WaitKind,
)

NOW_S = 100_000.0
SEED = Thresholds(warn_after_s=30.0, abort_after_s=90.0, tool_abort_after_s=90.0)
"""The seed commit's reference cases: stale is 30 s."""


def ago(seconds: float) -> float:
    return NOW_S - seconds


def judge(session: Session, thresholds: Thresholds = SEED, *, blind: BlindTime | None = None) -> Verdict:
    return classify_session(session, Vitals(now_s=NOW_S, blind=blind or BlindTime()), thresholds)


def session(**facts: object) -> Session:
    base = Session(
        key="agent:main:main",
        id="s1",
        generation=7,
        state=SessionState.PROCESSING,
        state_since_s=ago(31),
        queued=0,
        owner=Presence.ABSENT,
        in_store=Presence.PRESENT,
    )
    return dataclasses.replace(base, **facts)  # type: ignore[arg-type]  # test shorthand


def orphan(kind: ActivityKind) -> Activity:
    return Activity(kind, Presence.ABSENT, "r1", ago(40))


def owned(kind: ActivityKind, age_s: float = 31, **facts: object) -> dict[str, object]:
    activity = dataclasses.replace(Activity(kind, Presence.PRESENT, "r1", ago(age_s), "exec"), **facts)  # type: ignore[arg-type]  # facts of a test, by name
    return {"owner": Presence.PRESENT, "run": Run("r1", ago(age_s), handle="h1"), "activity": activity}


IDLE_QUEUED = {"state": SessionState.IDLE, "queued": 1, "oldest_queued_s": ago(31), "progress_s": ago(31)}


@pytest.mark.parametrize("kind", [ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL])
def test_idle_queued_behind_an_ownerless_stale_activity_is_stuck_and_eligible_for_release(kind: ActivityKind) -> None:
    verdict = judge(session(**IDLE_QUEUED, activity=orphan(kind)))

    assert verdict.label == (Attention.STUCK, Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN)
    assert (verdict.rule, verdict.remedy, verdict.eligible) == ("8", Remedy.RELEASE_LANE, True)


@pytest.mark.parametrize("state", [SessionState.PROCESSING, SessionState.WAITING])
@pytest.mark.parametrize("queued", [0, 1])
def test_work_whose_owner_is_known_to_be_absent_is_released_in_any_state_openclaw_87310(
    state: SessionState, queued: int
) -> None:
    activity = orphan(ActivityKind.MODEL_CALL)
    verdict = judge(session(state=state, queued=queued, progress_s=ago(31), activity=activity))

    assert verdict.label == (Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS)
    assert verdict.classification is Classification.STALLED_AGENT_RUN
    assert (verdict.remedy, verdict.eligible) == (Remedy.RELEASE_LANE, True)


@pytest.mark.parametrize("queued", [0, 1])
def test_work_of_which_the_session_or_the_activity_does_not_say_whose_it_is_is_for_a_person(queued: int) -> None:
    untold = dataclasses.replace(orphan(ActivityKind.MODEL_CALL), owner=Presence.UNKNOWN)
    for facts in ({"activity": untold}, {"activity": orphan(ActivityKind.TOOL_CALL), "owner": Presence.UNKNOWN}):
        verdict = judge(session(queued=queued, progress_s=ago(31), **facts))

        assert (verdict.attention, verdict.remedy, verdict.eligible) == (
            Attention.STALLED,
            Remedy.TELL_PERSON,
            False,
        )


def test_an_owned_tool_call_silent_past_the_limit_is_a_blocked_tool_call() -> None:
    verdict = judge(session(progress_s=ago(31), **owned(ActivityKind.TOOL_CALL)))

    assert verdict.label == (Attention.STALLED, Reason.BLOCKED_TOOL_CALL)
    assert verdict.classification is Classification.BLOCKED_TOOL_CALL
    assert not verdict.eligible  # labelled at warn, aborted only after the tool's abort_after


def test_a_blocked_tool_call_is_abortable_after_the_tools_own_abort_limit() -> None:
    verdict = judge(session(progress_s=ago(91), **owned(ActivityKind.TOOL_CALL, 91)))

    assert (verdict.remedy, verdict.eligible) == (Remedy.ABORT_RUN, True)


def test_terminal_looking_progress_with_a_queue_behind_an_embedded_run_is_stalled() -> None:
    facts = owned(ActivityKind.EMBEDDED_RUN)
    verdict = judge(session(queued=1, progress_s=ago(31), terminal=TerminalMark.ITEM_END, **facts))

    assert verdict.label == (Attention.STALLED, Reason.QUEUED_BEHIND_TERMINAL_ACTIVE_WORK)
    assert not verdict.eligible


@pytest.mark.parametrize(("queued", "reason"), [(0, Reason.ACTIVE_WORK), (1, Reason.QUEUED_BEHIND_ACTIVE_WORK)])
def test_fresh_owned_work_is_only_long_running(queued: int, reason: Reason) -> None:
    verdict = judge(session(queued=queued, progress_s=ago(1), **owned(ActivityKind.EMBEDDED_RUN, 60)))

    assert verdict.label == (Attention.LONG_RUNNING, reason)


@pytest.mark.parametrize(
    ("queued", "reason"),
    [(0, Reason.UNTRACKED_ACTIVE_PROGRESS), (1, Reason.QUEUED_BEHIND_UNTRACKED_ACTIVE_PROGRESS)],
)
def test_fresh_progress_without_known_activity_is_only_long_running(queued: int, reason: Reason) -> None:
    verdict = judge(session(queued=queued, progress_s=ago(1)))

    assert verdict.label == (Attention.LONG_RUNNING, reason)


@pytest.mark.parametrize(
    ("queued", "reason"), [(0, Reason.STALE_SESSION_STATE), (1, Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN)]
)
def test_nothing_known_and_stale_is_stuck(queued: int, reason: Reason) -> None:
    verdict = judge(session(queued=queued, progress_s=ago(31)))

    assert verdict.label == (Attention.STUCK, reason)
    assert verdict.eligible


def test_idle_without_anything_is_idle() -> None:
    assert judge(session(state=SessionState.IDLE)).label == (Attention.NONE, Reason.IDLE)


def test_a_run_whose_abort_outlived_its_grace_is_a_zombie_with_certain_evidence() -> None:
    run = Run("r1", ago(60), handle="h1", abort_requested_s=ago(31))
    verdict = judge(session(owner=Presence.PRESENT, run=run, progress_s=ago(1)))

    assert verdict.label == (Attention.STUCK, Reason.ZOMBIE_RUN)
    assert verdict.evidence_class is EvidenceClass.CERTAIN
    assert (verdict.remedy, verdict.eligible) == (Remedy.FORCE_CLEAR, True)


@pytest.mark.parametrize(("started_ago_s", "asked_ago_s"), [(6, 45), (6.8, 40), (1, 31)])
def test_an_abort_that_was_asked_of_the_turn_before_makes_no_zombie_of_the_follow_up(
    started_ago_s: float, asked_ago_s: float
) -> None:
    run = Run("r1", ago(started_ago_s), handle="h1", abort_requested_s=ago(asked_ago_s))
    verdict = judge(session(owner=Presence.PRESENT, run=run, progress_s=ago(started_ago_s)))

    assert verdict.evidence_class is not EvidenceClass.CERTAIN


def test_an_aborted_run_within_its_grace_is_not_a_zombie() -> None:
    run = Run("r1", ago(60), handle="h1", abort_requested_s=ago(29))

    assert judge(session(owner=Presence.PRESENT, run=run, progress_s=ago(1))).attention is Attention.LONG_RUNNING


def test_a_zombie_behind_an_idle_session_is_found_without_any_symptom() -> None:
    """OpenClaw 90308: idle, depth 0, a leaked handle, and nothing happens on the whole gateway."""
    run = Run("r1", ago(60), handle="h1", abort_requested_s=ago(31))

    assert judge(session(state=SessionState.IDLE, owner=Presence.PRESENT, run=run)).reason is Reason.ZOMBIE_RUN


def test_a_session_in_memory_but_not_in_the_store_is_a_ghost() -> None:
    verdict = judge(session(in_store=Presence.ABSENT, state_since_s=ago(61), progress_s=ago(61)))

    assert verdict.label == (Attention.STUCK, Reason.GHOST_SESSION)
    assert verdict.remedy is Remedy.EVICT_SESSION


@pytest.mark.parametrize(
    "facts",
    [
        {"owner": Presence.UNKNOWN},
        {"owner": Presence.PRESENT, "run": Run("r1", ago(61))},
        {"in_store": Presence.UNKNOWN},
        {"state_since_s": ago(59)},
        {"state": SessionState.IDLE},
    ],
)
def test_a_session_is_no_ghost_while_any_part_of_the_evidence_is_missing(facts: dict[str, object]) -> None:
    ghost = session(in_store=Presence.ABSENT, state_since_s=ago(61), progress_s=ago(61))

    assert judge(dataclasses.replace(ghost, **facts)).reason is not Reason.GHOST_SESSION  # type: ignore[arg-type]  # facts of a test, by name


def test_a_store_marker_without_a_run_is_a_stranded_run() -> None:
    verdict = judge(session(state=SessionState.IDLE, store_says_running=Presence.PRESENT, state_since_s=ago(61)))

    assert verdict.label == (Attention.STUCK, Reason.STRANDED_RUN)
    assert verdict.remedy is Remedy.CORRECT_STORE


def waiting(**facts: object) -> Session:
    wait = dataclasses.replace(Wait(WaitKind.QUESTION, ago(600), delivered=Presence.PRESENT), **facts)  # type: ignore[arg-type]  # facts of a test, by name
    return session(
        wait=wait, progress_s=ago(600), state_since_s=ago(600), queued=1, **owned(ActivityKind.TOOL_CALL, 600)
    )


def test_a_delivered_question_is_left_alone_however_silent() -> None:
    """OpenClaw 154733: delivered questions were killed."""
    assert judge(waiting()).label == (Attention.LONG_RUNNING, Reason.AWAITING_INPUT)


def test_a_question_that_was_never_delivered_is_reported_at_once_and_not_aborted() -> None:
    verdict = judge(waiting(delivered=Presence.ABSENT))

    assert verdict.label == (Attention.STALLED, Reason.UNANSWERED_WAIT)
    assert (verdict.remedy, verdict.eligible) == (Remedy.TELL_PERSON, False)


def test_a_question_nobody_can_answer_any_more_may_be_aborted() -> None:
    verdict = judge(waiting(answer_impossible=True))

    assert (verdict.remedy, verdict.eligible) == (Remedy.ABORT_RUN, True)


def test_a_wait_past_its_deadline_is_reported() -> None:
    assert judge(waiting(deadline_s=ago(1))).reason is Reason.UNANSWERED_WAIT


@pytest.mark.parametrize(
    ("awaited", "reason"),
    [
        (AwaitedState.TERMINAL, Reason.AWAITED_WORK_IS_TERMINAL),
        (AwaitedState.MISSING, Reason.AWAITED_WORK_UNKNOWN),
        (AwaitedState.ALIVE, Reason.RUNTIME_OWNED_WAIT),
        (AwaitedState.UNKNOWN, Reason.RUNTIME_OWNED_WAIT),
    ],
)
def test_waiting_for_another_run_is_judged_by_that_run(awaited: AwaitedState, reason: Reason) -> None:
    assert judge(waiting(kind=WaitKind.SUBAGENT, awaited=awaited)).reason is reason


def test_a_scheduled_provider_retry_is_long_running_until_its_time() -> None:
    backoff = {"kind": WaitKind.PROVIDER_BACKOFF, "deadline_s": NOW_S + 5}

    assert judge(waiting(**backoff)).label == (Attention.LONG_RUNNING, Reason.PROVIDER_RETRY_WAIT)
    assert judge(waiting(**{**backoff, "deadline_s": ago(1)})).reason is Reason.BLOCKED_TOOL_CALL


def test_the_same_step_again_and_again_is_stalled_although_it_is_busy() -> None:
    busy = session(progress_s=ago(0), repeats=700, repeating_since_s=ago(91), **owned(ActivityKind.TOOL_CALL, 120))
    verdict = judge(busy)

    assert verdict.reason is Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS
    assert verdict.eligible
    assert not judge(busy, dataclasses.replace(SEED, abort_repeating=False)).eligible
    age_s = dict(judge(busy, SEED).evidence)["repeating_age_s"]
    assert isinstance(age_s, float)
    for own_s, eligible in ((age_s - 1.0, True), (age_s + 1.0, False)):
        verdict = judge(busy, dataclasses.replace(SEED, repeat_abort_after_s=own_s))
        assert (verdict.attention, verdict.eligible) == (Attention.STALLED, eligible)
    assert dict(judge(busy, SEED).evidence)["repeats_per_s"] == round(busy.repeats / age_s, 3)


def test_a_lane_held_after_its_turn_was_delivered_is_released() -> None:
    """OpenClaw 145152, 81335."""
    facts = owned(ActivityKind.EMBEDDED_RUN, 60)
    verdict = judge(session(queued=1, progress_s=ago(31), terminal=TerminalMark.TURN_END, **facts))

    unknown = session(queued=1, progress_s=ago(31), terminal=TerminalMark.TURN_END, owner=Presence.UNKNOWN)

    assert verdict.label == (Attention.STUCK, Reason.POST_TERMINAL_HOLD)
    assert verdict.eligible
    assert judge(unknown).reason is Reason.POST_TERMINAL_HOLD
    assert not judge(unknown).eligible


@pytest.mark.parametrize(
    ("silence_s", "label", "eligible"),
    [
        (29, (Attention.LONG_RUNNING, Reason.ACTIVE_WORK), False),
        (31, (Attention.LONG_RUNNING, Reason.ACTIVE_MODEL_CALL_WITHOUT_PROGRESS), False),
        (91, (Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS), True),
    ],
)
def test_a_silent_model_call_is_long_running_before_it_is_stalled(
    silence_s: float, label: tuple[Attention, Reason], *, eligible: bool
) -> None:
    verdict = judge(session(progress_s=ago(silence_s), **owned(ActivityKind.MODEL_CALL, 120)))

    assert (verdict.label, verdict.eligible) == (label, eligible)


@pytest.mark.invariant(13)
def test_a_declared_allowance_wins_over_both_thresholds_in_both_directions() -> None:
    longer = judge(session(progress_s=ago(600), **owned(ActivityKind.TOOL_CALL, 600, allowance_s=2400.0)))
    shorter = judge(session(progress_s=ago(11), **owned(ActivityKind.TOOL_CALL, 11, allowance_s=10.0)))

    assert longer.attention is not Attention.STALLED
    assert (shorter.reason, shorter.eligible) == (Reason.BLOCKED_TOOL_CALL, True)


def test_children_that_burn_cpu_refute_a_silent_tool_but_not_past_its_declaration() -> None:
    working = {"working_s": ago(1)}
    undeclared = session(progress_s=ago(91), **owned(ActivityKind.TOOL_CALL, 91, **working))
    declared = session(progress_s=ago(91), **owned(ActivityKind.TOOL_CALL, 91, **working, allowance_s=60.0))

    assert judge(undeclared).attention is Attention.LONG_RUNNING
    assert judge(declared).reason is Reason.BLOCKED_TOOL_CALL


def test_an_activity_older_than_its_run_is_foreign_and_not_judged_by() -> None:
    """OpenClaw 80427, 82382: markers of a dead run must not speak for the new one."""
    stale = Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r0", ago(5000))
    verdict = judge(session(owner=Presence.PRESENT, run=Run("r1", ago(40), handle="h"), activity=stale))

    assert verdict.reason is Reason.ACTIVE_WORK_WITHOUT_PROGRESS
    assert dict(verdict.evidence)["foreign_activity"] == 1


def test_seconds_in_which_nothing_could_run_are_never_counted() -> None:
    """OpenClaw 107415: a frozen host made every age stale at once."""
    frozen = BlindTime.of([(ago(3600), ago(2))])
    sick = session(progress_s=ago(3601), state_since_s=ago(3601), queued=1, **owned(ActivityKind.MODEL_CALL, 3602))

    assert judge(sick).eligible
    assert judge(sick, blind=frozen).label == (Attention.NONE, Reason.ACTIVE)


def test_unknown_evidence_never_makes_an_action_eligible() -> None:
    """OpenClaw 84477, 101670: unknown neither permits nor exempts."""
    unknown = Session(key="k", state=SessionState.PROCESSING, state_since_s=ago(9999), activity_known=False)
    verdict = judge(unknown)

    assert verdict.attention is Attention.STUCK
    assert not verdict.eligible


def test_a_run_past_its_own_timeout_is_abortable_at_warn_because_its_timer_died() -> None:
    facts = owned(ActivityKind.MODEL_CALL, 60)
    facts["run"] = Run("r1", ago(60), timeout_s=20.0, handle="h1")

    assert judge(session(progress_s=ago(31), **facts)).eligible


@pytest.mark.parametrize("newest", ["state_since_s", "progress_s", "oldest_queued_s"])
def test_a_lane_between_two_turns_is_not_stuck_however_long_its_queue_waits(newest: str) -> None:
    stale = session(state=SessionState.IDLE, queued=1, oldest_queued_s=ago(60), progress_s=ago(60))
    moving = dataclasses.replace(stale, **{newest: ago(0.01)})

    assert judge(stale).reason is Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN
    assert judge(moving).attention is not Attention.STUCK


HEALTHY_IDLE: dict[str, object] = {"state": None, "state_since_s": None, "progress_s": ago(4000)}


@pytest.mark.parametrize("queued", [0, None])
def test_a_session_at_rest_whose_state_cannot_be_seen_is_not_called_sick(queued: int | None) -> None:
    verdict = judge(session(**HEALTHY_IDLE, queued=queued))

    assert (verdict.attention, verdict.remedy) == (Attention.NONE, Remedy.NONE)


def test_old_messages_of_a_session_whose_state_cannot_be_seen_are_told_and_fresh_ones_are_not() -> None:
    old, fresh = (judge(session(**HEALTHY_IDLE, queued=1, oldest_queued_s=ago(age_s))) for age_s in (31, 29))

    assert (old.attention, old.remedy, old.eligible) == (Attention.STUCK, Remedy.TELL_PERSON, False)
    assert fresh.attention is Attention.NONE


@pytest.mark.invariant(9)
@pytest.mark.parametrize("kind", list(ActivityKind))
def test_work_that_was_never_heard_is_told_after_its_limit_and_never_ended(kind: ActivityKind) -> None:
    long_ago = judge(session(**owned(kind, 4000), progress_known=False))
    lately = judge(session(**owned(kind, 80), progress_known=False))

    assert long_ago.label == (Attention.STALLED, Reason.PROGRESS_UNKNOWN)
    assert (long_ago.remedy, long_ago.eligible) == (Remedy.TELL_PERSON, False)
    assert lately.label == (Attention.LONG_RUNNING, Reason.PROGRESS_UNKNOWN)


@pytest.mark.parametrize("kind", [ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL])
def test_a_first_call_without_a_byte_in_a_gateway_that_would_tell_is_silence_and_ended(kind: ActivityKind) -> None:
    verdict = judge(session(**owned(kind, 95), progress_s=None))

    assert (verdict.remedy, verdict.eligible) == (Remedy.ABORT_RUN, True)


def test_a_zombie_is_cleared_also_where_its_progress_was_never_heard() -> None:
    run = Run("r1", ago(400), handle="h1", abort_requested_s=ago(60))
    seen = {"owner": Presence.PRESENT, "run": run, "progress_known": False}

    assert judge(session(**seen)).eligible
    assert judge(session(**seen, state=None)).remedy is Remedy.TELL_PERSON
