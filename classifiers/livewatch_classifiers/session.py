"""`classify_session`: the judgement of one session, rule by rule, in the order of the design's table.

Pure and total: any combination of unknowns gives a verdict, nothing raises, nothing reads a clock. The first rule
that matches wins. The number in each rule's name and docstring is its number in ``docs/classification.md``, where
the reports that made it stand.
"""

from collections.abc import Callable

from livewatch_classifiers.case import Case
from livewatch_classifiers.model import Session, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Evidence, Verdict
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

_HUMAN_WAITS = frozenset({WaitKind.APPROVAL, WaitKind.QUESTION})


def classify_session(session: Session, vitals: Vitals, thresholds: Thresholds) -> Verdict:
    """Return the verdict on ``session`` at ``vitals.now_s``; ages are responsive ages."""
    return classify_case(Case(session, vitals, thresholds))


def classify_case(case: Case) -> Verdict:
    """Return the verdict on a session whose facts have been worked out already."""
    for rule in RULES:
        verdict = rule(case)
        if verdict is not None:
            return verdict
    return case.verdict("17", Attention.NONE, Reason.ACTIVE)


def _rule_1_idle(case: Case) -> Verdict | None:
    session = case.session
    quiet = session.state is SessionState.IDLE and not case.queued and case.activity is None
    if quiet and session.store_says_running is not Presence.PRESENT:
        return case.verdict("1", Attention.NONE, Reason.IDLE)
    return None


def _rule_2_provider_retry(case: Case) -> Verdict | None:
    """A scheduled retry is legal until its time, within its bound and number of attempts."""
    if _retry_is_scheduled(case) and not case.wait_is_over():
        return case.long_running("2", Reason.PROVIDER_RETRY_WAIT)
    return None


def _retry_is_scheduled(case: Case) -> bool:
    wait = case.session.wait
    if wait is None or wait.kind is not WaitKind.PROVIDER_BACKOFF or wait.deadline_s is None:
        return False
    if _repeats_too_long(case):
        return False
    return wait.attempts_without_yield < case.thresholds.retry_attempts_max and case.vitals.now_s < wait.deadline_s


def _rule_3_declared_wait(case: Case) -> Verdict | None:
    """Waiting for a person, a lane slot, or work that the runtime says it watches is never stuck (OpenClaw 154733)."""
    wait = case.session.wait
    if wait is None or wait.kind is WaitKind.PROVIDER_BACKOFF or case.wait_is_over():
        return None
    if wait.kind in _HUMAN_WAITS:
        return None if case.undelivered() else case.long_running("3", Reason.AWAITING_INPUT)
    if wait.kind is WaitKind.SUBAGENT and case.awaited_is_over():
        return None
    for_a_slot = wait.kind is WaitKind.LANE_ADMISSION
    return case.long_running("3", Reason.LANE_ADMISSION_WAIT if for_a_slot else Reason.RUNTIME_OWNED_WAIT)


def _rule_3b_unanswered_wait(case: Case) -> Verdict | None:
    """A wait past its bound is for a person to judge; so is a retry in 29 h (OpenClaw 152983)."""
    wait = case.session.wait
    if wait is None or (wait.kind is WaitKind.PROVIDER_BACKOFF and not _retry_is_scheduled(case)):
        return None
    if wait.kind is WaitKind.SUBAGENT and case.awaited_is_over():
        return None
    abortable = case.owned and (wait.answer_impossible or wait.kind in case.thresholds.abort_waits)
    return case.verdict(
        "3b",
        Attention.STALLED,
        Reason.UNANSWERED_WAIT,
        classification=Classification.UNENDED_WAIT,
        evidence_class=EvidenceClass.CERTAIN if wait.answer_impossible else EvidenceClass.SILENCE,
        remedy=Remedy.ABORT_RUN if abortable else Remedy.TELL_PERSON,
        eligible=abortable,
        limit_s=case.wait_limit_s(),
    )


