"""What can be told of a session at a glance, so that most need no rules, and no object until somebody asks.

A session is *plain* when no rule but those of age can match it. Each of those wants some moment of the session to be
older than a limit, so the oldest moment bounds them all: while that one is younger than the shortest limit, the
verdict is known. `tests/classifiers/test_glance.py` holds this together with the rules.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple

from livewatch_classifiers.model import Session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActivityKind, Attention, LaneKind, Presence, Reason, SessionState

TIMELESS_S = inf
"""Of a session that rule 1 calls idle at any time."""
NOT_PLAIN_S = -inf
"""Of a session that only the rules can judge."""
PLAIN_KINDS = (None, ActivityKind.EMBEDDED_RUN, ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL)
"""Activities without an allowance of their kind; ``None`` is one of unknown kind."""


class Outline(NamedTuple):
    """The facts that are counted over all sessions; each as in `Session`."""

    state: SessionState | None
    state_since_s: float | None
    lane_kind: LaneKind
    queued: int | None
    oldest_queued_s: float | None
    progress_s: float | None
    has_run: bool


class LazySessions(Mapping[str, Session]):
    """Sessions by key that are made when they are asked for, and what can be told of them without."""

    @abstractmethod
    def plain_since_s(self, keys: Sequence[str], within_s: float) -> Sequence[float]:
        """Return what `plain_since_s` says of each session, or a lower number where that takes less time."""

    @abstractmethod
    def outlines(self, keys: Iterable[str]) -> Iterable[tuple[str, Outline]]:
        """Return the outline of each session, by key."""

    @abstractmethod
    def queue_kinds(self, keys: Sequence[str]) -> frozenset[LaneKind]:
        """Return the kinds of lane of those sessions that tell how many turns wait."""


def plain_limit_s(thresholds: Thresholds) -> float:
    """Return the shortest age, in seconds, that any rule can mind in a plain session."""
    own = (thresholds.allowances_s.get(kind, inf) for kind in PLAIN_KINDS if kind is not None)
    overrides = (override.warn_after_s or inf for override in thresholds.overrides)
    return min(thresholds.warn_after_s, thresholds.allowance_max_s, *own, *overrides)


def plain_since_s(session: Session, within_s: float) -> float:
    """Return the oldest moment of a plain session; `TIMELESS_S` of an idle one, `NOT_PLAIN_S` where rules are needed.

    A declared allowance counts as no limit of its own, so it must not be shorter than ``within_s``.
    """
    run, activity = session.run, session.activity
    owned = session.owner is Presence.PRESENT
    running = session.store_says_running is Presence.PRESENT
    resting = session.state is SessionState.IDLE and not session.queued and activity is None
    at_work = run is not None and owned  # then the run is its activity
    if resting and not running and not at_work:
        return TIMELESS_S
    if session.state_since_s is None:  # what is stale may then be told from its queue alone
        return NOT_PLAIN_S
    if session.wait is not None or session.repeating_since_s is not None or session.in_store is Presence.ABSENT:
        return NOT_PLAIN_S
    if (running and not owned) or (run is not None and run.abort_requested_s is not None):
        return NOT_PLAIN_S
    moments = [session.state_since_s, session.progress_s, run.started_s if run is not None else None]
    if activity is not None:
        allowance_s = activity.allowance_s
        if activity.kind not in PLAIN_KINDS or (allowance_s is not None and not allowance_s >= within_s):
            return NOT_PLAIN_S
        moments.append(activity.since_s)
    return min(moment_s for moment_s in moments if moment_s is not None)


def plain_verdict(key: str, reason: Reason) -> Verdict:
    """Return the verdict of rule 1 on a session that is idle, that of rule 17 on one that is active."""
    return Verdict(key, Attention.NONE, reason, "1" if reason is Reason.IDLE else "17")


def glances(sessions: Mapping[str, Session], keys: Sequence[str], within_s: float) -> Sequence[float]:
    """Return `plain_since_s` of each of ``keys``, by the means that the sessions themselves have."""
    if isinstance(sessions, LazySessions):
        return sessions.plain_since_s(keys, within_s)
    return [plain_since_s(sessions[key], within_s) for key in keys]


def outlines(sessions: Mapping[str, Session], keys: Iterable[str] | None = None) -> Iterable[tuple[str, Outline]]:
    """Return the outlines of all sessions or of some, by key, by the means that the sessions themselves have."""
    keys = sessions if keys is None else keys
    if isinstance(sessions, LazySessions):
        return sessions.outlines(keys)
    return ((key, _outline(sessions[key])) for key in keys)


def queue_kinds(sessions: Mapping[str, Session], keys: Sequence[str]) -> frozenset[LaneKind]:
    """Return the kinds of lane of those sessions that tell how many turns wait."""
    if isinstance(sessions, LazySessions):
        return sessions.queue_kinds(keys)
    told = (sessions[key] for key in keys)
    return frozenset(session.lane_kind for session in told if session.queued is not None)


def _outline(session: Session) -> Outline:
    return Outline(
        session.state,
        session.state_since_s,
        session.lane_kind,
        session.queued,
        session.oldest_queued_s,
        session.progress_s,
        session.run is not None,
    )
