"""`OpenClawCompat`: a second recorder that speaks OpenClaw's names, in a meter scope of its own."""

from collections.abc import Iterable, Mapping

from opentelemetry.metrics import Meter

from livewatch_classifiers.decision import Act, Action, Completed
from livewatch_classifiers.model import Session
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, Outcome
from livewatch_exporters import openclaw_names as names
from livewatch_exporters.edges import liveness_reasons
from livewatch_exporters.gauges import waiting_turns
from livewatch_exporters.instruments import Instruments
from livewatch_exporters.metric_spec import OTHER, Instrument, MetricSpec
from livewatch_exporters.reminders import Reminders
from livewatch_exporters.telemetry_settings import CompatMode


class OpenClawCompat:
    """A `TickListener`. ``session.stuck`` counts what is stuck, never what is stalled or slow, and backs off."""

    def __init__(self, meter: Meter, mode: CompatMode) -> None:
        self._names = names.otlp() if mode is CompatMode.OTLP else names.prometheus()
        self._instruments = Instruments(meter, self._names.specs, self._observe, prefix="")
        self._reminders = Reminders()
        self._before: TickReport | None = None

    def on_tick(self, report: TickReport) -> None:
        """Record one tick."""
        self._stuck(report)
        self._states(report)
        for decision in report.decisions:
            if isinstance(decision, Act):
                self._requested(decision, report)
        for done in report.completed:
            self._completed(done, report)
        self._liveness(report)
        self._loop_and_queues(report)
        self._before = report

    def _stuck(self, report: TickReport) -> None:
        began = [t.key for t in report.transitions if t.after is not None and t.after.attention is Attention.STUCK]
        again = [key for key, _ in self._reminders.due(report)]
        for key in dict.fromkeys([*began, *again]):
            verdict = report.verdicts.get(key)
            if verdict is None or verdict.attention is not Attention.STUCK:
                continue
            session = _session(report, key)
            point = {"state": _state(session), "reason": verdict.reason.value}
            self._add(self._names.stuck, 1, point)
            age_s = _age_s(report, session)
            if age_s is not None:
                self._record(self._names.stuck_age, age_s * self._names.scale, point)

    def _states(self, report: TickReport) -> None:
        """Count changes of state; an unchanged session is the same object as before."""
        before = self._before.snapshot if self._before is not None else None
        if report.snapshot is None or before is None:
            return
        delta, sessions = report.snapshot.delta, report.snapshot.sessions
        told = delta is not None and delta.before is before.sessions
        for key in delta.changed | delta.renewed if delta is not None and told else sessions:
            earlier, session = before.sessions.get(key), sessions[key]
            if earlier is not session and (earlier is None or earlier.state is not session.state):
                verdict = report.verdicts.get(key)
                reason = verdict.reason.value if verdict is not None else OTHER
                self._add(self._names.state, 1, {"state": _state(session), "reason": reason})

    def _requested(self, act: Act, report: TickReport) -> None:
        point = self._about(act.action, act.verdict, report) | {"status": names.REQUESTED}
        self._add(self._names.requested, 1, point)
        age_s = _age_s(report, _session(report, act.action.session))
        if age_s is not None:
            self._record(self._names.recovery_age, age_s * self._names.scale, point)

    def _completed(self, done: Completed, report: TickReport) -> None:
        action = names.ACTIONS.get(done.action.kind, OTHER)
        status = names.STATUSES.get(done.outcome, OTHER)
        if done.outcome is Outcome.RECOVERED:
            status = "released" if action == "release_lane" else "aborted"
        self._add(self._names.completed, 1, self._about(done.action, done.verdict, report) | {"status": status})

    def _about(self, action: Action, verdict: Verdict, report: TickReport) -> dict[str, str]:
        session = _session(report, action.session)
        activity = session.activity if session is not None else None
        return {
            "state": _state(session),
            "action": names.ACTIONS.get(action.kind, OTHER),
            "active_work_kind": activity.kind.value if activity is not None and activity.kind is not None else "none",
            "reason": verdict.reason.value,
        }

    def _liveness(self, report: TickReport) -> None:
        """Record a warning when it begins, with the readings that it is about."""
        known = liveness_reasons(self._before) if self._before is not None else ()
        vitals = report.snapshot.vitals if report.snapshot is not None else None
        for reason in liveness_reasons(report):
            if reason in known:
                continue
            point = {"reason": reason}
            self._add(self._names.warning, 1, point)
            if vitals is None:
                continue
            readings: tuple[tuple[MetricSpec, float | None, float], ...] = (
                (self._names.delay_p99, vitals.loop_delay_p99_s, self._names.scale),
                (self._names.delay_max, vitals.loop_delay_max_s, self._names.scale),
                (self._names.utilization, vitals.loop_utilization, 1.0),
                (self._names.core_ratio, vitals.cpu_cores, 1.0),
            )
            for spec, value, scale in readings:
                if value is not None:
                    self._record(spec, value * scale, point)

    def _loop_and_queues(self, report: TickReport) -> None:
        if report.snapshot is None:
            return
        vitals, scale = report.snapshot.vitals, self._names.scale
        if vitals.loop_delay_max_s is not None:
            self._record(self._names.loop_delay_max, vitals.loop_delay_max_s * scale, {})
        if self._before is not None:
            self._add(self._names.loop_observed, max(0.0, report.now_s - self._before.now_s) * scale, {})
        if self._names.memory.instrument is Instrument.HISTOGRAM and vitals.rss_bytes is not None:
            self._record(self._names.memory, vitals.rss_bytes, {})
        for kind, (size, age_s) in waiting_turns(report.snapshot, report.verdicts).items():
            if self._names.queue_depth.instrument is Instrument.HISTOGRAM:
                self._record(self._names.queue_depth, size, {"lane": kind})
            if size and age_s is not None:
                self._record(self._names.queue_wait, age_s * scale, {"lane": kind})

    def _observe(self, spec: MetricSpec) -> Iterable[tuple[float, Mapping[str, str]]]:
        report = self._before
        if report is None or report.snapshot is None:
            return []
        if spec is self._names.memory:
            rss_bytes = report.snapshot.vitals.rss_bytes
            return [] if rss_bytes is None else [(rss_bytes, {"kind": "rss"})]
        return [(size, {"lane": kind}) for kind, (size, _) in waiting_turns(report.snapshot, report.verdicts).items()]

    def _add(self, spec: MetricSpec, amount: float, point: Mapping[str, str]) -> None:
        self._instruments.add(spec, amount, *_in_order(spec, point))

    def _record(self, spec: MetricSpec, amount: float, point: Mapping[str, str]) -> None:
        self._instruments.record(spec, amount, *_in_order(spec, point))


def _in_order(spec: MetricSpec, point: Mapping[str, str]) -> list[str]:
    """Return the values of a spec's attributes, whose names may have a prefix before their last part."""
    return [point[attribute.name.rpartition(".")[2]] for attribute in spec.attributes]


def _session(report: TickReport, key: str) -> Session | None:
    return report.snapshot.sessions.get(key) if report.snapshot is not None else None


def _state(session: Session | None) -> str:
    return session.state.value if session is not None and session.state is not None else OTHER


def _age_s(report: TickReport, session: Session | None) -> float | None:
    """Return how long the session has made no progress; its state's age where it never made any."""
    if report.snapshot is None or session is None:
        return None
    known = [moment for moment in (session.progress_s, session.state_since_s) if moment is not None]
    return report.snapshot.vitals.age(max(known)) if known else None
