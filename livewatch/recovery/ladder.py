"""Which rung comes next. A rung is climbed only when the one before was *seen* to fail."""

from livewatch.recovery.patient import LEVER_FAILURES, Patient
from livewatch.recovery.settings import Policy
from livewatch_classifiers.model import Session
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Mode, Outcome, Presence, Remedy

FIRST_RUNG: dict[Remedy, ActionKind] = {
    Remedy.RELEASE_LANE: ActionKind.RELEASE_LANE,
    Remedy.ABORT_RUN: ActionKind.ABORT_RUN,
    Remedy.FORCE_CLEAR: ActionKind.FORCE_CLEAR,
    Remedy.EVICT_SESSION: ActionKind.EVICT_SESSION,
    Remedy.CORRECT_STORE: ActionKind.CORRECT_STORE,
    Remedy.WAKE: ActionKind.WAKE,
}
RELEASES_BEFORE_EVICTION = 2
_LEVER_FAILED = (Outcome.TIMED_OUT, Outcome.FAILED)


def next_rung(
    verdict: Verdict, session: Session, patient: Patient, capabilities: frozenset[ActionKind], policy: Policy
) -> ActionKind | None:
    """Return the smallest action that has not been seen to fail for this patient, or ``None`` where none fits.

    ``release_lane`` → again → ``evict_session``; ``abort_run`` → ``force_clear`` → ``release_lane`` once the owner is
    gone; last of all, and only in mode ``restart``, ``restart_target``. A rung that the gateway does not offer is
    skipped upwards; the last rung is repeated, with backoff, until quarantine ends that.
    """
    first = FIRST_RUNG.get(verdict.remedy)
    if first is None:
        return None
    rungs = [rung for rung in _rungs(first, session, policy) if rung in capabilities]
    if rungs in ([], [ActionKind.RESTART_TARGET]):
        return first  # the capability gate will name what is missing; a restart is never the first thing to try
    return next((rung for rung in rungs if not _seen_to_fail(rung, patient)), rungs[-1])


def _seen_to_fail(rung: ActionKind, patient: Patient) -> bool:
    outcomes = [outcome for kind, outcome in patient.tried if kind is rung]
    patience = RELEASES_BEFORE_EVICTION if rung is ActionKind.RELEASE_LANE else 1
    lever_failures = sum(outcome in _LEVER_FAILED for outcome in outcomes)
    return outcomes.count(Outcome.INEFFECTIVE) >= patience or lever_failures >= LEVER_FAILURES


def _rungs(first: ActionKind, session: Session, policy: Policy) -> list[ActionKind]:
    # a lane is not released under a run that is still registered: the gate would hold that rung for ever
    release = [] if session.owner is Presence.PRESENT else [ActionKind.RELEASE_LANE]
    last = [ActionKind.RESTART_TARGET] if policy.mode is Mode.RESTART else []
    match first:
        case ActionKind.RELEASE_LANE:
            return [first, ActionKind.EVICT_SESSION, *last]
        case ActionKind.ABORT_RUN:
            return [first, ActionKind.FORCE_CLEAR, *release, *last]
        case ActionKind.FORCE_CLEAR:
            return [first, *release, *last]
        case ActionKind.EVICT_SESSION:
            return [first, *last]
        case _:
            return [first]
