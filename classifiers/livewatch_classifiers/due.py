"""When a verdict can become another one by the mere passing of time: a lower bound, never an estimate.

A session's label stands until an age crosses a limit. Every pair of an age and a
limit that some rule compares is listed here; a rule that compares another pair adds it
(`tests/test_judge.py` holds the two together).
"""

from dataclasses import dataclass
from math import inf

from livewatch_classifiers.case import Case
from livewatch_classifiers.thresholds import ALLOWANCE_MARGIN
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActivityKind, WaitKind

SLACK_S = 0.001
"""Ages of one moment may differ in their last bits from look to look; a session is looked at that much too early."""


@dataclass(frozen=True, slots=True)
class Standing:
    """For how long a verdict stands if the session does not change."""

    due_in_s: float
    """No age can cross a limit before as many seconds have passed."""
    passed: bool
    """Whether an age is past a limit already, so that blind time found only later could bring it back."""
    silent: bool
    """Whether one of those is an age that progress brings back."""


TIMELESS = Standing(inf, passed=False, silent=False)


def standing(case: Case, verdict: Verdict) -> Standing:
    """Return for how long the label of ``verdict``, given on ``case``, stands while only time changes. Pure, total."""
    if verdict.rule == "1":
        return TIMELESS  # it looks at no age
    silent_s, other_s = _left_of_silence(case), _left(case)
    due_in_s = min((max(0.0, left - SLACK_S) for left in (*silent_s, *other_s) if left > -SLACK_S), default=inf)
    silent = any(left < SLACK_S for left in silent_s)
    return Standing(due_in_s, silent or any(left < SLACK_S for left in other_s), silent)


def _left_of_silence(case: Case) -> list[float]:
    """Return as much as `_left` for the ages that become less by progress."""
    silence_s, progress_s = case.silence_s, case.vitals.age(case.session.progress_s)
    left: list[float] = []
    if silence_s is not None:
        limits_s = (case.limits.warn_s, case.tool_label_s(), case.stall_limit_s, case.abort_limit_s)
        left += (limit_s - silence_s for limit_s in limits_s)
    nothing_new_s = case.nothing_new_s()
    if nothing_new_s is not None:
        left.append(case.thresholds.limits(case.session, None).abort_s - nothing_new_s)
    if progress_s is not None:
        left += (case.limits.warn_s - progress_s, case.thresholds.ghost_after_s - progress_s)
    return left


def _left(case: Case) -> list[float]:
    """Return the limit less the age for every pair that is compared: what is left, or how far it is past."""
    session, age, thresholds = case.session, case.vitals.age, case.thresholds
    warn_s, ghost_s = case.limits.warn_s, thresholds.ghost_after_s
    left: list[float] = []
    for moment_s in (session.state_since_s, session.oldest_queued_s):
        age_s = age(moment_s)
        if age_s is not None:
            left += (warn_s - age_s, ghost_s - age_s)
    queued_s, repeating_s = age(session.oldest_queued_s), age(session.repeating_since_s)
    if queued_s is not None:
        left.append(thresholds.settle_s - queued_s)
        left.append(thresholds.wait_bounds_s.get(WaitKind.LANE_ADMISSION, 0.0) - queued_s)
    if repeating_s is not None:
        left.append(thresholds.limits(session, None).abort_s - repeating_s)
    _of_the_run(case, left)
    _of_the_activity(case, left)
    _of_the_wait(case, left)
    return left


def _of_the_run(case: Case, left: list[float]) -> None:
    run, age = case.session.run, case.vitals.age
    if run is None:
        return
    started_s, asked_s = age(run.started_s), age(run.asked_to_end_s)
    if started_s is not None:
        left.append(case.limits.warn_s - started_s)
        if run.timeout_s is not None:
            left.append(run.timeout_s * ALLOWANCE_MARGIN + case.thresholds.settle_s - started_s)
    if asked_s is not None:
        left.append(case.thresholds.zombie_grace_s - asked_s)


def _of_the_activity(case: Case, left: list[float]) -> None:
    activity = case.activity
    age_s = case.vitals.age(activity.since_s) if activity is not None else None
    if activity is None or age_s is None:
        return
    left += (case.limits.warn_s - age_s, case.tool_label_s() - age_s)
    if activity.working_s is not None:
        left.append((case.allowance_s if case.allowance_s is not None else case.thresholds.corroboration_max_s) - age_s)


def _of_the_wait(case: Case, left: list[float]) -> None:
    wait, vitals = case.session.wait, case.vitals
    if wait is None:
        return
    age_s, past_s = vitals.age(wait.since_s), vitals.age(wait.deadline_s)
    if age_s is not None:
        delivery_s = case.thresholds.allowances_s.get(ActivityKind.DELIVERY, 0.0)
        left += (case.wait_bound_s() - age_s, case.thresholds.settle_s - age_s, delivery_s - age_s)
    if wait.deadline_s is not None and past_s is not None:
        left += (wait.deadline_s - vitals.now_s, -past_s)  # the first as it is: a deadline is a moment of the world
