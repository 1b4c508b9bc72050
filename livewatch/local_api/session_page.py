"""Everything that is known of one session: facts, judgement, what was done, and how it got here."""

from typing import Any

from livewatch.agent import Agent
from livewatch.local_api import views
from livewatch.local_api.history import History
from livewatch.recovery.holds import Holds
from livewatch_classifiers.model import Activity, Run, Session, Vitals, Wait


def session_page(agent: Agent, history: History, holds: Holds, now_s: float, key: str) -> dict[str, Any] | None:
    """Return what `explain` says and all facts behind it, or ``None`` if there is no such session."""
    document = views.explain(agent, key, history)
    report = agent.report
    if document is None or report is None or report.snapshot is None:
        return None
    return document | {
        "target": report.target,
        "facts": session_facts(report.snapshot.sessions[key], report.snapshot.vitals),
        "held": holds.why(key, now_s),
        "labels": [change for change in history.transitions if change["session"] == key],
    }


def session_facts(session: Session, vitals: Vitals) -> dict[str, Any]:
    """Return one session as a source saw it; moments as responsive ages in seconds."""
    age_s = _Ages(vitals)
    return {
        "id": session.id,
        "generation": session.generation,
        "state": session.state.value if session.state else "unknown",
        "state_age_s": age_s(session.state_since_s),
        "lane_kind": session.lane_kind.value,
        "queued": session.queued,
        "oldest_queued_age_s": age_s(session.oldest_queued_s),
        "owner": session.owner.value,
        "run": None if session.run is None else _run(session.run, age_s),
        "activity_known": session.activity_known,
        "activity": None if session.activity is None else _activity(session.activity, age_s),
        "progress_age_s": age_s(session.progress_s),
        "terminal": session.terminal.value,
        "repeats": session.repeats,
        "repeating_age_s": age_s(session.repeating_since_s),
        "wait": None if session.wait is None else _wait(session.wait, age_s, vitals.now_s),
        "in_store": session.in_store.value,
        "store_says_running": session.store_says_running.value,
        "holder": session.holder.value,
    }


class _Ages:
    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def __call__(self, moment_s: float | None) -> float | None:
        age_s = self._vitals.age(moment_s)
        return None if age_s is None else round(age_s, 3)


def _run(run: Run, age_s: _Ages) -> dict[str, Any]:
    return {
        "id": run.id,
        "age_s": age_s(run.started_s),
        "timeout_s": run.timeout_s,
        "handle": run.handle,
        "abort_requested_age_s": age_s(run.abort_requested_s),
    }


def _activity(activity: Activity, age_s: _Ages) -> dict[str, Any]:
    return {
        "kind": activity.kind.value if activity.kind else "unknown",
        "name": activity.name,
        "owner": activity.owner.value,
        "run": activity.run_id,
        "age_s": age_s(activity.since_s),
        "allowance_s": activity.allowance_s,
        "worked_age_s": age_s(activity.working_s),
    }


def _wait(wait: Wait, age_s: _Ages, now_s: float) -> dict[str, Any]:
    return {
        "kind": wait.kind.value,
        "age_s": age_s(wait.since_s),
        "deadline_in_s": None if wait.deadline_s is None else round(wait.deadline_s - now_s, 3),
        "delivered": wait.delivered.value,
        "awaited": wait.awaited.value,
        "answer_impossible": wait.answer_impossible,
        "attempts_without_yield": wait.attempts_without_yield,
        "lane": wait.lane,
        "session": wait.session,
    }
