"""A session under recovery: what was seen of it and what was tried. Frozen."""

from dataclasses import dataclass, replace

from livewatch.recovery.backoff import backoff_s
from livewatch.recovery.outcome import ENDS_A_RUN
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Action, Completed
from livewatch_classifiers.model import Session
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import SICK, ActionKind, EvidenceClass, LaneKind, Outcome, Reason

_OF_A_REPEATING_RUN = frozenset({Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS, Reason.ZOMBIE_RUN})
_SCHEDULED = frozenset({LaneKind.CRON})
LEVER_FAILURES = 3
"""A lever that answers with an error, or not at all, says nothing about the session: it is pulled again, so often."""
_SAYS_NOTHING = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.REFUSED})
SIGN_OF_LIFE = frozenset({Outcome.RECOVERED, Outcome.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Patient:
    """A session that is sick now, or that was repaired lately."""

    key: str
    reason: Reason
    certain: bool
    sick_since_s: float
    generation: int | None
    run_id: str | None
    handle: str | None
    progress_s: float | None
    repeats: int = 0
    """How often the run had repeated its step when it was sampled last."""
    samples: int = 0
    """Consecutive ticks with the same identity, reason and an eligible remedy."""
    pending: Action | None = None
    attempts: int = 0
    """Actions since the last sign of life; a request issued is no sign of life (OpenClaw 145152: 67 a day)."""
    tried: tuple[tuple[ActionKind, Outcome], ...] = ()
    next_action_s: float = 0.0
    last_sent_s: float = 0.0
    last_action: Action | None = None
    """The latest action; life is generation *and* progress that moved since it, in however many ticks."""
    repaired_s: tuple[float, ...] = ()
    ineffective_in_a_row: int = 0
    quarantined: bool = False
    sick: bool = True
    scheduled: bool = False
    """Whether its lane runs a schedule: each of its runs is a patient of its own, and the schedule goes on."""
    eligible_since_s: float | None = None
    """When the present sickness of this run first became eligible for an action."""

    def revived(self) -> "Patient":
        """Forget failures: the session was seen to move on since the latest action."""
        return replace(
            self, attempts=0, last_action=None, tried=(), next_action_s=0.0, ineffective_in_a_row=0
        )  # repairs and quarantine stay: poison is a matter of days

    def treated_as(self, past: "Patient") -> "Patient":
        """Take over what was done to the session before, from a memory that knows more of it."""
        return replace(
            self,
            attempts=past.attempts,
            tried=past.tried,
            next_action_s=past.next_action_s,
            last_sent_s=past.last_sent_s,
            last_action=past.last_action,
            repaired_s=past.repaired_s,
            ineffective_in_a_row=past.ineffective_in_a_row,
            quarantined=past.quarantined,
        )


def examined(patient: Patient | None, verdict: Verdict, session: Session, policy: Policy, now_s: float) -> Patient:
    """Return the patient after one look at its session; ``None`` is one that was well so far."""
    run = session.run
    run_id = run.id if run is not None else None
    handle = run.handle if run is not None else None
    sick = verdict.attention in SICK
    certain = verdict.evidence_class is EvidenceClass.CERTAIN
    if patient is None:
        patient = Patient(
            session.key, verdict.reason, certain, now_s, session.generation, run_id, handle, session.progress_s
        )
    same = patient.reason is verdict.reason and _same_evidence(patient, verdict, session)
    if run_id is not None and run_id != patient.run_id:
        # what was asked of one run says nothing about the next: that one is asked to end before it is cleared
        patient = replace(patient, tried=tuple(t for t in patient.tried if t[0] not in ENDS_A_RUN))
    last = patient.last_action
    lived = (
        last is not None and last.generation != session.generation and session.progress_s not in (None, last.progress_s)
    )
    if lived and not sick and patient.pending is None:
        patient = patient.revived()
    scheduled = session.lane_kind in _SCHEDULED
    eligible_since_s = patient.eligible_since_s if run_id == patient.run_id else None
    if eligible_since_s is None and verdict.eligible:
        eligible_since_s = now_s
    return replace(
        patient,
        scheduled=scheduled,
        eligible_since_s=eligible_since_s if sick else None,
        reason=verdict.reason,
        certain=certain,
        sick=sick,
        sick_since_s=patient.sick_since_s if sick and patient.sick else now_s,
        generation=session.generation,
        run_id=run_id,
        handle=handle,
        progress_s=session.progress_s,
        repeats=session.repeats,
        samples=(patient.samples + 1 if same else 1) if verdict.eligible else 0,
        repaired_s=tuple(t for t in patient.repaired_s if now_s - t < policy.poison_window_s),
        quarantined=(
            patient.quarantined
            and now_s - patient.last_sent_s < policy.poison_window_s
            and not (scheduled and _only_repaired(patient))
        ),
    )


def _only_repaired(patient: Patient) -> bool:
    """Return whether all that speaks against a session is how often it was repaired: its latest action helped."""
    return bool(patient.repaired_s) and not patient.tried


def repeats_itself(verdict: Verdict, session: Session) -> bool:
    """Return whether a verdict rests on, or outlasts, a run doing the same again and again: its progress is not new."""
    return verdict.reason in _OF_A_REPEATING_RUN and session.run is not None and session.repeats > 0


def _same_evidence(patient: Patient, verdict: Verdict, session: Session) -> bool:
    """Return whether a sample says the same about the same run as the one before.

    A known run is its id and its handle. Its generation may move without anything new: a gateway says the same state
    again with each message that arrives. A run that repeats itself changes generation and progress up to 13 times a
    second (OpenClaw 89090); as long as the count of its repeats has not become smaller, nothing new came.
    """
    run = session.run
    run_id, handle = (run.id, run.handle) if run is not None else (None, None)
    if (patient.run_id, patient.handle) != (run_id, handle):
        return False
    if run is not None and repeats_itself(verdict, session) and session.repeats >= patient.repeats > 0:
        return True
    return patient.progress_s == session.progress_s and (run is not None or patient.generation == session.generation)


def treated(patient: Patient, done: Completed, policy: Policy, now_s: float) -> Patient:
    """Return the patient after the outcome of an action was seen."""
    worked = done.outcome in SIGN_OF_LIFE
    repaired_s = (*patient.repaired_s, now_s) if done.outcome is Outcome.RECOVERED else patient.repaired_s
    repeated = (done.action.kind, Outcome.INEFFECTIVE) in patient.tried and done.outcome is Outcome.INEFFECTIVE
    ineffective = 0 if worked else patient.ineffective_in_a_row + int(repeated)
    broken = [tried for tried in patient.tried if tried[0] is done.action.kind and tried[1] in _SAYS_NOTHING]
    # once more than the ladder's patience with a rung: there is no further one, and this one does not work (151859)
    lever_is_broken = done.outcome in _SAYS_NOTHING and len(broken) >= LEVER_FAILURES
    wait_s = backoff_s(
        patient.attempts,
        initial_s=policy.backoff_initial_s,
        maximum_s=policy.backoff_maximum_s,
        jitter=policy.backoff_jitter,
        seed=f"{policy.seed}:{patient.key}:{patient.reason}",
    )
    return replace(
        patient,
        pending=None,
        samples=0,
        tried=() if worked else (*patient.tried, (done.action.kind, done.outcome)),
        next_action_s=now_s + wait_s,
        repaired_s=repaired_s,
        ineffective_in_a_row=ineffective,
        quarantined=(
            patient.quarantined
            or lever_is_broken
            or (len(repaired_s) >= policy.poison_repairs and not patient.scheduled)
            or ineffective >= policy.ineffective_repairs
        ),
    )
