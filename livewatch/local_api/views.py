"""What the agent answers: JSON-ready documents from its state. Every document carries ``schema_version``."""

from collections import Counter
from collections.abc import Mapping
from math import isfinite
from typing import Any

from livewatch import __version__
from livewatch.agent import Agent
from livewatch.local_api.history import History
from livewatch.local_api.next_words import LASTING, why_not_yet, why_nothing, why_now
from livewatch.local_api.rule_words import rule_words
from livewatch.local_api.session_list import recovery_words, session_row
from livewatch.local_api.session_order import URGENCY
from livewatch.recovery.climb import Climb, climb_bound
from livewatch.recovery.gates import GATES, Held
from livewatch.recovery.ladder import FIRST_RUNG, next_rung
from livewatch.recovery.patient import Patient
from livewatch.recovery.request import Request
from livewatch_classifiers.case import Case
from livewatch_classifiers.glance import outlines
from livewatch_classifiers.lane import LaneVerdict
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import (
    SICK,
    ActionKind,
    Attention,
    Gate,
    Presence,
    TerminalMark,
    VitalsState,
)

SCHEMA_VERSION = 1
_FROM = {"children_worked": "/proc of the tool's processes"}
"""Where a fact comes from when it is not the gateway's own report."""
_PROGRESS = {
    TerminalMark.NONE: "new content",
    TerminalMark.ITEM_END: "an item's end",
    TerminalMark.TURN_END: "the turn's end",
}
_RECENT_S = 120.0
_STANDING_STILL = (
    VitalsState.STARTING,
    VitalsState.UNRESPONSIVE,
    VitalsState.FROZEN,
    VitalsState.SUSPENDED,
    VitalsState.GONE,
)


def status(agent: Agent, history: History) -> dict[str, Any]:
    """Return the state of gateway, sessions and recovery at the last tick."""
    report = agent.report
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "version": __version__,
        "target": agent.source.name,
        "mode": agent.policy.mode.value,
        "acts": agent.controls.may_act(),
        "actor": agent.controls.actor(),
        "control_problem": getattr(agent.source, "control_problem", ""),
        "thresholds": {
            "warn_after_s": agent.thresholds.warn_after_s,
            "abort_after_s": agent.thresholds.abort_after_s,
            "tool_abort_after_s": agent.thresholds.tool_abort_after_s,
        },
    }
    if report is None:
        return document | {
            "vitals": None,
            "problem": "the gateway has not been sampled yet",
            "attention": [],
            "sessions": {},
        }
    counts = Counter(verdict.attention.value for verdict in report.verdicts.values())
    return document | {
        "time": report.wall_s,
        "problem": report.problem,
        "vitals": vitals_of(report) | {"since": history.gateway_since},
        "sessions_visible": getattr(agent.source, "sees_sessions", True),
        "sessions": {"total": len(report.verdicts), **{a.value: counts[a.value] for a in Attention}},
        "attention": attention_rows(report, {a.session: a.kind for a in agent.memory.pending()}, history),
        "running": []
        if report.snapshot is None
        else [key for key, session in outlines(report.snapshot.sessions) if session.has_run],
        "gateway_says": _opinions(report),
        "health_penalty": report.health_penalty,
        "budget_remaining": report.budget_remaining,
        "held": [
            {
                "session": hold.session,
                "action": hold.kind.value,
                "gate": hold.gate.value,
                "detail": hold.detail,
                "held_s": round(hold.held_s, 3),
                "bound_s": hold.bound_s,
            }
            for hold in report.overdue
        ],
        "counters": dict(report.snapshot.counters) if report.snapshot is not None else {},
        "last_actions": list(history.actions)[-10:],
    }


def attention_rows(
    report: TickReport, pending: Mapping[str, ActionKind], history: History | None = None
) -> list[dict[str, Any]]:
    """Return a row for each session that needs attention, most urgent first, with what is being done about it."""
    if report.snapshot is None:
        return []
    doing = recovery_words(report, pending)
    needy = [key for key, verdict in report.verdicts.items() if verdict.attention is not Attention.NONE]
    sick = [report.verdict(key) for key in needy]
    sick.sort(key=lambda v: (URGENCY[v.attention], v.key))
    return [
        session_row(report.snapshot, verdict)
        | {
            "doing": doing.get(verdict.key, ""),
            "why": rule_words(verdict, _case(report, verdict.key)),
            "heartbeats_dropped": _dropped_meanwhile(report.snapshot.sessions[verdict.key], verdict, history),
        }
        for verdict in sick
    ]


