"""What an action did, judged by looking again; the gateway's own answer is only a hint (OpenClaw 92270, 145152)."""

from collections.abc import Mapping
from dataclasses import dataclass

from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Action, Completed, RefusedCheck, Reply, ReplyStatus
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Outcome, Presence

_LEFT_ALONE = frozenset({Attention.NONE, Attention.LONG_RUNNING})
_CAME_BACK_TO_LIFE = frozenset({RefusedCheck.GENERATION, RefusedCheck.PROGRESS, RefusedCheck.RUN_ID})


@dataclass(frozen=True, slots=True)
class Sent:
    """An action that was sent and answered, whose effect is not seen yet."""

    act: Act
    reply: Reply
    decided_s: float
    sent_s: float


def look_again(
    sent: Sent, snapshot: Snapshot, verdicts: Mapping[str, Verdict], policy: Policy, now_s: float
) -> Completed | None:
    """Return what became of the action, or ``None`` while its time to work is not over."""
    action = sent.act.action
    outcome, detail = _seen(sent, snapshot.sessions.get(action.session), verdicts.get(action.session))
    if outcome is None:
        waited_s = snapshot.vitals.age(sent.sent_s) or 0.0  # responsive: a frozen gateway cannot have obeyed
        if waited_s <= policy.verify_s:
            return None
        outcome, detail = _overdue(sent.reply)
    return Completed(action, sent.act.verdict, sent.reply, outcome, sent.decided_s, sent.sent_s, now_s, detail)


def _seen(sent: Sent, session: Session | None, verdict: Verdict | None) -> tuple[Outcome | None, str]:
    reply = sent.reply
    if reply.status in (ReplyStatus.REFUSED, ReplyStatus.UNSUPPORTED):
        alive = reply.status is ReplyStatus.REFUSED and reply.check in _CAME_BACK_TO_LIFE
        return (Outcome.SUPERSEDED if alive else Outcome.REFUSED), reply.detail
    if session is None:
        return Outcome.RECOVERED, "the session is gone"
    if _effect(sent.act.action, session, verdict):
        return Outcome.RECOVERED, "seen to work"
    return None, ""


def _effect(action: Action, session: Session, verdict: Verdict | None) -> bool:
    run_id = session.run.id if session.run is not None else None
    well = verdict is not None and verdict.attention in _LEFT_ALONE
    match action.kind:
        case ActionKind.ABORT_RUN:
            return run_id != action.run_id
        case ActionKind.FORCE_CLEAR:
            return session.run is None or session.run.handle != action.handle
        case ActionKind.CORRECT_STORE:
            # a run that began at once says "running" with right
            return session.store_says_running is Presence.ABSENT or _served(session, action)
        case ActionKind.RELEASE_LANE | ActionKind.EVICT_SESSION:
            return well or _served(session, action)
        case _:
            return well


def _served(session: Session, action: Action) -> bool:
    return session.run is not None and session.run.id != action.run_id


def _overdue(reply: Reply) -> tuple[Outcome, str]:
    match reply.status:
        case ReplyStatus.TIMED_OUT:
            return Outcome.TIMED_OUT, reply.detail
        case ReplyStatus.FAILED:
            return Outcome.FAILED, reply.detail
        case _:
            return Outcome.INEFFECTIVE, "the gateway answered done, and nothing changed"
