"""`Events`: tells people what changed; what merely lasts is told again ever more rarely."""

from collections import deque
from collections.abc import Callable, Mapping

from livewatch_classifiers.decision import Act, Completed, Hold, OverdueHold
from livewatch_classifiers.glance import outlines
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, Outcome, SessionState, VitalsState
from livewatch_exporters.edges import HoldEdges, drop_edges
from livewatch_exporters.liveness import LivenessWarnings
from livewatch_exporters.reminders import Reminders
from livewatch_exporters.sums import Sums

Say = Callable[[str, str, Mapping[str, object], float | None], None]
_LEVELS = {Attention.LONG_RUNNING: "info", Attention.STALLED: "warning", Attention.STUCK: "error"}
_SERIOUS = (VitalsState.UNRESPONSIVE, VitalsState.FROZEN, VitalsState.GONE)
_RECENT = 5
_NAMED = 8
"""Sessions in flight that a warning names at most."""
_CALM = (VitalsState.STARTING, VitalsState.RESPONSIVE, VitalsState.DRAINING)


class Events:
    """A `TickListener`. ``say(level, event, fields, wall_s)`` must not block."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._holds = HoldEdges()
        self._drops = drop_edges()
        self._dropped = Sums()
        self._reminders = Reminders()
        self._warnings = LivenessWarnings()
        self._recent: deque[tuple[str, float]] = deque(maxlen=_RECENT)
        self._state: VitalsState | None = None
        self._problem = ""

    def on_tick(self, report: TickReport) -> None:
        """Tell what this tick changed."""
        self._gateway(report)
        for change in report.transitions:
            self._transition(change, report)
        for decision in report.decisions:
            if isinstance(decision, Act):
                self._act(decision, report)
        for hold in self._holds.new(report):
            self._hold(hold, report)
        for overdue in report.overdue_holds:
            self._overdue("error", "livewatch.recovery.held", overdue, report)
        for overdue in report.overdue_ended:
            self._overdue("info", "livewatch.recovery.held_ended", overdue, report)
        for done in report.completed:
            self._outcome(done, report)
        for key, lasted_s in self._reminders.due(report):
            self._still(report.verdicts[key], lasted_s, report)
        for reason, count in self._dropped.due(self._drops.new(report), report.now_s).items():
            self._tell("warning", "livewatch.heartbeat.dropped", report, reason=reason, count=count)

    def _tell(self, level: str, event: str, report: TickReport, **fields: object) -> None:
        self._say(level, event, {"target": report.target, **fields}, report.wall_s)

    def _gateway(self, report: TickReport) -> None:
        if report.restarted:
            pid = report.snapshot.identity.pid if report.snapshot and report.snapshot.identity else None
            self._tell("warning", "livewatch.target.restarted", report, pid=pid)
        state, warned = report.vitals.state, self._warnings.new(report)
        if state is self._state and report.problem == self._problem and not warned:
            return
        stack = report.snapshot.vitals.stack if report.snapshot is not None else None
        sick = state not in _CALM or bool(report.vitals.reasons)
        # A reason that comes back within its cool-down is told, but not as a warning: the first one was enough.
        level = "info" if not warned else "error" if state in _SERIOUS else "warning"
        self._tell(
            level,
            "livewatch.target.state",
            report,
            state=state.value,
            before=self._state.value if self._state is not None else None,
            reasons=[reason.value for reason in report.vitals.reasons] or None,
            cause=report.vitals.cause.value if sick else None,
            blocked_at=_last_line(stack.text) if stack is not None and state in _SERIOUS else None,
            problem=report.problem,
            in_flight=_in_flight(report) if sick else None,
            recently=[f"{was} {report.now_s - since_s:.0f} s ago" for was, since_s in self._recent] if sick else None,
        )
        if state is not self._state:
            self._recent.append((state.value, report.now_s))
        self._state, self._problem = state, report.problem

    def _transition(self, change: Transition, report: TickReport) -> None:
        before = change.before.attention if change.before is not None else Attention.NONE
        after = change.after
        if after is not None and before is after.attention is Attention.LONG_RUNNING:
            return  # another reason for being slow is no news
        if after is not None and after.attention is not Attention.NONE:
            self._tell(
                _LEVELS[after.attention],
                "livewatch.session.attention",
                report,
                before=before.value,
                **_judged(after),
                evidence=dict(after.evidence),
            )
        elif before is not Attention.NONE:
            self._tell(
                "info",
                "livewatch.session.resolved",
                report,
                session=change.key,
                before=before.value,
                held_s=round(change.held_s, 3),
                gone=True if after is None else None,
            )

    def _still(self, verdict: Verdict, lasted_s: float, report: TickReport) -> None:
        level = _LEVELS[verdict.attention]
        self._tell(level, "livewatch.session.still", report, **_judged(verdict), lasted_s=round(lasted_s, 3))

    def _act(self, decision: Act, report: TickReport) -> None:
        action = decision.action
        self._tell(
            "warning",
            "livewatch.recovery.action",
            report,
            action=action.kind.value,
            session=action.session,
            reason=action.reason.value,
            cause=action.cause,
            **_trace(action.traceparent),
            run=action.run_id,
            generation=action.generation,
            discards=action.discards or None,
        )

    def _hold(self, hold: Hold, report: TickReport) -> None:
        self._tell(
            "info",
            "livewatch.recovery.hold",
            report,
            action=hold.kind.value,
            session=hold.session,
            gate=hold.gate.value,
            reason=hold.reason.value,
            detail=hold.detail,
            opens_in_s=None if hold.until_s is None else round(max(0.0, hold.until_s - report.now_s), 3),
        )

    def _overdue(self, level: str, event: str, hold: OverdueHold, report: TickReport) -> None:
        self._tell(
            level,
            event,
            report,
            action=hold.kind.value,
            session=hold.session,
            gate=hold.gate.value,
            reason=hold.reason.value,
            detail=hold.detail,
            held_s=round(hold.held_s, 3),
            bound_s=hold.bound_s,
        )

    def _outcome(self, done: Completed, report: TickReport) -> None:
        well = done.outcome in (Outcome.RECOVERED, Outcome.SUPERSEDED)
        self._tell(
            "info" if well else "error",
            "livewatch.recovery.completed",
            report,
            action=done.action.kind.value,
            session=done.action.session,
            outcome=done.outcome.value,
            reply=done.reply.status.value,
            took_s=round(done.observed_s - done.sent_s, 3),
            **_trace(done.action.traceparent),
            detail=done.detail or done.reply.detail,
        )


def _judged(verdict: Verdict) -> dict[str, object]:
    return {
        "session": verdict.key,
        "attention": verdict.attention.value,
        "reason": verdict.reason.value,
        "rule": verdict.rule,
        "remedy": verdict.remedy.value,
    }


def _in_flight(report: TickReport) -> list[str] | None:
    """Return the keys of sessions that were at work; in log lines only, for they are unbounded."""
    if report.snapshot is None:
        return None
    facts = outlines(report.snapshot.sessions)
    at_work = [key for key, session in facts if session.state is SessionState.PROCESSING or session.has_run]
    return at_work[:_NAMED] or None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


def _trace(traceparent: str | None) -> dict[str, str]:
    """Return the ids that lead from a log line to its trace, and to the span that acts."""
    return dict(zip(("trace_id", "span_id"), traceparent.split("-")[1:3], strict=False)) if traceparent else {}
