"""How long the whole climb of one session can take, from the very functions that climb. Pure."""

from dataclasses import dataclass, replace
from types import MappingProxyType

from livewatch.recovery.gates import backoff
from livewatch.recovery.ladder import next_rung
from livewatch.recovery.memory import Memory
from livewatch.recovery.outcome import patience_s
from livewatch.recovery.patient import Patient
from livewatch.recovery.request import Request
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass, Outcome

_STEPS_MAX = 64
_FAILURES = (Outcome.INEFFECTIVE, Outcome.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Step:
    """One action of the climb, with the latest moments for it in seconds from now."""

    kind: ActionKind
    sent_in_s: float
    seen_in_s: float
    """By when it is known what the action did."""


@dataclass(frozen=True, slots=True)
class Climb:
    """What is tried if nothing helps, and how it ends."""

    steps: tuple[Step, ...]
    ends_in_s: float
    """Latest moment, in responsive seconds from now, at which the session is repaired or left to a person."""
    quarantined: bool
    """Whether it ends in quarantine; otherwise no further rung is left."""


def climb_bound(request: Request, *, interval_s: float) -> Climb:
    """Return the longest climb that the policy allows from here: every rung fails, in whichever way takes longer.

    Levers that never answer say nothing about the session; where that alone ends in no quarantine, the bound is that
    of levers that answer and do not help. Gates other than ``confirmed`` and ``backoff`` may hold the climb for
    longer; each of them has its own bound.

    Args:
        request: the next rung for a session as it is judged now, whether it is due or not.
        interval_s: time between two looks.
    """
    climbs = [_walk(request, interval_s, failure) for failure in _FAILURES]
    return max(climbs, key=lambda climb: (climb.quarantined, climb.ends_in_s))


def _walk(request: Request, interval_s: float, failure: Outcome) -> Climb:
    verdict, patient, policy, now_s = request.verdict, request.patient, request.policy, request.now_s
    capabilities = request.situation.capabilities
    certain = verdict.evidence_class is EvidenceClass.CERTAIN
    confirm = policy.confirm_certain if certain else policy.confirm_silence
    at_s = now_s + (0.0 if verdict.eligible else verdict.due_in_s or 0.0)
    steps: list[Step] = []
    if patient.pending is not None:
        at_s = max(at_s, patient.last_sent_s + _takes_s(patient.pending.kind, policy) + interval_s)
        patient = _failed(patient, patient.pending, request, failure, at_s)
    while not patient.quarantined and len(steps) < _STEPS_MAX:
        kind = next_rung(verdict, request.session, patient, capabilities, policy)
        if kind is None or kind not in capabilities:
            break
        at_s += max(0, confirm - patient.samples) * interval_s
        held = backoff(replace(request, kind=kind, patient=patient, now_s=at_s))
        if held is not None and held.until_s is not None:
            at_s = held.until_s + interval_s  # a look happens at most one interval after the gate opens
        sent_s, at_s = at_s, at_s + _takes_s(kind, policy) + interval_s
        steps.append(Step(kind, round(sent_s - now_s, 3), round(at_s - now_s, 3)))
        action = Action(kind, patient.key, "", "", verdict.reason)
        sent = Memory(MappingProxyType({patient.key: patient})).sent(action, sent_s).patients[patient.key]
        patient = _failed(sent, action, request, failure, at_s)
    return Climb(tuple(steps), round(at_s - now_s, 3), patient.quarantined)


def _takes_s(kind: ActionKind, policy: Policy) -> float:
    if kind is ActionKind.RESTART_TARGET:
        return policy.restart_drain_s + policy.restart_verify_s
    return patience_s(kind, policy, run_gone=True)


def _failed(patient: Patient, action: Action, request: Request, failure: Outcome, now_s: float) -> Patient:
    done = Completed(action, request.verdict, Reply(ReplyStatus.DONE), failure, now_s, now_s, now_s)
    memory = Memory(MappingProxyType({patient.key: patient})).completed(done, request.policy, now_s)
    return memory.patients[patient.key]
