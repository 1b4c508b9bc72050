"""Rows of sessions: which were asked for, in which order, and what stands in each."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Self

from msgspec import UnsetType

from livewatch.local_api.requests import SessionsRequest
from livewatch.local_api.session_order import SessionOrder, Sortable, place
from livewatch_classifiers.decision import Act
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, Attention, SessionState

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which sessions somebody wants to see."""

    attention: frozenset[Attention] = frozenset(Attention)
    match: str = "*"
    """Glob over session keys."""
    order: SessionOrder = SessionOrder.ATTENTION
    reverse: bool = False
    limit: int | None = None

    @classmethod
    def of(cls, request: SessionsRequest) -> Self:
        """Return what a request asks for."""
        limit = None if isinstance(request.limit, UnsetType) else request.limit
        return cls(frozenset(request.attention), request.match, request.sort, request.reverse, limit)

    @property
    def all(self) -> bool:
        """Whether every session is asked for."""
        return self.match == "*" and len(self.attention) == len(Attention)

    def takes(self, verdict: Verdict) -> bool:
        """Return whether a session with this verdict is asked for."""
        return verdict.attention in self.attention and (self.match == "*" or fnmatchcase(verdict.key, self.match))


def session_list(
    report: TickReport | None,
    query: SessionQuery,
    *,
    doing: Mapping[str, str],
    held: Callable[[str], str | None] = lambda _key: None,
) -> dict[str, Any]:
    """Return a document with a row for each session that is asked for.

    Reads frozen facts only, so it may run beside the ticks.

    Args:
        report: the last round, ``None`` before the first.
        query: which sessions, and in which order.
        doing: what recovery does about a session, by key; see `recovery_words`.
        held: who told the agent to leave a session alone, in words.
    """
    document: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "ok": True}
    if report is None or report.snapshot is None:
        problem = "no look at the gateway yet" if report is None else report.problem
        return document | {"problem": problem, "total": 0, "matching": 0, "counts": {}, "sessions": []}
    snapshot = report.snapshot
    counts = Counter(verdict.attention for verdict in report.verdicts.values())
    everything = query.all
    chosen = [verdict for verdict in report.verdicts.values() if everything or query.takes(verdict)]
    rows = [
        session_row(snapshot, verdict) | {"doing": doing.get(verdict.key, ""), "held": held(verdict.key)}
        for verdict in (report.verdict(chosen.key) for chosen in _first(snapshot, chosen, query))
    ]
    return document | {
        "target": report.target,
        "time": report.wall_s,
        "problem": report.problem,
        "gateway": report.vitals.state.value,
        "total": len(report.verdicts),
        "matching": len(chosen),
        "counts": {attention.value: counts[attention] for attention in Attention},
        "sessions": rows,
    }


def session_row(snapshot: Snapshot, verdict: Verdict) -> dict[str, Any]:
    """Return what there is to say about one session in one line; ages in responsive seconds."""
    session = snapshot.sessions[verdict.key]
    kind, name = _doing_what(session, verdict)
    return {
        "session": verdict.key,
        "state": session.state.value if session.state else "unknown",
        "attention": verdict.attention.value,
        "reason": verdict.reason.value,
        "rule": verdict.rule,
        "queued": session.queued,
        "activity": kind,
        "activity_name": name,
        "waiting_for": None if session.wait is None else session.wait.kind.value,
        "silence_s": _silence_s(snapshot, session, verdict),
        "state_age_s": _age_s(snapshot, session.state_since_s),
        "due_in_s": verdict.due_in_s,
    }


def recovery_words(report: TickReport, pending: Mapping[str, ActionKind]) -> dict[str, str]:
    """Return what is being done about sessions, in words, by session; ``pending`` are actions without an outcome."""
    doing = {key: f"{kind.value} was sent, its effect is awaited" for key, kind in pending.items()}
    return doing | {_session_of(decision): _words(decision) for decision in report.decisions}


def _first(snapshot: Snapshot, verdicts: list[Verdict], query: SessionQuery) -> list[Verdict]:
    def at(verdict: Verdict) -> tuple[float | str, ...]:
        return place(query.order, _sortable(snapshot, verdict, query.order))

    if query.limit is None or query.limit >= len(verdicts):
        return sorted(verdicts, key=at, reverse=query.reverse)
    return (heapq.nlargest if query.reverse else heapq.nsmallest)(query.limit, verdicts, key=at)


def _sortable(snapshot: Snapshot, verdict: Verdict, order: SessionOrder) -> Sortable:
    """Return what this order looks at, and nothing more: there may be a hundred thousand of them."""
    if order in (SessionOrder.ATTENTION, SessionOrder.SESSION):
        return Sortable(verdict.attention, None, None, None, verdict.key)
    session = snapshot.sessions[verdict.key]
    return Sortable(
        verdict.attention,
        _age_s(snapshot, session.state_since_s) if order is SessionOrder.AGE else None,
        _silence_s(snapshot, session, verdict) if order is SessionOrder.SILENT else None,
        session.queued,
        verdict.key,
    )


def _doing_what(session: Session, verdict: Verdict) -> tuple[str, str]:
    """Return kind and name of the activity that was judged, or else of the one that the gateway reports."""
    facts = dict(verdict.evidence)
    if "activity" in facts:
        return str(facts["activity"]), str(facts.get("activity_name", ""))
    activity = session.activity
    if activity is not None:
        return activity.kind.value if activity.kind else "unknown", activity.name
    return (ActivityKind.EMBEDDED_RUN.value if session.run is not None else ""), ""


def _silence_s(snapshot: Snapshot, session: Session, verdict: Verdict) -> float | None:
    """Return for how long nothing new came: what the judgement went by, and without one the age of progress."""
    judged = next((value for name, value in verdict.evidence if name == "silence_s"), None)
    if isinstance(judged, float | int):
        return judged
    if session.state is SessionState.IDLE and session.activity is None:
        return None  # who has nothing to do is not silent
    return _age_s(snapshot, session.progress_s)


def _session_of(decision: object) -> str:
    return decision.action.session if isinstance(decision, Act) else str(getattr(decision, "session", ""))


def _words(decision: object) -> str:
    if isinstance(decision, Act):
        return decision.action.kind.value
    kind, gate, detail = (getattr(decision, name) for name in ("kind", "gate", "detail"))
    return f"{kind.value} blocked by {gate.value}: {detail}"


def _age_s(snapshot: Snapshot, moment_s: float | None) -> float | None:
    age_s = snapshot.vitals.age(moment_s)
    return None if age_s is None else round(age_s, 3)
