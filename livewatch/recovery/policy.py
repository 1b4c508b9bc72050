"""`decide`: from verdicts and memory to actions and holds. Pure: time, memory and capabilities are arguments."""

from collections.abc import Iterable
from hashlib import blake2b

from livewatch.recovery.gates import GATES, GateCheck
from livewatch.recovery.ladder import next_rung
from livewatch.recovery.memory import Memory
from livewatch.recovery.outcome import ENDS_A_RUN
from livewatch.recovery.patient import Patient, repeats_itself
from livewatch.recovery.request import Request, Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Action, Decision, Hold
from livewatch_classifiers.model import Session
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind


def decide(situation: Situation, memory: Memory, policy: Policy, now_s: float) -> list[Decision]:
    """Return what to do now, at most one decision per session, most certain and longest sick first.

    The caller records every returned `Act` with `Memory.sent` before it sends anything, so that a second call with
    the same memory never acts twice on one intent.
    """
    decisions: list[Decision] = []
    for patient, verdict, session in _candidates(situation, memory):
        kind = next_rung(verdict, session, patient, situation.capabilities, policy)
        if kind is None:
            continue
        if kind is ActionKind.RESTART_TARGET and memory.restarting is not None:
            continue
        decision = judge(Request(kind, session, verdict, patient, situation, memory, policy, now_s))
        decisions.append(decision)
        if isinstance(decision, Act):
            memory = memory.sent(decision.action, now_s)  # counts towards the budget and canary of the rest
    return decisions


def _candidates(situation: Situation, memory: Memory) -> Iterable[tuple[Patient, Verdict, Session]]:
    for patient in sorted(memory.patients.values(), key=lambda p: (not p.certain, p.sick_since_s, p.key)):
        verdict = situation.verdicts.get(patient.key)
        session = situation.snapshot.sessions.get(patient.key)
        if verdict is not None and session is not None and verdict.eligible and patient.pending is None:
            yield patient, verdict, session


def judge(request: Request, gates: Iterable[GateCheck] = GATES) -> Decision:
    """Return the action, or the first gate that holds it."""
    for gate, predicate in gates:
        held = predicate(request)
        if held is not None:
            return Hold(request.session.key, request.kind, gate, request.verdict.reason, held.detail, held.until_s)
    return Act(action_of(request), request.verdict)


def action_of(request: Request) -> Action:
    """Return the action of a request, bound to the incarnation, run and progress that were judged."""
    session, verdict, patient = request.session, request.verdict, request.patient
    run = session.run
    identity = request.situation.snapshot.identity
    run_id = run.id if run is not None else None
    handle = run.handle if run is not None else None
    parts = (identity, session.key, session.id, session.generation, run_id, handle, request.kind, patient.attempts)
    discards = request.discards or 0
    loss = f"; discards {discards} queued" if discards else ""
    return Action(
        kind=request.kind,
        session=session.key,
        idempotency_key=blake2b(repr(parts).encode(), digest_size=16).hexdigest(),
        cause=f"{_cause(verdict)}{loss}",
        reason=verdict.reason,
        session_id=session.id,
        generation=session.generation,
        run_id=run_id,
        handle=handle,
        progress_s=session.progress_s,
        repeats=session.repeats if request.kind in ENDS_A_RUN and repeats_itself(verdict, session) else None,
        queued=session.queued,
        discards=discards,
    )


def _cause(verdict: Verdict) -> str:
    """Return the short truthful cause that travels with the action, for example to the user."""
    facts = dict(verdict.evidence)
    what = str(facts.get("activity", "session"))
    name = f" {facts['activity_name']}" if "activity_name" in facts else ""
    silence = f" silent for {facts['silence_s']} s" if "silence_s" in facts else ""
    limit = f", limit {facts['limit_s']} s" if "limit_s" in facts else ""
    return f"{verdict.attention.value}/{verdict.reason.value}: {what}{name}{silence}{limit}, rule {verdict.rule}"
