"""What a glance says of a session is what the rules say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch_classifiers.glance import (
    NOT_PLAIN_S,
    TIMELESS_S,
    glances,
    outlines,
    plain_limit_s,
    plain_since_s,
    plain_verdict,
)
from livewatch_classifiers.model import Activity, Run, Session, Vitals
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Override, Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, Presence, Reason, SessionState
from tests.test_judge import BEGIN_S, lively_sessions

_LIMITS = (
    Thresholds(),
    Thresholds(warn_after_s=20.0),
    Thresholds(warn_after_s=300.0, allowance_max_s=100.0),
    Thresholds(allowances_s={ActivityKind.TOOL_CALL: 15.0}),
    Thresholds(overrides=(Override(session="a*", warn_after_s=7.0, abort_after_s=40.0),)),
)


@given(lively_sessions(), st.sampled_from(_LIMITS), st.integers(0, 500), st.none() | st.integers(-300, 0))
def test_a_plain_session_is_what_the_rules_make_of_it(
    session: Session, limits: Thresholds, later_s: int, ready_s: int | None
) -> None:
    vitals = Vitals(BEGIN_S + later_s, ready_s=None if ready_s is None else BEGIN_S + ready_s)
    limit_s = plain_limit_s(limits)
    since_s = plain_since_s(session, limit_s)
    verdict = classify_session(session, vitals, limits)
    if since_s == TIMELESS_S:
        assert verdict == plain_verdict(session.key, Reason.IDLE)
    elif vitals.now_s - since_s < limit_s:
        assert verdict == plain_verdict(session.key, Reason.ACTIVE)


AT_WORK = Session(
    "a",
    state=SessionState.PROCESSING,
    state_since_s=90.0,
    owner=Presence.PRESENT,
    run=Run("r", started_s=80.0),
    activity=Activity(ActivityKind.MODEL_CALL, Presence.PRESENT, "r", since_s=95.0),
    progress_s=99.0,
)


def test_the_oldest_moment_of_a_session_at_work_counts() -> None:
    assert plain_since_s(AT_WORK, 120.0) == 80.0
    assert plain_since_s(replace(AT_WORK, progress_s=70.0), 120.0) == 70.0


def test_an_idle_session_is_timeless_unless_a_run_is_registered() -> None:
    idle = replace(AT_WORK, state=SessionState.IDLE, activity=None, owner=Presence.ABSENT)
    assert plain_since_s(idle, 120.0) == TIMELESS_S
    assert plain_since_s(replace(idle, owner=Presence.PRESENT), 120.0) == 80.0
    assert plain_since_s(replace(idle, owner=Presence.PRESENT, activity_known=False), 120.0) == 80.0


def test_without_a_moment_of_its_state_a_session_is_for_the_rules() -> None:
    waiting = Session("a", state=SessionState.IDLE, queued=1, oldest_queued_s=1.0, run=Run("r", started_s=890.0))
    assert classify_session(waiting, Vitals(1000.0), Thresholds()).rule == "16"
    assert plain_since_s(waiting, 120.0) == NOT_PLAIN_S


@pytest.mark.parametrize("allowance_s", [119.0, float("nan")])
def test_a_short_allowance_is_for_the_rules(allowance_s: float) -> None:
    assert AT_WORK.activity is not None
    hurried = replace(AT_WORK, activity=replace(AT_WORK.activity, allowance_s=allowance_s))
    assert plain_since_s(hurried, 120.0) == NOT_PLAIN_S


def test_the_shortest_limit_of_all_sessions_counts() -> None:
    assert [plain_limit_s(limits) for limits in _LIMITS] == [120.0, 20.0, 100.0, 15.0, 7.0]


def test_plain_mappings_are_told_from_their_sessions() -> None:
    sessions = {"a": AT_WORK}
    assert list(glances(sessions, ["a"], 120.0)) == [80.0]
    ((key, facts),) = outlines(sessions)
    assert (key, facts.state, facts.progress_s, facts.has_run) == ("a", SessionState.PROCESSING, 99.0, True)
