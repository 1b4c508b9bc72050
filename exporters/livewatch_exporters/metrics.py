"""`Metrics`: turns tick reports into measurements of one meter."""

from collections.abc import Iterable, Mapping
from threading import Lock

from opentelemetry.metrics import Meter

from livewatch_classifiers.decision import Act
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind, Gate, VitalsState
from livewatch_exporters import catalogue as c
from livewatch_exporters.attention_spans import AttentionSpans
from livewatch_exporters.edges import DropEdges, HoldEdges, liveness_reasons
from livewatch_exporters.gauges import LastLook, Points, points
from livewatch_exporters.instruments import Instruments
from livewatch_exporters.metric_spec import MetricSpec

_STOPPED = (VitalsState.UNRESPONSIVE, VitalsState.FROZEN)


class Metrics:
    """A `TickListener`. The tick pays for counters and histograms; gauges are computed by whoever collects them."""

    def __init__(self, meter: Meter, thresholds: Thresholds, *, interval_s: float) -> None:
        self._thresholds = thresholds
        self._interval_s = interval_s
        self._look: LastLook | None = None
        self._computed: tuple[LastLook, Points] | None = None
        self._computing = Lock()
        self._holds = HoldEdges()
        self._drops = DropEdges()
        self._spans = AttentionSpans()
        self._before: TickReport | None = None
        self._restarting = False
        self._instruments = Instruments(meter, c.CATALOGUE, self._observe)

    def on_tick(self, report: TickReport) -> None:
        """Count what happened in one tick."""
        self._recovery(report)
        self._sessions(report)
        self._liveness(report)
        self._loop_and_cpu(report)
        self._self(report)
        succeeded = self._look.succeeded_wall_s if self._look is not None else None
        self._look = LastLook(report, report.wall_s if report.snapshot is not None else succeeded)
        self._before = report

    def count_failure(self, signal: str, error: str) -> None:
        """Count telemetry that could not be delivered; callable from any thread."""
        self._instruments.add(c.TELEMETRY_FAILURES, 1, signal, error)

    def _observe(self, spec: MetricSpec) -> Iterable[tuple[float, Mapping[str, str]]]:
        look = self._look
        if look is None:
            return ()
        with self._computing:  # two readers may collect at once; one pass over the sessions serves all gauges
            if self._computed is None or self._computed[0] is not look:
                self._computed = (look, points(look, self._thresholds))
            return self._computed[1].get(spec, ())

    def _recovery(self, report: TickReport) -> None:
        target, add = report.target, self._instruments.add
        for decision in report.decisions:
            if isinstance(decision, Act):
                add(c.RECOVERY_DECISIONS, 1, target, decision.action.kind, Gate.NONE)
                self._restarting = self._restarting or decision.action.kind is ActionKind.RESTART_TARGET
        for hold in self._holds.new(report):
            add(c.RECOVERY_DECISIONS, 1, target, hold.kind, hold.gate)
        for overdue in report.overdue_holds:
            add(c.RECOVERY_HELD, 1, target, overdue.gate)
        for done in report.completed:
            took_s = max(0.0, done.observed_s - done.sent_s)
            self._instruments.record(c.RECOVERY_DURATION, took_s, target, done.action.kind, done.outcome)
        if report.restarted:
            add(c.TARGET_RESTARTS, 1, target, "livewatch" if self._restarting else "external")
            self._restarting = False

    def _sessions(self, report: TickReport) -> None:
        for change in report.transitions:
            if change.after is not None:
                label = change.after.label
                self._instruments.add(c.SESSION_TRANSITIONS, 1, report.target, *label)
        for span in self._spans.follow(report):
            self._instruments.record(
                c.SESSION_ATTENTION_DURATION, span.duration_s, report.target, span.worst, span.resolution
            )
        for reason, count in self._drops.new(report).items():
            self._instruments.add(c.HEARTBEAT_DROPPED, count, report.target, reason)

    def _liveness(self, report: TickReport) -> None:
        reasons = liveness_reasons(report)
        before = liveness_reasons(self._before) if self._before is not None else ()
        for reason in reasons:
            if reason not in before:
                self._instruments.add(c.LIVENESS_WARNINGS, 1, report.target, reason)
            self._instruments.add(c.LIVENESS_DEGRADED_TIME, self._elapsed_s(report), report.target, reason)

    def _loop_and_cpu(self, report: TickReport) -> None:
        if report.snapshot is None:
            return
        vitals, add = report.snapshot.vitals, self._instruments.add
        stopped = report.vitals.state in _STOPPED
        delays_s = [vitals.loop_delay_max_s]
        if stopped and vitals.loop_heartbeat_s is not None:
            delays_s.append(vitals.now_s - vitals.loop_heartbeat_s)
        known_s = [delay_s for delay_s in delays_s if delay_s is not None]
        if known_s:
            self._instruments.record(c.EVENTLOOP_DELAY, max(known_s), report.target, "in_process")
        if self._before is None or self._before.snapshot is None or report.restarted:
            return  # what happened while nobody could look is not known
        elapsed_s = self._elapsed_s(report)
        share = 1.0 if report.vitals.state is VitalsState.UNRESPONSIVE else vitals.loop_utilization
        if share is not None and report.vitals.state is not VitalsState.FROZEN:
            active_s = elapsed_s * min(1.0, max(0.0, share))
            add(c.EVENTLOOP_TIME, active_s, report.target, "active")
            add(c.EVENTLOOP_TIME, elapsed_s - active_s, report.target, "idle")
        if vitals.cpu_cores is not None:
            add(c.TARGET_CPU_TIME, elapsed_s * max(0.0, vitals.cpu_cores), report.target)

    def _self(self, report: TickReport) -> None:
        self._instruments.record(c.SAMPLER_DURATION, report.sample_duration_s, "sessions")
        self._instruments.record(c.SELF_EVENTLOOP_DELAY, report.lateness_s)
        if report.tick_duration_s > self._interval_s:
            self._instruments.add(c.SAMPLER_OVERRUNS, 1, "sessions")

    def _elapsed_s(self, report: TickReport) -> float:
        return max(0.0, report.now_s - self._before.now_s) if self._before is not None else 0.0
