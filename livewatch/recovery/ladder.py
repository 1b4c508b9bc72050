"""Which rung comes next. A rung is climbed only when the one before was *seen* to fail."""

from livewatch.recovery.memory import Patient
from livewatch.recovery.settings import Policy
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Mode, Outcome, Remedy

FIRST_RUNG: dict[Remedy, ActionKind] = {
    Remedy.RELEASE_LANE: ActionKind.RELEASE_LANE,
    Remedy.ABORT_RUN: ActionKind.ABORT_RUN,
    Remedy.FORCE_CLEAR: ActionKind.FORCE_CLEAR,
    Remedy.EVICT_SESSION: ActionKind.EVICT_SESSION,
    Remedy.CORRECT_STORE: ActionKind.CORRECT_STORE,
    Remedy.WAKE: ActionKind.WAKE,
}
RELEASES_BEFORE_EVICTION = 2
_FAILED = (Outcome.INEFFECTIVE, Outcome.TIMED_OUT, Outcome.FAILED)


def next_rung(
    verdict: Verdict, patient: Patient, capabilities: frozenset[ActionKind], policy: Policy
) -> ActionKind | None:
    """Return the smallest action that has not been seen to fail for this patient, or ``None`` where none fits.

    ``release_lane`` → again → ``evict_session``; ``abort_run`` → ``force_clear`` → ``release_lane``; last of all, and
    only in mode ``restart``, ``restart_target``. A rung that the gateway does not offer is skipped upwards.
    """
    first = FIRST_RUNG.get(verdict.remedy)
    if first is None:
        return None
    rungs = [rung for rung in _rungs(first, policy) if rung in capabilities]
    if rungs in ([], [ActionKind.RESTART_TARGET]):
        return first  # the capability gate will name what is missing; a restart is never the first thing to try
    failures = [kind for kind, outcome in patient.tried if outcome in _FAILED]
    for index, rung in enumerate(rungs):
        patience = RELEASES_BEFORE_EVICTION if rung is ActionKind.RELEASE_LANE else 1
        if failures.count(rung) < patience or index == len(rungs) - 1:
            return rung
    return None


def _rungs(first: ActionKind, policy: Policy) -> list[ActionKind]:
    last = [ActionKind.RESTART_TARGET] if policy.mode is Mode.RESTART else []
    match first:
        case ActionKind.RELEASE_LANE:
            return [first, ActionKind.EVICT_SESSION, *last]
        case ActionKind.ABORT_RUN:
            return [first, ActionKind.FORCE_CLEAR, ActionKind.RELEASE_LANE, *last]
        case ActionKind.FORCE_CLEAR:
            return [first, ActionKind.RELEASE_LANE, *last]
        case ActionKind.EVICT_SESSION:
            return [first, *last]
        case _:
            return [first]
