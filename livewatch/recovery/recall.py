"""From the journal back to memory: repairs, failures, backoff and budget outlive the agent that saw them. Pure."""

from dataclasses import replace

from livewatch.recovery.journal.records import Past, StoredIntent
from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Completed, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity
from livewatch_classifiers.vocabulary import ActionKind


def recall(past: Past, policy: Policy, *, identity: GatewayIdentity | None, wall_s: float, now_s: float) -> Memory:
    """Return the memory of an agent that had sent and seen everything in ``past``.

    Wall time is turned into monotonic time by age, because a boot may lie between; what seems to lie in the future is
    taken as just done. An intent whose outcome nobody saw counts for the budget and for nothing else: the session is
    judged again, and the action, should it be asked for again, keeps its idempotency key.

    Args:
        past: what earlier agents did on this gateway.
        policy: the limits in force.
        identity: the gateway process seen now; what was done to an earlier process counts only as far as
            `Memory.after_restart` keeps it.
        wall_s: Unix time now.
        now_s: monotonic time now.
    """
    memory = Memory()
    last: GatewayIdentity | None = None
    latest: dict[str, StoredIntent] = {}
    for intent in past.intents:
        if None not in (last, intent.identity) and last != intent.identity:
            memory = memory.after_restart(policy)
            latest.clear()
        last = intent.identity or last
        sent_s = now_s - max(0.0, wall_s - intent.wall_s)
        if intent.action.kind is ActionKind.RESTART_TARGET:
            memory = replace(memory, restarts_s=(*memory.restarts_s, sent_s))
            continue
        if intent.outcome is None or intent.settled_wall_s is None:
            memory = replace(memory, sent_s=(*memory.sent_s, sent_s))
            continue
        key = intent.action.session
        patient = memory.patients.get(key) or _patient(intent, sent_s)
        before = latest.get(key)
        if before is not None and _lived_between(before, intent, past):
            patient = patient.revived()
        latest[key] = intent
        memory = replace(memory, patients={**memory.patients, key: patient}).sent(intent.action, sent_s)
        seen_s = now_s - max(0.0, wall_s - intent.settled_wall_s)
        memory = memory.completed(_completed(intent, sent_s, seen_s), policy, seen_s)
    if None not in (last, identity) and last != identity:
        memory = memory.after_restart(policy)
    return memory


def _patient(intent: StoredIntent, sent_s: float) -> Patient:
    action = intent.action
    return Patient(
        key=action.session,
        reason=action.reason,
        certain=False,
        sick_since_s=sent_s,
        generation=action.generation,
        run_id=action.run_id,
        handle=action.handle,
        progress_s=action.progress_s,
        sick=False,
    )


def _completed(intent: StoredIntent, sent_s: float, seen_s: float) -> Completed:
    assert intent.outcome is not None
    reply = intent.reply or Reply(ReplyStatus.TIMED_OUT, "not known any more")
    return Completed(intent.action, intent.verdict, reply, intent.outcome, sent_s, sent_s, seen_s, intent.detail)


def _lived_between(before: StoredIntent, after: StoredIntent, past: Past) -> bool:
    """Return whether the session was seen well between two actions, and had moved by the second."""
    moved = before.action.generation != after.action.generation
    progressed = after.action.progress_s not in (None, before.action.progress_s)
    well_s = past.well_wall_s.get(after.action.session, ())
    settled_s = before.settled_wall_s or before.wall_s
    return moved and progressed and any(settled_s <= moment_s <= after.wall_s for moment_s in well_s)