def _rule_4_awaited_work_is_over(case: Case) -> Verdict | None:
    """The quiet death of a parent: it waits legally for something that already ended (OpenClaw 90178)."""
    wait = case.session.wait
    if wait is None or wait.kind is not WaitKind.SUBAGENT:
        return None
    gone = wait.awaited is AwaitedState.MISSING
    return case.verdict(
        "4",
        Attention.STALLED,
        Reason.AWAITED_WORK_UNKNOWN if gone else Reason.AWAITED_WORK_IS_TERMINAL,
        classification=Classification.UNENDED_WAIT,
        evidence_class=EvidenceClass.CERTAIN,
        remedy=Remedy.WAKE,
        eligible=True,
        limit_s=case.thresholds.settle_s,
    )


def _rule_5_zombie_run(case: Case) -> Verdict | None:
    """An abort was asked, the grace is over, the same handle is still registered (OpenClaw 52224: 10 h)."""
    run, grace_s = case.session.run, case.thresholds.zombie_grace_s
    if run is None or case.session.owner is not Presence.PRESENT:
        return None
    age_s = case.vitals.age(run.asked_to_end_s)
    if age_s is None or age_s <= grace_s:
        return None
    return case.verdict(
        "5",
        Attention.STUCK,
        Reason.ZOMBIE_RUN,
        classification=Classification.ZOMBIE_RUN,
        evidence_class=EvidenceClass.CERTAIN,
        remedy=Remedy.FORCE_CLEAR,
        eligible=run.handle is not None,
        limit_s=grace_s,
        extra=(("abort_requested_age_s", round(age_s, 3)),),
    )


def _rule_6_ghost_session(case: Case) -> Verdict | None:
    """In memory but not in the store, with no owner that could still write it there (OpenClaw 77115: 11.5 h)."""
    session, limit_s = case.session, case.thresholds.ghost_after_s
    if session.in_store is not Presence.ABSENT or session.state in (None, SessionState.IDLE):
        return None
    if session.owner is not Presence.ABSENT or case.owned or not case.stale(limit_s):
        return None
    return case.verdict(
        "6",
        Attention.STUCK,
        Reason.GHOST_SESSION,
        classification=Classification.STORE_MISMATCH,
        evidence_class=EvidenceClass.CERTAIN,
        remedy=Remedy.EVICT_SESSION,
        eligible=True,
        limit_s=limit_s,
    )


def _rule_6_stranded_run(case: Case) -> Verdict | None:
    """The mirror image: the store says running, nothing in memory runs (OpenClaw 91697, 146692)."""
    session, limit_s = case.session, case.thresholds.ghost_after_s
    if session.store_says_running is not Presence.PRESENT or session.owner is not Presence.ABSENT:
        return None
    if session.run is not None or case.activity is not None or not session.activity_known or not case.stale(limit_s):
        return None
    return case.verdict(
        "6",
        Attention.STUCK,
        Reason.STRANDED_RUN,
        classification=Classification.STORE_MISMATCH,
        evidence_class=EvidenceClass.CERTAIN,
        remedy=Remedy.CORRECT_STORE,
        eligible=True,
        limit_s=limit_s,
    )


def _rule_7_repetition(case: Case) -> Verdict | None:
    """Busy without anything new: the same step, the same outcome, again and again (13 calls/s seen).

    The run's own limit, not the step's: a tool may be silent for 15 min, and none of these is (OpenClaw 89090).
    """
    if not _repeats_too_long(case):
        return None
    lasts_s, own_s = case.repeating_s() or 0.0, case.thresholds.repeat_abort_after_s
    if _retries_are_spent(case):
        lasts_s = max(lasts_s, case.nothing_new_s() or 0.0)
    allowed = case.owned and case.thresholds.abort_repeating and (own_s is None or lasts_s > own_s)
    return case.verdict(
        "7",
        Attention.STALLED,
        Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS,
        classification=Classification.STALLED_AGENT_RUN,
        evidence_class=EvidenceClass.SILENCE,
        remedy=Remedy.ABORT_RUN if allowed else Remedy.TELL_PERSON,
        eligible=allowed,
        limit_s=_repetition_limit_s(case),
        extra=(
            ("repeats", case.session.repeats),
            ("repeating_age_s", round(lasts_s, 3)),
            ("repeats_per_s", round(case.session.repeats / max(lasts_s, 1.0), 3)),
            *_nothing_new(case),
        ),
    )


