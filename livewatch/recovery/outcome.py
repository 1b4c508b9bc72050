"""What an action did, judged by sampling again; the gateway's own answer is only a hint (OpenClaw 92270, 145152).

``recovered`` means that the work behind the action moves: what it was asked of is gone, *and* what waited has begun, or
nothing waits. A run that disappeared while its lane is still taken is not recovered (a real OpenClaw: 31 s more).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livewatch.recovery.settings import Policy
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, AwaitedState, Outcome, Presence

_LEFT_ALONE = frozenset({Attention.NONE, Attention.LONG_RUNNING})
_CAME_BACK_TO_LIFE = ("generation", "progress", "run", "repeats")
_NEEDS_A_FREE_LANE = frozenset({ActionKind.RELEASE_LANE, ActionKind.EVICT_SESSION})
ENDS_A_RUN = frozenset({ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR})
"""The actions that are asked of one run."""


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
    session, verdict = snapshot.sessions.get(action.session), verdicts.get(action.session)
    seen = _seen(sent, session, verdict)
    if seen is None:
        waited_s = snapshot.vitals.age(sent.sent_s) or 0.0  # responsive: a frozen gateway cannot have obeyed
        if waited_s <= patience_s(action.kind, policy, run_gone=run_is_gone(action, session)):
            return None
        seen = _overdue(sent, session, verdict)
    outcome, detail = seen
    return Completed(action, sent.act.verdict, sent.reply, outcome, sent.decided_s, sent.sent_s, now_s, detail)


def patience_s(kind: ActionKind, policy: Policy, *, run_gone: bool) -> float:
    """Return for how many responsive seconds after it was sent an action may still be seen to work.

    Args:
        kind: what was asked.
        policy: the limits in force.
        run_gone: whether the run that should end has ended; what waits behind it then has the longer time.
    """
    if kind in ENDS_A_RUN and run_gone:
        return max(policy.verify_s, policy.verify_queue_s)
    return policy.verify_s


def progress_seen(action: Action, session: Session | None, *, since_s: float) -> str | None:
    """Return in words why the work behind an action is seen to move; ``None`` when that is not seen.

    Args:
        action: what was asked, with the queue as it was then.
        session: as sampled now; ``None`` when it is not in the gateway's memory.
        since_s: when the action was decided, in monotonic seconds.
    """
    if action.kind in ENDS_A_RUN and not run_is_gone(action, session):
        return None
    if session is not None and _another_run_began(action, session, since_s):
        return "another run began"
    if _nothing_waits(action, session):
        gone = "the session is gone" if session is None else "the run is gone"
        return f"{gone if action.kind in ENDS_A_RUN or session is None else 'the lane is free'}, and nothing waits"
    return None


def _seen(sent: Sent, session: Session | None, verdict: Verdict | None) -> tuple[Outcome, str] | None:
    reply, action = sent.reply, sent.act.action
    if reply.status in (ReplyStatus.REFUSED, ReplyStatus.UNSUPPORTED):
        return _refused(reply, action, session)
    well = verdict is not None and verdict.attention in _LEFT_ALONE
    match action.kind:
        case ActionKind.ABORT_RUN | ActionKind.FORCE_CLEAR | ActionKind.RELEASE_LANE | ActionKind.EVICT_SESSION:
            detail = progress_seen(action, session, since_s=sent.decided_s)
            still_sick = session is not None and action.kind in _NEEDS_A_FREE_LANE and not well
            if still_sick and session is not None and not _another_run_began(action, session, sent.decided_s):
                detail = None
        case ActionKind.CORRECT_STORE:
            # a run that began at once says "running" with right
            corrected = session is not None and session.store_says_running is Presence.ABSENT
            served = session is not None and _another_run_began(action, session, sent.decided_s)
            detail = "the store no longer says running" if corrected else "another run began" if served else None
        case ActionKind.WAKE:
            detail = "it no longer waits" if well and session is not None and not _waits_for_the_dead(session) else None
        case _:
            detail = "seen to work" if well else None
    return None if detail is None else (Outcome.RECOVERED, detail)


def _refused(reply: Reply, action: Action, session: Session | None) -> tuple[Outcome, str] | None:
    """Return ``superseded`` where it is seen that the session moved on by itself; a word of the gateway is no sight."""
    claims_life = reply.status is ReplyStatus.REFUSED and reply.detail.startswith(_CAME_BACK_TO_LIFE)
    if not claims_life:
        return Outcome.REFUSED, reply.detail
    if session is not None and _moved(action, session):
        return Outcome.SUPERSEDED, reply.detail
    return None


def _moved(action: Action, session: Session) -> bool:
    """Return whether something that was known of the session when it was judged is different now."""
    run = session.run
    pairs: tuple[tuple[object, object], ...] = (
        (action.generation, session.generation),
        (action.run_id, None if run is None else run.id),
        (action.handle, None if run is None else run.handle),
        (action.progress_s, session.progress_s),
    )
    if action.repeats is not None:  # it changes with each step, and none of them is new
        pairs = pairs[1:-1]
        if session.repeats < action.repeats:
            return True
    return any(judged is not None and judged != now for judged, now in pairs)


def run_is_gone(action: Action, session: Session | None) -> bool:
    """Return whether the run that the action names is known to be gone; a run that cannot be seen is not gone."""
    if session is None:
        return True
    run = session.run
    if run is None:
        return session.owner is Presence.ABSENT
    if action.run_id is None:
        return False  # which run it was is not known
    other_handle = action.handle is not None and run.handle is not None and run.handle != action.handle
    return run.id != action.run_id or (action.kind is ActionKind.FORCE_CLEAR and other_handle)


def _another_run_began(action: Action, session: Session, since_s: float) -> bool:
    run = session.run
    if run is None:
        return False
    if action.run_id is None:  # it may be the one that was there all the time
        return run.started_s is not None and run.started_s >= since_s
    return run_is_gone(action, session) or run.id != action.run_id


def _nothing_waits(action: Action, session: Session | None) -> bool:
    """Return whether the queue is known to be empty, or was when it was seen last."""
    queued = session.queued if session is not None and session.queued is not None else action.queued
    return queued == 0


def _waits_for_the_dead(session: Session) -> bool:
    wait = session.wait
    return wait is not None and wait.awaited in (AwaitedState.TERMINAL, AwaitedState.MISSING)


def _overdue(sent: Sent, session: Session | None, verdict: Verdict | None) -> tuple[Outcome, str]:
    reply, action = sent.reply, sent.act.action
    if reply.status is ReplyStatus.REFUSED:
        return Outcome.REFUSED, f"{reply.detail}; nothing was seen to move"
    ended = action.kind in ENDS_A_RUN and run_is_gone(action, session)
    if ended or session is None:
        return _ended_and_nothing_began(action, session, verdict)
    match reply.status:
        case ReplyStatus.TIMED_OUT:
            return Outcome.TIMED_OUT, reply.detail
        case ReplyStatus.FAILED:
            return Outcome.FAILED, reply.detail
        case _:
            return Outcome.INEFFECTIVE, "the gateway answered done, and nothing changed"


def _ended_and_nothing_began(action: Action, session: Session | None, verdict: Verdict | None) -> tuple[Outcome, str]:
    gone = "the session is gone" if session is None else "the run is gone"
    queued = None if session is None else session.queued
    if session is None or queued is None:
        waited = "" if action.queued is None else f" {action.queued} waited;"
        return Outcome.TIMED_OUT, f"{gone};{waited} whether what waits is served could not be seen"
    told = f"{gone}, and no run began for what waits ({queued} queued)"
    waits_legally = session.wait is not None and verdict is not None and verdict.attention in _LEFT_ALONE
    if waits_legally:
        return Outcome.TIMED_OUT, f"{told}; it waits for its turn itself"
    return Outcome.INEFFECTIVE, told
