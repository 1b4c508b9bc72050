"""After a crash: what became of the intents that nobody saw the end of. Judged by looking, never by repeating."""

from collections.abc import Iterable
from dataclasses import dataclass

from livewatch.recovery.journal.records import Settlement, StoredIntent
from livewatch.recovery.outcome import ENDS_A_RUN, progress_seen, run_is_gone
from livewatch_classifiers.decision import Action
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.vocabulary import ActionKind, Outcome, Presence

_UNKNOWN_SENDER = "the agent ended before it saw the outcome; whether the action was sent is not known"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a look at the gateway says about one open intent."""

    intent: StoredIntent
    outcome: Outcome | None
    """``None`` when everything is as it was: the session is simply judged again, and no outcome is claimed."""
    detail: str

    @property
    def how(self) -> Settlement:
        """How this settles the intent."""
        return Settlement.JUDGED_AGAIN if self.outcome is None else Settlement.AFTER_CRASH


def reconcile(intents: Iterable[StoredIntent], snapshot: Snapshot) -> list[Reconciled]:
    """Return one explanation for each open intent, in the same order. Pure."""
    return [Reconciled(intent, *_look(intent, snapshot)) for intent in intents]


def _look(intent: StoredIntent, snapshot: Snapshot) -> tuple[Outcome | None, str]:
    known = intent.identity is not None and snapshot.identity is not None
    if known and intent.identity != snapshot.identity:
        return Outcome.SUPERSEDED, f"the gateway restarted since; {_UNKNOWN_SENDER}"
    action = intent.action
    if action.kind is ActionKind.RESTART_TARGET:
        return None, f"the gateway is the same process, so it is judged again; {_UNKNOWN_SENDER}"
    session = snapshot.sessions.get(action.session)
    aim = _aim_reached(action, session, intent.monotonic_s)
    if aim is not None:
        return Outcome.RECOVERED, f"{aim}; {_UNKNOWN_SENDER}"
    if session is None:
        return None, f"the session is gone, and what became of what waited was not seen; {_UNKNOWN_SENDER}"
    if action.kind in ENDS_A_RUN and run_is_gone(action, session):
        return (
            None,
            f"the run is gone, and nothing was seen to begin, so the session is judged again; {_UNKNOWN_SENDER}",
        )
    if _abort_was_noted(action, session):
        return Outcome.INEFFECTIVE, f"the abort was noted, and the run is still there; {_UNKNOWN_SENDER}"
    moved = _moved(action, session)
    if moved is not None:
        return Outcome.SUPERSEDED, f"{moved}; {_UNKNOWN_SENDER}"
    return None, f"everything is as it was, so the session is judged again; {_UNKNOWN_SENDER}"


def _aim_reached(action: Action, session: Session | None, since_s: float) -> str | None:
    """Return in words what the action was to bring about, if it is so now."""
    match action.kind:
        case ActionKind.CORRECT_STORE if session is not None and session.store_says_running is Presence.ABSENT:
            return "the store no longer says running"
        case ActionKind.ABORT_RUN | ActionKind.FORCE_CLEAR:
            return progress_seen(action, session, since_s=since_s)
        case ActionKind.EVICT_SESSION if session is None:
            return progress_seen(action, session, since_s=since_s)
        case ActionKind.RELEASE_LANE if session is not None and session.run is not None:
            return progress_seen(action, session, since_s=since_s)
        case _:
            return None


def _abort_was_noted(action: Action, session: Session) -> bool:
    """Return whether exactly this run was asked to end; that moves its generation and is no sign of life."""
    run = session.run
    asked = run is not None and run.id == action.run_id and run.asked_to_end_s is not None
    return action.kind is ActionKind.ABORT_RUN and asked


def _moved(action: Action, session: Session) -> str | None:
    run = session.run
    pairs = (
        ("the session is another incarnation", action.session_id, session.id),
        ("its generation moved", action.generation, session.generation),
        ("it has another run", action.run_id, run.id if run is not None else None),
        ("it has another handle", action.handle, run.handle if run is not None else None),
        ("it made progress", action.progress_s, session.progress_s),
    )
    return next((words for words, judged, now in pairs if judged is not None and judged != now), None)