def _nothing_new(case: Case) -> Evidence:
    """Return the silence of a run that repeats itself: the start of its next repeat is nothing new."""
    nothing_new_s = case.nothing_new_s()
    return () if nothing_new_s is None else (("silence_s", round(nothing_new_s, 3)),)


def _repeats_too_long(case: Case) -> bool:
    repeating_s = case.repeating_s()
    repeats = repeating_s is not None and repeating_s > _repetition_limit_s(case)
    return repeats or _retries_are_spent(case)


def _retries_are_spent(case: Case) -> bool:
    """Declared back-offs are not repeating, but ten attempts without yield are no waiting either (OpenClaw 59303)."""
    nothing_new_s = case.nothing_new_s()
    return case.attempts_spent() and nothing_new_s is not None and nothing_new_s > _repetition_limit_s(case)


def _repetition_limit_s(case: Case) -> float:
    return case.thresholds.limits(case.session, None).abort_s


def _rule_8_orphaned_activity(case: Case) -> Verdict | None:
    """Idle, messages wait, and what looks active belongs to nobody (OpenClaw 87028)."""
    waiting = case.session.state is SessionState.IDLE and case.queued and case.queue_settled()
    if not waiting or not case.ownerless or not case.silent(case.limits.warn_s):
        return None
    return case.release_lane("8", Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN)


def _rule_8b_unheard_work(case: Case) -> Verdict | None:
    """Nobody can see whether it moves: its age is known, its silence is not, so it is told and never ended (J2b)."""
    if case.session.progress_known or case.activity is None:
        return None
    if case.silent(case.abort_limit_s):
        return case.verdict(
            "8b",
            Attention.STALLED,
            Reason.PROGRESS_UNKNOWN,
            classification=Classification.STALLED_AGENT_RUN,
            evidence_class=EvidenceClass.SILENCE,
            remedy=Remedy.TELL_PERSON,
            limit_s=case.abort_limit_s,
        )
    return case.long_running("8b", Reason.PROGRESS_UNKNOWN) if case.turn_older_than(case.limits.warn_s) else None


def _rule_9_blocked_tool(case: Case) -> Verdict | None:
    activity = case.activity
    if activity is None or activity.kind is not ActivityKind.TOOL_CALL or not case.owned:
        return None
    label_s = case.tool_label_s()
    tool_age_s = case.vitals.age(activity.since_s)
    if tool_age_s is None or tool_age_s <= label_s or not case.silent(label_s):
        return None
    return case.abortable("9", Reason.BLOCKED_TOOL_CALL, Classification.BLOCKED_TOOL_CALL, label_s=label_s)


def _rule_10_post_terminal_hold(case: Case) -> Verdict | None:
    """The turn ended and was delivered, yet its lane is still held (OpenClaw 145152, 81335)."""
    held = case.activity is not None or case.session.state not in (SessionState.IDLE, None)
    ended = case.session.terminal is TerminalMark.TURN_END
    if not (ended and held and case.queued) or not case.silent(case.limits.warn_s):
        return None
    return case.release_lane("10", Reason.POST_TERMINAL_HOLD)


def _rule_11_behind_terminal_looking_work(case: Case) -> Verdict | None:
    """An item's end only *looks* terminal, so it gives no fast path (OpenClaw 85532)."""
    looks_ended = case.session.terminal is TerminalMark.ITEM_END and case.activity is not None
    if not (looks_ended and case.queued) or not case.silent(case.limits.warn_s):
        return None
    return case.abortable(
        "11",
        Reason.QUEUED_BEHIND_TERMINAL_ACTIVE_WORK,
        Classification.STALLED_AGENT_RUN,
        label_s=case.limits.warn_s,
    )


