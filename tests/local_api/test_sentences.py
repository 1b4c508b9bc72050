"""No sentence of `explain` contradicts the facts beside it, for every session whatsoever."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.local_api.next_words import why_not_yet, why_nothing
from livewatch.local_api.rule_words import rule_words
from livewatch_classifiers import Activity, Run, Session, Thresholds, Vitals, Wait
from livewatch_classifiers.case import Case
from livewatch_classifiers.session import classify_case
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    Attention,
    EvidenceClass,
    Presence,
    Reason,
    Remedy,
    SessionState,
    WaitKind,
)
from tests.classifiers import test_session_properties as any_of

NOW_S = any_of.NOW_S
Fact = Callable[[Verdict, Case], bool]

MAY_BE_SAID_WHEN: tuple[tuple[str, Fact], ...] = (
    (r"\bnothing waits", lambda _v, c: c.session.queued == 0),
    (r"(?<!whether )messages wait", lambda _v, c: c.queued > 0),
    (r"whether messages wait cannot be seen", lambda _v, c: c.session.queued is None),
    (r"^idle", lambda _v, c: c.session.state is SessionState.IDLE),
    (r"nothing is active", lambda _v, c: c.activity is None and c.session.activity_known),
    (r"is active cannot be seen|known to be active", lambda _v, c: not c.session.activity_known),
    (
        r"last sign of progress came|something new came",
        lambda _v, c: c.silence_s is not None and c.silence_s <= c.limits.warn_s,
    ),
    (
        r"its last step began",
        lambda _v, c: c.silence_s is not None and c.silence_s < c.vitals.age(c.session.progress_s),
    ),
    (r"for long and silent for|until it has been silent", lambda _v, c: c.silent(c.limits.warn_s)),
    (r"has been silent for longer than|nothing new has come", lambda _v, c: c.silent(c.limits.warn_s)),
    (r"whether anything new comes cannot be seen", lambda _v, c: c.silence_s is None),
    (r"the session store says that it runs", lambda _v, c: c.session.store_says_running is Presence.PRESENT),
    (r"missing from its session store", lambda _v, c: c.session.in_store is Presence.ABSENT),
    (r"nobody can give it", lambda _v, c: c.session.wait is not None and c.session.wait.answer_impossible),
    (r"never reached anybody", lambda _v, c: c.session.wait is not None and not c.wait_is_over()),
    (r"nothing was heard of it since", lambda _v, c: c.session.run is None and not c.session.progress_known),
    (
        r"waits for a lane slot",
        lambda _v, c: c.session.wait is not None and c.session.wait.kind is WaitKind.LANE_ADMISSION,
    ),
    (r"abort_repeating is off", lambda _v, c: not c.thresholds.abort_repeating),
    (r"abort_waits does not name", lambda _v, c: c.session.wait.kind not in c.thresholds.abort_waits),  # type: ignore[union-attr]  # rule 3b
    (r"^not due yet", lambda v, _c: v.due_in_s is not None),
    (r"nothing is wrong", lambda v, _c: v.attention is Attention.NONE),
    (r"a live run owns it", lambda _v, c: Presence.PRESENT in _owners(c)),
    (r"unknown whether a run still owns", lambda _v, c: Presence.UNKNOWN in _owners(c)),
    (r"no run is known to own", lambda _v, c: Presence.ABSENT in _owners(c)),
    (r"while its run is unknown", lambda _v, c: c.session.run is None),
)
"""What a sentence says, and the facts under which it may be said."""


def _owners(case: Case) -> set[Presence]:
    return {case.session.owner} | ({case.activity.owner} if case.activity is not None else set())


def _waits_for(case: Case) -> WaitKind | None:
    return None if case.session.wait is None else case.session.wait.kind


def said(case: Case) -> tuple[Verdict, str, str]:
    """Return the verdict, why it was given, and what is said to come next."""
    verdict = classify_case(case)
    if verdict.eligible:
        following = ""
    elif verdict.remedy in (Remedy.NONE, Remedy.TELL_PERSON):
        following = why_nothing(verdict, case)
    else:
        following = why_not_yet(verdict, case)
    return verdict, rule_words(verdict, case), following


@settings(max_examples=1500)
@given(session=any_of.sessions, vitals=any_of.vitals, thresholds=any_of.thresholds, aborts=st.booleans())
def test_every_sentence_agrees_with_the_facts_beside_it(
    session: Session, vitals: Vitals, thresholds: Thresholds, *, aborts: bool
) -> None:
    case = Case(session, vitals, Thresholds(warn_after_s=thresholds.warn_after_s, abort_repeating=aborts))
    verdict, why, following = said(case)

    assert why, f"rule {verdict.rule} has no words"
    for phrase, may_be_said in MAY_BE_SAID_WHEN:
        for sentence in (why, following):
            assert not re.search(phrase, sentence) or may_be_said(verdict, case), sentence


def running(silent_s: float, *, kind: ActivityKind = ActivityKind.EMBEDDED_RUN, **facts: object) -> Case:
    """Return a run that began 100 s ago and was last heard ``silent_s`` ago; it is long after 5 s."""
    since_s = NOW_S - silent_s
    given_facts = {
        "key": "k",
        "state": SessionState.PROCESSING,
        "state_since_s": NOW_S - 100,
        "queued": 0,
        "owner": Presence.PRESENT,
        "run": Run("r", NOW_S - 100),
        "activity": Activity(kind, Presence.PRESENT, "r", since_s),
        "progress_s": since_s,
    } | facts
    limits = Thresholds(warn_after_s=5.0, abort_after_s=15.0, abort_repeating=False)
    return Case(Session(**given_facts), Vitals(NOW_S), limits)  # type: ignore[arg-type]  # facts by name


def test_a_run_that_is_silent_while_it_is_prepared_is_not_said_to_bring_anything_new() -> None:
    verdict, why, following = said(running(14.0, kind=ActivityKind.PREPARATION))

    assert (verdict.rule, verdict.attention) == ("14", Attention.LONG_RUNNING)
    assert "silent for 14s" in why
    assert "progress" not in why
    assert following == "left alone until it has been silent for 1m00s"


def test_a_run_that_streams_is_said_to_have_been_heard_just_now() -> None:
    _, why, following = said(running(1.0))

    assert why == "has been working for long; the last sign of progress came 1s ago"
    assert following == "slow is not sick: it is left alone while it goes on"


def test_a_step_that_has_only_begun_is_not_said_to_be_new_content() -> None:
    """Of a failing loop it was said: the last sign of progress came 0ms ago, beside new content of 8.7 s ago."""
    step = Activity(ActivityKind.MODEL_CALL, Presence.PRESENT, "r", since_s=NOW_S - 1)
    _, why, _ = said(running(9.0, activity=step))

    assert why == "has been working for long; its last step began 1s ago, and the last new content came 9s ago"


def test_a_failing_loop_is_said_to_be_abortable_by_the_setting_that_is_off() -> None:
    verdict, _, following = said(running(0.1, repeats=760, repeating_since_s=NOW_S - 71))

    assert verdict.reason is Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS
    assert "abort_repeating = true in [thresholds] aborts such a run" in following
    assert "person" not in following


def test_an_idle_session_that_the_store_calls_running_is_not_said_to_be_anything_but_idle() -> None:
    """The sentence was: and yet it is not idle or messages wait."""
    facts = {"state": SessionState.IDLE, "run": None, "activity": None, "owner": Presence.UNKNOWN}
    case = running(40.0, **facts, state_since_s=NOW_S - 40, store_says_running=Presence.PRESENT)
    _, why, _ = said(case)

    assert why == "idle and nothing is active, though the session store says that it runs"


@pytest.mark.parametrize(
    ("remedy", "facts", "told"),
    [
        (Remedy.RELEASE_LANE, {"activity_known": False}, "what is active cannot be seen"),
        (Remedy.FORCE_CLEAR, {}, "the handle of its run is unknown"),
        (Remedy.ABORT_RUN, {"run": None}, "its run is unknown"),
    ],
)
def test_what_no_time_will_make_possible_names_the_fact_that_is_missing(
    remedy: Remedy, facts: dict[str, object], told: str
) -> None:
    """It was said to wait for its threshold, for ever."""
    never = Verdict("k", Attention.STUCK, Reason.ZOMBIE_RUN, "5", evidence_class=EvidenceClass.CERTAIN, remedy=remedy)

    assert why_not_yet(never, running(99.0, **facts)) == f"cannot be done while {told}; a person should look"


def test_a_wait_for_a_lane_slot_says_what_it_waits_for_since_when_and_who_is_told_when() -> None:
    wait = Wait(WaitKind.LANE_ADMISSION, since_s=NOW_S - 12)
    facts = {"state": SessionState.WAITING, "run": None, "activity": None, "owner": Presence.ABSENT, "progress_s": None}
    verdict, why, following = said(running(1.0, **facts, wait=wait))

    assert verdict.reason is Reason.LANE_ADMISSION_WAIT
    assert why == "waits for a lane slot, 12s so far; a person is told after 30m00s"
    assert following == "left alone while it waits; a person is told when that has lasted 30m00s"


def test_a_run_that_only_a_list_names_is_not_said_to_have_brought_anything_new() -> None:
    """`explain` spoke of new content 12.5 s ago, of a run that was never heard and was healthy."""
    unheard = {"run": None, "owner": Presence.UNKNOWN, "progress_s": None, "progress_known": False}
    for age_s, attention in ((12.5, Attention.LONG_RUNNING), (60.0, Attention.STALLED)):
        activity = Activity(ActivityKind.EMBEDDED_RUN, Presence.UNKNOWN, since_s=NOW_S - age_s)
        case = running(age_s, **unheard, activity=activity)
        verdict, why, following = said(case)

        assert (verdict.attention, verdict.rule) == (attention, "8b")
        age = {12.5: "12.5s", 60.0: "1m00s"}[age_s]
        assert why == f"something is active; first seen {age} ago, and nothing was heard of it since"
        assert "person" in following


def test_the_silence_of_a_run_that_repeats_itself_counts_from_its_last_new_content() -> None:
    """`silence 222ms` stood beside "does the same again", with 7.8 s of nothing new: two clocks for one silence."""
    activity = Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r", NOW_S - 0.2)
    case = running(40.0, activity=activity, repeats=25, repeating_since_s=NOW_S - 39)
    verdict, _, _ = said(case)

    assert verdict.rule == "7"
    assert dict(verdict.evidence)["silence_s"] == 40.0
    assert [name for name, _ in verdict.evidence].count("silence_s") == 1
