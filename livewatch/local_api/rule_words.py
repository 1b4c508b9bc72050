"""Why a session has its label, in one sentence for people who have not read `docs/classification.md`. Pure.

A sentence states only what the facts beside it show: whether anything new comes, whether messages wait and whether
an owner is known are read from the session, never taken from the name of the rule.
"""

from collections.abc import Callable, Mapping

from livewatch.durations import format_duration
from livewatch_classifiers.case import Case
from livewatch_classifiers.thresholds import ALLOWANCE_MARGIN
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Presence, Reason, SessionState, WaitKind

_WAITS_FOR = {
    WaitKind.APPROVAL: "waits for a person's approval",
    WaitKind.QUESTION: "waits for a person's answer",
    WaitKind.LANE_ADMISSION: "waits for a lane slot",
    WaitKind.PROVIDER_BACKOFF: "waits until it may ask the provider again",
    WaitKind.SUBAGENT: "waits for the work of another session",
    WaitKind.SETUP: "waits until its setup is done",
    WaitKind.DRAIN: "waits until what runs has ended",
    WaitKind.RUNTIME_OWNED: "waits for work that the gateway watches",
}
_SAME_S = 0.5
_FIXED: Mapping[str, str] = {
    "2": "the provider asked to try again later, and that time has not come",
    "3c": "waits in a circle that nobody in it can leave",
    "5": "was asked to end, its grace is over, and its run is still registered",
    "7": "repeats the same step, and nothing new comes of it",
    "8": "idle, messages wait, and what looks active belongs to nobody",
    "10": "the turn has ended, yet its lane is held while messages wait",
    "11": "messages wait behind work whose last mark only looks like an end",
    "12": "a model or tool call is silent, and not yet for long enough to say that it is dead",
    "17": "nothing stands out",
}


def rule_words(verdict: Verdict, case: Case) -> str:
    """Return the sentence for a verdict on this case; empty for a rule that is not known here."""
    write = _BY_FACTS.get(verdict.rule)
    return _FIXED.get(verdict.rule, "") if write is None else write(verdict, case)


def duration(seconds: float) -> str:
    """Return a duration for a sentence: tenths only below a minute."""
    return format_duration(round(seconds, 1))


def _idle(_verdict: Verdict, case: Case) -> str:
    session = case.session
    waiting = "nothing waits" if session.queued is not None else "whether messages wait cannot be seen"
    active = "nothing is active" if session.activity_known else "whether anything is active cannot be seen"
    return f"idle, {active}, {waiting}"


def _waits(_verdict: Verdict, case: Case) -> str:
    assert case.session.wait is not None
    waited_s = case.vitals.age(case.session.wait.since_s)
    so_far = f", {duration(waited_s)} so far" if waited_s is not None else ""
    bound_s = case.wait_bound_s()
    told = f"; a person is told after {duration(bound_s)}" if bound_s < float("inf") else ""
    return f"{_WAITS_FOR[case.session.wait.kind]}{so_far}{told}"


def _waits_too_long(_verdict: Verdict, case: Case) -> str:
    wait = case.session.wait
    assert wait is not None
    if wait.answer_impossible:
        return f"{_WAITS_FOR[wait.kind]}, and nobody can give it"
    if case.wait_is_over():
        return f"{_WAITS_FOR[wait.kind]}, for longer than it may"
    return f"{_WAITS_FOR[wait.kind]}, and the request never reached anybody"


def _awaited(verdict: Verdict, _case: Case) -> str:
    gone = verdict.reason is Reason.AWAITED_WORK_UNKNOWN
    return f"waits for work that {'the gateway does not know' if gone else 'has already ended'}"


def _mismatch(verdict: Verdict, _case: Case) -> str:
    if verdict.reason is Reason.STRANDED_RUN:
        return "the session store says that it runs, and nothing in the gateway runs"
    return "active in the gateway's memory, missing from its session store, and nobody owns its run"


def _unheard(_verdict: Verdict, case: Case) -> str:
    """Rule 8b: what is active may be known to a list alone, and then its age is that of our own knowledge."""
    activity, session = case.activity, case.session
    assert activity is not None
    age_s = case.vitals.age(activity.since_s)
    if session.run is None and activity.run_id is None and age_s is not None:
        return f"something is active; first seen {duration(age_s)} ago, and nothing was heard of it since"
    return "something is active, and whether it makes progress was never reported or cannot be seen"


def _silent_tool(_verdict: Verdict, case: Case) -> str:
    if case.allowance_s is not None:
        declared = duration(case.allowance_s / ALLOWANCE_MARGIN)
        return f"a tool call has been silent for longer than the {declared} that it declared"
    return f"a tool call has been silent for longer than {duration(case.tool_label_s())}"


def _silent_activity(_verdict: Verdict, case: Case) -> str:
    return f"work is registered, and nothing new has come for longer than {duration(case.stall_limit_s)}"


def _long(_verdict: Verdict, case: Case) -> str:
    """Rule 14 is given both to a run that streams and to one that is silent within what its step may take."""
    if case.silence_s is None:
        return "has been working for long; whether anything new comes cannot be seen"
    if not case.silent(case.limits.warn_s):
        content_s = case.vitals.age(case.session.progress_s)
        if content_s is not None and content_s - case.silence_s > _SAME_S:  # a step began, and brought nothing new yet
            return (
                f"has been working for long; its last step began {duration(case.silence_s)} ago,"
                f" and the last new content came {duration(content_s)} ago"
            )
        return f"has been working for long; the last sign of progress came {duration(case.silence_s)} ago"
    return (
        f"has been working for long and silent for {duration(case.silence_s)},"
        f" less than the {duration(case.stall_limit_s)} that this step may be"
    )


def _untracked(_verdict: Verdict, case: Case) -> str:
    return f"something new came {duration(case.silence_s or 0.0)} ago, though nothing says what is being done"


def _stale(_verdict: Verdict, case: Case) -> str:
    session = case.session
    idle = session.state is SessionState.IDLE
    nothing = "nothing is active" if session.activity_known else "nothing is known to be active"
    if idle and not case.queued and session.store_says_running is Presence.PRESENT:
        return f"idle and {nothing}, though the session store says that it runs"
    state = session.state.value if session.state is not None else "in an unknown state"
    waiting = "messages wait and " if case.queued else ""
    return f"{waiting}{nothing}; it has been {state}, without anything new, for longer than warn_after"


_BY_FACTS: Mapping[str, Callable[[Verdict, Case], str]] = {
    "1": _idle,
    "3": _waits,
    "3b": _waits_too_long,
    "4": _awaited,
    "6": _mismatch,
    "8b": _unheard,
    "9": _silent_tool,
    "13": _silent_activity,
    "14": _long,
    "15": _untracked,
    "16": _stale,
}
