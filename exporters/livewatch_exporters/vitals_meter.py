"""`VitalsMeter`: what each tick says about the gateway as a whole, as counters and histograms."""

from livewatch_classifiers.model import Vitals
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import StallCause, VitalsState
from livewatch_exporters import catalogue as c
from livewatch_exporters.edges import liveness_reasons
from livewatch_exporters.instruments import Instruments
from livewatch_exporters.liveness import LivenessWarnings
from livewatch_exporters.metric_spec import OTHER

_STOPPED = (VitalsState.UNRESPONSIVE, VitalsState.FROZEN)


class VitalsMeter:
    """Measures from one report and the one before it; what happened while nobody could look is not known."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._warnings = LivenessWarnings()
        self._before: TickReport | None = None
        self._stalled: StallCause | None = None

    def on_tick(self, report: TickReport) -> None:
        """Measure one tick."""
        before = self._before
        elapsed_s = max(0.0, report.now_s - before.now_s) if before is not None else 0.0
        self._liveness(report, elapsed_s)
        self._stalls(report, elapsed_s)
        if report.snapshot is not None:
            vitals = report.snapshot.vitals
            self._loop_delay(report, vitals)
            if before is not None and before.snapshot is not None and not report.restarted:
                self._loop_time(report, vitals, elapsed_s)
                self._cpu(report.target, vitals, before.snapshot.vitals, elapsed_s)
                self._host(report.target, vitals, elapsed_s)
        self._before = report

    def _liveness(self, report: TickReport, elapsed_s: float) -> None:
        for reason in self._warnings.new(report):
            self._instruments.add(c.LIVENESS_WARNINGS, 1, report.target, reason)
        for reason in liveness_reasons(report):
            self._instruments.add(c.LIVENESS_DEGRADED_TIME, elapsed_s, report.target, reason)

    def _stalls(self, report: TickReport, elapsed_s: float) -> None:
        """Count a stall when it ends: what caused it is often known only after a while."""
        stands = report.snapshot is not None and report.vitals.state in _STOPPED
        if stands:
            cause = report.vitals.cause
            self._stalled = cause if cause is not StallCause.UNKNOWN or self._stalled is None else self._stalled
            self._instruments.add(c.EVENTLOOP_STALL_TIME, elapsed_s, report.target, self._stalled)
        elif self._stalled is not None:
            self._instruments.add(c.EVENTLOOP_STALLS, 1, report.target, self._stalled)
            self._stalled = None

    def _loop_delay(self, report: TickReport, vitals: Vitals) -> None:
        delays_s = [vitals.loop_delay_max_s]
        if report.vitals.state in _STOPPED and vitals.loop_heartbeat_s is not None:
            delays_s.append(vitals.now_s - vitals.loop_heartbeat_s)
        known_s = [delay_s for delay_s in delays_s if delay_s is not None]
        if known_s:
            self._instruments.record(c.EVENTLOOP_DELAY, max(known_s), report.target, report.source_kind)

    def _loop_time(self, report: TickReport, vitals: Vitals, elapsed_s: float) -> None:
        share = 1.0 if report.vitals.state is VitalsState.UNRESPONSIVE else vitals.loop_utilization
        if share is None or report.vitals.state is VitalsState.FROZEN:
            return
        active_s = elapsed_s * min(1.0, max(0.0, share))
        self._instruments.add(c.EVENTLOOP_TIME, active_s, report.target, "active")
        self._instruments.add(c.EVENTLOOP_TIME, elapsed_s - active_s, report.target, "idle")

    def _cpu(self, target: str, vitals: Vitals, before: Vitals, elapsed_s: float) -> None:
        modes = (
            ("user", vitals.cpu_user_s, before.cpu_user_s),
            ("system", vitals.cpu_system_s, before.cpu_system_s),
        )
        told = [(mode, now_s - then_s) for mode, now_s, then_s in modes if now_s is not None and then_s is not None]
        if not told and vitals.cpu_user_s is None and vitals.cpu_cores is not None:
            told = [(OTHER, elapsed_s * vitals.cpu_cores)]
        for mode, spent_s in told:
            self._instruments.add(c.TARGET_CPU_TIME, max(0.0, spent_s), target, mode)

    def _host(self, target: str, vitals: Vitals, elapsed_s: float) -> None:
        for resource, share in (("memory", vitals.memory_pressure), ("io", vitals.io_pressure)):
            if share is not None:
                self._instruments.add(c.HOST_STALL_TIME, elapsed_s * min(1.0, max(0.0, share)), target, resource)