def _rule_12_silent_tool(case: Case) -> Verdict | None:
    """Tools are silent for minutes and healthy too (OpenClaw 73327, 85251)."""
    activity = case.activity
    if activity is None or activity.kind is not ActivityKind.TOOL_CALL or not case.owned:
        return None
    if not case.silent(case.limits.warn_s) or case.silent(case.tool_label_s()):
        return None
    return case.long_running(
        "12", Reason.ACTIVE_WORK_WITHOUT_PROGRESS, remedy=Remedy.ABORT_RUN, due_limit_s=case.abort_limit_s
    )


def _rule_12_silent_model_call(case: Case) -> Verdict | None:
    """Thinking models are silent for minutes and healthy (OpenClaw 78361, 137372)."""
    activity = case.activity
    if activity is None or activity.kind is not ActivityKind.MODEL_CALL or not case.owned:
        return None
    if not case.silent(case.limits.warn_s) or case.silent(case.abort_limit_s):
        return None
    return case.long_running(
        "12", Reason.ACTIVE_MODEL_CALL_WITHOUT_PROGRESS, remedy=Remedy.ABORT_RUN, due_limit_s=case.abort_limit_s
    )


def _rule_13_silent_activity(case: Case) -> Verdict | None:
    if case.activity is None or not case.silent(case.stall_limit_s):
        return None
    return case.abortable(
        "13",
        Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
        Classification.STALLED_AGENT_RUN,
        label_s=case.stall_limit_s,
    )


def _rule_14_long_but_moving(case: Case) -> Verdict | None:
    if case.activity is None or not case.turn_older_than(case.limits.warn_s):
        return None
    return case.long_running("14", Reason.QUEUED_BEHIND_ACTIVE_WORK if case.queued else Reason.ACTIVE_WORK)


def _rule_15_untracked_progress(case: Case) -> Verdict | None:
    moving = case.session.progress_s is not None and not case.silent(case.limits.warn_s)
    if case.activity is not None or not moving or not case.turn_older_than(case.limits.warn_s):
        return None
    queued = Reason.QUEUED_BEHIND_UNTRACKED_ACTIVE_PROGRESS
    return case.long_running("15", queued if case.queued else Reason.UNTRACKED_ACTIVE_PROGRESS)


def _rule_16_stale_state(case: Case) -> Verdict | None:
    if _only_the_store_says_running(case):
        return None  # rule 6 judges the store's word, after its own time
    # Nothing queued and nothing active is what rest looks like too, where the state cannot be seen (J2).
    resting = case.session.state is None and not case.queued
    if resting or case.activity is not None or not case.stale(case.limits.warn_s):
        return None
    if case.waits_for_drain():  # OpenClaw 66130
        return case.long_running("16", Reason.QUEUED_BEHIND_DRAIN)
    reason = Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN if case.queued else Reason.STALE_SESSION_STATE
    return case.release_lane("16", reason)


def _only_the_store_says_running(case: Case) -> bool:
    """Return whether rule 6 will judge the session: at rest in memory as far as everything is known there."""
    session = case.session
    at_rest = session.state is SessionState.IDLE and not case.queued and session.run is None
    known = session.owner is Presence.ABSENT and session.activity_known
    return at_rest and known and session.store_says_running is Presence.PRESENT


RULES: tuple[Callable[[Case], Verdict | None], ...] = (
    _rule_1_idle,
    _rule_2_provider_retry,
    _rule_3_declared_wait,
    _rule_3b_unanswered_wait,
    _rule_4_awaited_work_is_over,
    _rule_5_zombie_run,
    _rule_6_ghost_session,
    _rule_6_stranded_run,
    _rule_7_repetition,
    _rule_8_orphaned_activity,
    _rule_8b_unheard_work,
    _rule_9_blocked_tool,
    _rule_10_post_terminal_hold,
    _rule_11_behind_terminal_looking_work,
    _rule_12_silent_tool,
    _rule_12_silent_model_call,
    _rule_13_silent_activity,
    _rule_14_long_but_moving,
    _rule_15_untracked_progress,
    _rule_16_stale_state,
)
