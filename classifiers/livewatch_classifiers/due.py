"""When a verdict of "nothing to see" can change by the mere passing of time: a lower bound, never an estimate.

A verdict without attention carries no ages, so it stands until an age crosses a limit. Every pair of an age and a
limit that some rule compares is listed in `_comparisons`; a rule that compares another pair adds it there
(`tests/classifiers/test_due.py` holds the two together).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from livewatch_classifiers.case import Case
from livewatch_classifiers.thresholds import ALLOWANCE_MARGIN
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActivityKind, Attention

SLACK_S = 0.001
"""Ages of one moment may differ in their last bits from look to look; a session is looked at that much too early."""


@dataclass(frozen=True, slots=True)
class Standing:
    """For how long a verdict stands if the session does not change."""

    due_in_s: float
    """No age can cross a limit before as many seconds have passed; 0 for a verdict whose evidence holds ages."""
    passed: bool
    """Whether an age is past a limit already, so that blind time found only later could bring it back."""


TIMELESS = Standing(inf, passed=False)
FLEETING = Standing(0.0, passed=False)


def standing(case: Case, verdict: Verdict) -> Standing:
    """Return for how long ``verdict``, given on ``case``, stands while nothing but time changes. Pure and total."""
    if verdict.attention is not Attention.NONE:
        return FLEETING
    if verdict.rule == "1":
        return TIMELESS  # it looks at no age
    due_in_s, passed = inf, False
    for age_s, limit_s in _comparisons(case):
        if age_s is None or limit_s is None:
            continue
        left_s = limit_s - age_s
        if left_s > -SLACK_S:
            due_in_s = min(due_in_s, max(0.0, left_s - SLACK_S))
        passed = passed or left_s < SLACK_S
    return Standing(due_in_s, passed)


def _comparisons(case: Case) -> Iterator[tuple[float | None, float | None]]:
    """Yield every age with each limit that it is held against; ``None`` where there is no such age or limit."""
    session, age, thresholds = case.session, case.vitals.age, case.thresholds
    warn_s, ghost_s, settle_s = case.limits.warn_s, thresholds.ghost_after_s, thresholds.settle_s
    for limit_s in (warn_s, case.stall_limit_s, case.abort_limit_s):
        yield case.silence_s, limit_s
    for moment_s in (session.state_since_s, session.progress_s, session.oldest_queued_s):
        if moment_s is not None:
            age_s = age(moment_s)
            yield age_s, warn_s
            yield age_s, ghost_s
    if session.oldest_queued_s is not None:
        yield age(session.oldest_queued_s), settle_s
    if session.repeating_since_s is not None:
        yield age(session.repeating_since_s), thresholds.limits(session, None).abort_s
    yield from _of_the_run(case)
    yield from _of_the_activity(case)
    yield from _of_the_wait(case)


def _of_the_run(case: Case) -> Iterator[tuple[float | None, float | None]]:
    run, age = case.session.run, case.vitals.age
    if run is None:
        return
    started_s = age(run.started_s)
    yield started_s, case.limits.warn_s
    if run.timeout_s is not None:
        yield started_s, run.timeout_s * ALLOWANCE_MARGIN + case.thresholds.settle_s
    if run.abort_requested_s is not None:
        yield age(run.abort_requested_s), case.thresholds.zombie_grace_s


def _of_the_activity(case: Case) -> Iterator[tuple[float | None, float | None]]:
    activity = case.activity
    if activity is None:
        return
    age_s = case.vitals.age(activity.since_s)
    yield age_s, case.allowance_s or case.limits.warn_s
    if activity.working_s is not None:
        yield age_s, case.allowance_s if case.allowance_s is not None else case.thresholds.corroboration_max_s


def _of_the_wait(case: Case) -> Iterator[tuple[float | None, float | None]]:
    wait, vitals = case.session.wait, case.vitals
    if wait is None:
        return
    age_s = vitals.age(wait.since_s)
    yield age_s, case.wait_bound_s()
    yield age_s, case.thresholds.settle_s
    yield age_s, case.thresholds.allowances_s.get(ActivityKind.DELIVERY, 0.0)
    if wait.deadline_s is not None:
        yield vitals.now_s, wait.deadline_s  # compared as it is: a deadline is a moment of the world
        yield vitals.age(wait.deadline_s), 0.0
