"""What recovery may ask of the gateway, and the checks inside its own write.

An action that names what it judged is refused when that is no longer so; one that names nothing hits whatever is
there, as levers without identity do (OpenClaw 92270, 145152).
"""

from collections.abc import Callable
from dataclasses import dataclass

from livewatch.simulation.gateway import Gateway
from livewatch.simulation.messages import MessageState
from livewatch.simulation.plan import AbortWay, TimeoutWay
from livewatch.simulation.runs import poke
from livewatch.simulation.sessions import Run, Session
from livewatch.simulation.truth import Fault
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, WaitKind

SETTLED_S = 1.2
"""How long an abort that works takes until the run is gone (measured on a real gateway)."""


@dataclass(frozen=True, slots=True)
class Deed:
    """An action that the gateway took, with the truth of that moment."""

    at_s: float
    action: Action
    by: str
    reply: Reply
    fault: Fault | None
    """What the session was dead of; ``None`` for a healthy session."""
    false: bool
    """True when it changed something for a session that was alive."""
    stale: bool
    """True when it hit another incarnation or run than the one that was judged."""
    silent_s: float
    """How long nothing had really moved in the run."""
    killed: int = 0
    """Healthy runs that were ended with it."""


class Levers:
    """Carries out actions on one gateway and keeps a record of the truth at that moment."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._replies: dict[str, Reply] = {}
        self.deeds: list[Deed] = []
        self.broken: ReplyStatus | None = None
        """What every lever answers while a script says so; nothing is done then."""

    def pull(self, action: Action, by: str) -> Reply:
        """Do one action; a repeat with the same idempotency key gets the first reply."""
        if action.idempotency_key in self._replies:
            return self._replies[action.idempotency_key]
        session = self._gateway.sessions.get(action.session)
        run_id = session.run.id if session is not None and session.run is not None else None
        if self.broken is not None:
            reply, fault, killed, silent_s = Reply(self.broken, "the lever does not work"), None, 0, 0.0
        elif action.kind is ActionKind.RESTART_TARGET:
            fault, silent_s = None, 0.0
            killed = sum(not run.hung for _, run in self._gateway.all_runs())
            self._gateway.restart()
            reply = Reply(ReplyStatus.DONE)
        elif session is None:
            reply, fault, killed, silent_s = Reply(ReplyStatus.REFUSED, "session is gone"), None, 0, 0.0
        else:
            affliction = self._gateway.truth.current.get(session.key)
            fault = affliction.fault if affliction is not None else session.latent
            run = session.run
            healthy_run = run is not None and not run.ended and not run.hung
            silent_s = self._gateway.now_s - run.real_progress_s if run is not None else 0.0
            reply = self._checked(action, session)
            killed = int(healthy_run and reply.status is ReplyStatus.DONE and action.kind in _ENDS_A_RUN)
        self._replies[action.idempotency_key] = reply
        done = reply.status is ReplyStatus.DONE
        restart = action.kind is ActionKind.RESTART_TARGET
        false = done and (killed > 0 if restart else fault is None)
        stale = done and action.run_id is not None and action.run_id != run_id
        self.deeds.append(
            Deed(self._gateway.now_s, action, by, reply, fault, false, stale=stale, silent_s=silent_s, killed=killed)
        )
        return reply

    def _checked(self, action: Action, session: Session) -> Reply:
        refusal = _refusal(action, session, self._gateway.mono_s()) if action.generation is not None else ""
        if refusal:
            return Reply(ReplyStatus.REFUSED, refusal)
        return _LEVERS[action.kind](self._gateway, session, action)


def _refusal(action: Action, session: Session, now_s: float) -> str:
    run, facts = session.run, session.facts(now_s)
    if action.session_id is not None and action.session_id != session.id:
        return "generation: the session is another incarnation"
    if action.repeats is None and action.generation != facts.generation:
        return f"generation moved to {facts.generation}"
    if action.run_id != (run.id if run is not None and "run" not in session.hides else None):
        return "run: another one is registered"
    if action.handle is not None and (run is None or action.handle != run.handle):
        return "run: another handle is registered"
    if action.repeats is not None:
        return "" if facts.repeats >= action.repeats else "repeats: something new was done since"
    if action.progress_s is not None and action.progress_s != facts.progress_s:
        return "progress was made since"
    return ""


def _abort_run(gateway: Gateway, session: Session, action: Action) -> Reply:
    del action
    run = session.run
    if run is None:
        return Reply(ReplyStatus.REFUSED, "run: none is registered")
    step = run.step
    way = step.abort if step is not None and step.abort is not None else run.turn.abort
    if way is AbortWay.SETTLES and run.turn.on_timeout is TimeoutWay.ZOMBIE:
        way = AbortWay.IGNORED  # what does not end at its timeout does not end when asked either (OpenClaw 52224)
    if way is AbortWay.LIES:
        return Reply(ReplyStatus.DONE, "aborted", released=0)
    if run.abort_requested_s is None:
        run.abort_requested_s = gateway.mono_s()
    session.touch()
    if run.ended or way is AbortWay.IGNORED:  # a leaked handle has nobody who could obey
        return Reply(ReplyStatus.DONE, "abort requested")
    settle_s = step.abort_takes_s if step is not None and step.abort_takes_s else SETTLED_S
    gateway.later(settle_s, lambda: _aborted(gateway, session, run))
    return Reply(ReplyStatus.DONE, "abort requested")


def _aborted(gateway: Gateway, session: Session, run: Run) -> None:
    if run.ended or session.run is not run:
        return
    gateway.finish(session, run, MessageState.ABORTED, "abort_run")
    gateway.clear(session)
    gateway.pump(session)


def _force_clear(gateway: Gateway, session: Session, action: Action) -> Reply:
    run = session.run
    if run is None or (action.handle is not None and run.handle != action.handle):
        return Reply(ReplyStatus.REFUSED, "run: another handle is registered")
    alive = not run.ended and not run.hung
    if alive:
        session.detached.append(run)
        run.message.state = MessageState.ABORTED
    else:
        gateway.finish(session, run, MessageState.ABORTED, "force_clear")
    gateway.truth.mend(session.key, gateway.now_s, "force_clear")
    gateway.clear(session)
    gateway.pump(session)
    return Reply(ReplyStatus.DONE, released=1)


def _release_lane(gateway: Gateway, session: Session, action: Action) -> Reply:
    run = session.run
    if run is not None and not run.ended:
        session.detached.append(run)  # nobody ended it: it still holds the session file
    gateway.truth.mend(session.key, gateway.now_s, action.kind.value)
    gateway.clear(session)
    gateway.pump(session)
    return Reply(ReplyStatus.DONE, released=1)


def _evict_session(gateway: Gateway, session: Session, action: Action) -> Reply:
    session.incarnation += 1
    session.in_store = True
    session.progress_s = None
    return _release_lane(gateway, session, action)


def _correct_store(gateway: Gateway, session: Session, action: Action) -> Reply:
    session.store_running = False
    session.touch()
    affliction = gateway.truth.current.get(session.key)
    if affliction is not None and affliction.fault is Fault.STRANDED_MARKER:
        return _release_lane(gateway, session, action)
    return Reply(ReplyStatus.DONE)


def _wake(gateway: Gateway, session: Session, action: Action) -> Reply:
    del action
    run, wait = session.run, session.wait
    if run is None or wait is None or wait.kind is not WaitKind.SUBAGENT:
        return Reply(ReplyStatus.REFUSED, "run: it waits for nobody")
    gateway.later(0.0, lambda: poke(gateway, session, run))
    return Reply(ReplyStatus.DONE, released=0)


_ENDS_A_RUN = frozenset(
    {ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR, ActionKind.RELEASE_LANE, ActionKind.EVICT_SESSION}
)
_LEVERS: dict[ActionKind, Callable[[Gateway, Session, Action], Reply]] = {
    ActionKind.ABORT_RUN: _abort_run,
    ActionKind.FORCE_CLEAR: _force_clear,
    ActionKind.RELEASE_LANE: _release_lane,
    ActionKind.EVICT_SESSION: _evict_session,
    ActionKind.CORRECT_STORE: _correct_store,
    ActionKind.WAKE: _wake,
}