def explain(agent: Agent, key: str, history: History | None = None) -> dict[str, Any] | None:
    """Return everything that led to the present judgement of one session, or ``None`` if there is no such session."""
    report = agent.report
    document = None if report is None else judged(report, key)
    if document is None or report is None or report.snapshot is None:
        return None
    patient = agent.memory.patients.get(key)
    document["vitals"]["since"] = None if history is None else history.gateway_since
    return document | {
        "time": report.wall_s,
        "label_age_s": agent.label_age_s(key),
        "next": _next(agent, report, report.snapshot.sessions[key], report.verdict(key), patient),
        "heartbeats_dropped": _dropped_meanwhile(report.snapshot.sessions[key], report.verdict(key), history),
        "tried": [{"action": k.value, "outcome": o.value} for k, o in patient.tried] if patient else [],
        "actions": [] if history is None else [done for done in history.actions if done["session"] == key],
        "repairs": len(patient.repaired_s) if patient else 0,
        "repairs_within_s": agent.policy.poison_window_s,
        "quarantined": patient.quarantined if patient else False,
    }


def judged(report: TickReport, key: str) -> dict[str, Any] | None:
    """Return what was seen of one session and how it was judged, without what recovery makes of it."""
    if report.snapshot is None or key not in report.verdicts:
        return None
    verdict = report.verdict(key)
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "session": key,
        "seen": _seen(report.snapshot.sessions[key], report.snapshot),
        "verdict": _verdict(verdict, _case(report, key)),
        "vitals": vitals_of(report),
        "lanes": [_lane(lane) for lane in report.lanes.values() if key in (lane.head, *lane.waiting, *lane.cycle)],
    }


def _case(report: TickReport, key: str) -> Case:
    assert report.snapshot is not None
    return Case(report.snapshot.sessions[key], report.snapshot.vitals, report.thresholds)


def vitals_of(report: TickReport) -> dict[str, Any]:
    """Return the gateway's label, and the numbers behind it."""
    vitals = report.snapshot.vitals if report.snapshot is not None else None
    stack = vitals.stack if vitals is not None else None
    return {
        "state": report.vitals.state.value,
        "reasons": [reason.value for reason in report.vitals.reasons],
        "cause": report.vitals.cause.value,
        **dict(report.vitals.evidence),
        "rss_bytes": vitals.rss_bytes if vitals is not None else None,
        "blocked_stack": None
        if stack is None or vitals is None
        else {"age_s": round(vitals.now_s - stack.captured_s, 3), "count": stack.count, "text": stack.text},
    }


def _opinions(report: TickReport) -> list[dict[str, Any]]:
    """Return what the gateway's own detector said lately, each thing once, the latest last; it names no session."""
    if report.snapshot is None:
        return []
    recent = [o for o in report.snapshot.opinions if report.now_s - o.at_s < _RECENT_S]
    counts = Counter((o.attention, o.reason) for o in recent)
    latest = {(o.attention, o.reason): o.at_s for o in recent}
    return [
        {
            "attention": attention.value,
            "reason": reason,
            "age_s": round(report.now_s - at_s, 3),
            "count": counts[attention, reason],
        }
        for (attention, reason), at_s in sorted(latest.items(), key=lambda item: item[1])
    ]


def _verdict(verdict: Verdict, case: Case) -> dict[str, Any]:
    return {
        "attention": verdict.attention.value,
        "reason": verdict.reason.value,
        "rule": verdict.rule,
        "rule_words": rule_words(verdict, case),
        "classification": verdict.classification.value,
        "evidence_class": verdict.evidence_class.value,
        "remedy": verdict.remedy.value,
        "eligible": verdict.eligible,
        "due_in_s": verdict.due_in_s,
        "evidence": dict(verdict.evidence),
    }


def _lane(verdict: LaneVerdict) -> dict[str, Any]:
    return {
        "lane": verdict.name,
        "condition": verdict.condition.value,
        "head": verdict.head,
        "waiting": list(verdict.waiting),
        "circle": list(verdict.cycle),
        "evidence": dict(verdict.evidence),
    }


def _seen(session: Session, snapshot: Snapshot) -> list[dict[str, Any]]:
    run, activity, wait = session.run, session.activity, session.wait
    facts: list[tuple[str, object, float | None]] = [
        ("state", session.state.value if session.state else "unknown", session.state_since_s),
        ("generation", session.generation, None),
        ("queued", session.queued, session.oldest_queued_s),
        ("owner", session.owner.value, None),
        ("in_store", session.in_store.value, None),
        ("last_progress", _last_progress(session), session.progress_s),
    ]
    if session.store_says_running is not Presence.UNKNOWN:
        facts.append(("store_says_running", session.store_says_running.value, None))
    if run is not None:
        facts.append(("run", run.id, run.started_s))
        if run.asked_to_end_s is not None:
            facts.append(("abort_requested", run.id, run.asked_to_end_s))
    if activity is not None:
        kind = activity.kind.value if activity.kind else "unknown"
        facts.append((kind, activity.name, activity.since_s))
        if activity.working_s is not None:
            facts.append(("children_worked", "CPU or I/O", activity.working_s))
        if activity.allowance_s is not None:
            facts.append(("declared_allowance_s", activity.allowance_s, None))
    if wait is not None:
        facts.append(("waiting_for", wait.kind.value, wait.since_s))
    return [
        {"fact": name, "value": value, "age_s": _age(snapshot, moment), "source": _FROM.get(name, "gateway")}
        for name, value, moment in facts
    ]


