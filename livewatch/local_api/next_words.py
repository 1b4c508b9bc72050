"""Why nothing is done about a session, and what would change that, in one sentence. Pure."""

from collections.abc import Sequence

from livewatch.local_api.rule_words import duration
from livewatch.recovery.gates import Held
from livewatch_classifiers.case import Case
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, Gate, Presence, Reason, Remedy, SessionState

A_PERSON_SHOULD_LOOK = "a person should look"
LASTING = frozenset(
    {Gate.CAPABILITY, Gate.MODE, Gate.OPERATOR_HOLD, Gate.SINGLE_ACTOR, Gate.QUARANTINE, Gate.DISCARD, Gate.DRY_RUN}
)
"""Gates that no passing of time opens: behind one of them nothing is going to be sent, and no sentence may say so."""


def why_nothing(verdict: Verdict, case: Case) -> str:
    """Return why no action comes next for a session whose verdict leads to none."""
    match verdict.attention:
        case Attention.NONE:
            return "nothing is wrong" if verdict.rule != "17" or _known(case) else "nothing is known to be wrong"
        case Attention.LONG_RUNNING:
            return _why_left_alone(verdict, case)
        case _:
            return _why_no_repair(verdict, case)


def why_not_yet(verdict: Verdict, case: Case) -> str:
    """Return why an action that fits is not due; what is unknown is named, because no time will make it known."""
    if verdict.due_in_s is not None:
        return "not due yet"
    return f"cannot be done while {_unknown(verdict, case)}; {A_PERSON_SHOULD_LOOK}"


def why_now(blocked: Sequence[tuple[Gate, Held]]) -> str:
    """Return how an action that is due stands; ``blocked`` are the gates that block it, in their order."""
    if not blocked:
        return "due now, every gate passes"
    gate, _held = blocked[0]
    return f"due, and blocked by {gate.value}"


def _known(case: Case) -> bool:
    session = case.session
    return session.state is not None and session.activity_known and session.progress_known


def _why_left_alone(verdict: Verdict, case: Case) -> str:
    if verdict.rule == "14" and case.silent(case.limits.warn_s):
        return f"left alone until it has been silent for {duration(case.stall_limit_s)}"
    if verdict.rule == "3":
        bound_s = case.wait_bound_s()
        told = "" if bound_s == float("inf") else f"; a person is told when that has lasted {duration(bound_s)}"
        return f"left alone while it waits{told}"
    if verdict.rule == "8b":
        return f"left alone while nothing is heard of it; a person is told after {duration(case.abort_limit_s)}"
    if verdict.rule == "2":
        return "left alone until the time of its retry"
    return "slow is not sick: it is left alone while it goes on"


def _why_no_repair(verdict: Verdict, case: Case) -> str:
    if verdict.reason is Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS:
        return _why_it_may_repeat(case)
    wait = case.session.wait
    if verdict.rule == "3b" and wait is not None and case.owned:
        setting = f'abort_waits = ["{wait.kind.value}"] in [thresholds]'
        return f"only reported, as abort_waits does not name such waits; {setting} aborts such a run"
    if not case.owned and verdict.remedy is Remedy.TELL_PERSON:
        return f"no repair is safe while {_unknown(verdict, case)}; {A_PERSON_SHOULD_LOOK}"
    return f"no automatic repair fits; {A_PERSON_SHOULD_LOOK}"


def _why_it_may_repeat(case: Case) -> str:
    limits = case.thresholds
    if not limits.abort_repeating:
        return "only reported, as abort_repeating is off; abort_repeating = true in [thresholds] aborts such a run"
    own_s = limits.repeat_abort_after_s
    if own_s is not None:
        return f"only reported until it has repeated itself for {duration(own_s)} (repeat_abort_after in [thresholds])"
    return f"no automatic repair fits; {A_PERSON_SHOULD_LOOK}"


def _unknown(verdict: Verdict, case: Case) -> str:
    """Return what stands in the way of a repair: the fact that it needs, as it is."""
    session = case.session
    owner = case.activity.owner if case.activity is not None else session.owner
    match verdict.remedy:
        case Remedy.RELEASE_LANE if not session.activity_known:
            return "what is active cannot be seen"
        case Remedy.RELEASE_LANE if owner is Presence.PRESENT:
            return "a live run owns it"
        case Remedy.FORCE_CLEAR:
            return "the handle of its run is unknown"
        case Remedy.ABORT_RUN if session.run is None:
            return "its run is unknown"
        case Remedy.ABORT_RUN if session.state is None or session.state is SessionState.IDLE:
            return "the state of its run is unknown"
        case _:
            pass
    if owner is Presence.UNKNOWN:
        return "it is unknown whether a run still owns it"
    if owner is Presence.ABSENT:
        return "no run is known to own it"
    return "when it was last heard is unknown"