def _dropped_meanwhile(session: Session, verdict: Verdict, history: History | None) -> dict[str, int]:
    """Return the heartbeats that were dropped while a sick run did nothing new, by reason (OpenClaw 52224).

    The gateway counts them for no session; of a run that is well they would say nothing.
    """
    nothing_new_s = session.repeating_since_s if session.repeats else session.progress_s
    if history is None or nothing_new_s is None or session.run is None or verdict.attention not in SICK:
        return {}
    return dict(history.dropped_since(nothing_new_s))


def _last_progress(session: Session) -> str:
    if session.progress_s is not None:
        return _PROGRESS[session.terminal]
    if session.run is None and session.activity is None and session.activity_known:
        return "nothing runs"
    return "none yet" if session.progress_known else "nothing was heard"


def _next(
    agent: Agent, report: TickReport, session: Session, verdict: Verdict, patient: Patient | None
) -> dict[str, Any]:
    assert report.snapshot is not None
    case = _case(report, session.key)
    if patient is not None and patient.pending is not None:
        return {"action": patient.pending.kind.value, "why": "was sent; its effect is awaited", "gates": []}
    if patient is None or not patient.sick:
        return _quiet(verdict, case, report.vitals.state)
    situation = agent.situation(report.snapshot, report.verdicts, report.vitals, report.now_s)
    kind = next_rung(verdict, session, patient, situation.capabilities, agent.policy)
    if kind is None:
        return {"action": None, "why": why_nothing(verdict, case), "gates": []}
    request = Request(kind, session, verdict, patient, situation, agent.memory, agent.policy, report.now_s)
    gates = [(gate, predicate(request)) for gate, predicate in GATES]
    blocked = [(gate, held) for gate, held in gates if held is not None]
    following: dict[str, Any] = {
        "action": kind.value,
        "why": why_now(blocked) if verdict.eligible else why_not_yet(verdict, case),
        "due_in_s": verdict.due_in_s,
        "gates": [_gate(gate, held, agent, session.key) for gate, held in gates],
        "rungs": [rung.value for rung in ActionKind if rung in agent.source.capabilities],
    }
    leads_on = verdict.due_in_s is not None and not any(gate in LASTING for gate, _ in blocked)
    return following | ({"climb": _climb(climb_bound(request, interval_s=agent.interval_s))} if leads_on else {})


def _climb(climb: Climb) -> dict[str, Any]:
    return {
        "steps": [{"action": s.kind.value, "sent_in_s": s.sent_in_s, "seen_in_s": s.seen_in_s} for s in climb.steps],
        "ends_in_s": climb.ends_in_s,
        "then": "quarantined; a person must look" if climb.quarantined else "no further rung; a person must look",
    }


def _gate(gate: Gate, held: Held | None, agent: Agent, session: str) -> dict[str, Any]:
    if held is None:
        return {"gate": gate.value, "holds": False}
    now_s = agent.report.now_s if agent.report is not None else 0.0
    return {
        "gate": gate.value,
        "holds": True,
        "detail": held.detail,
        "opens_in_s": None if held.until_s is None else round(max(0.0, held.until_s - now_s), 3),
        "held_s": round(agent.hold_clock.held_s(session, gate), 3),
        "bound_s": _finite(agent.policy.hold_bound_of(gate)),
    }


def _finite(seconds: float) -> float | None:
    return seconds if isfinite(seconds) else None


def _quiet(verdict: Verdict, case: Case, state: VitalsState) -> dict[str, Any]:
    """Return what comes next for a session that is not sick: usually nothing, sometimes an action at its limit."""
    if state in _STANDING_STILL:
        why = f"nothing can be judged while the gateway is {state.value}; its ages stand still"
        return {"action": None, "why": why, "gates": []}
    later = FIRST_RUNG.get(verdict.remedy) if verdict.due_in_s is not None else None
    if later is None:
        return {"action": None, "why": why_nothing(verdict, case), "gates": []}
    return {"action": later.value, "why": why_not_yet(verdict, case), "due_in_s": verdict.due_in_s, "gates": []}


def _age(snapshot: Snapshot, moment_s: float | None) -> float | None:
    age_s = snapshot.vitals.age(moment_s)
    return None if age_s is None else round(age_s, 3)
