"""`Metrics`: turns tick reports into measurements of one meter."""

import os
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from threading import Lock

from opentelemetry.metrics import Meter

from livewatch_classifiers.decision import Act, Completed, ReplyStatus
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind, Gate, VitalsState
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.attention_spans import AttentionSpans
from livewatch_exporters.edges import CounterEdges, HoldEdges, drop_edges
from livewatch_exporters.gauges import LastLook, Points, points
from livewatch_exporters.instruments import Instruments
from livewatch_exporters.metric_spec import OTHER, OWN_PREFIX, MetricSpec
from livewatch_exporters.trace_context import exemplar_context
from livewatch_exporters.vitals_meter import VitalsMeter

_FROM_ZERO = (
    c.TARGET_RESTARTS,
    c.LIVENESS_WARNINGS,
    c.LIVENESS_DEGRADED_TIME,
    c.EVENTLOOP_STALLS,
    c.EVENTLOOP_STALL_TIME,
    c.SESSION_TRANSITIONS,
    c.RECOVERY_HELD,
    c.GATEWAY_VERDICTS,
    c.SHADOW_DISAGREEMENTS,
    c.HEARTBEAT_DROPPED,
    c.DRAINS,
    c.SAMPLER_OVERRUNS,
    c.CONFIG_RELOADS,
    c.TELEMETRY_FAILURES,
)
"""Counters that are sent before anything was counted: a first event that makes its series is invisible to PromQL."""
_OF_ACTIONS = (c.RECOVERY_COMPLETED, c.RECOVERY_DECISIONS)
"""The same, for what livewatch does by itself: in mode observe no action has series of outcomes or of later gates."""
_FIRST_GATES = (Gate.CAPABILITY, Gate.MODE)
"""Those that hold an action which is not among these; they are asked first, and let those among them pass."""
_RPC_ERRORS = {ReplyStatus.TIMED_OUT: "timeout", ReplyStatus.REFUSED: "refused", ReplyStatus.DONE: ""}

_ASKING = ("process", "health")
"""Passes that are questions to the gateway as well."""


class Metrics:
    """A `TickListener`. The tick pays for counters and histograms; gauges are computed by whoever collects them."""

    def __init__(self, meter: Meter, thresholds: Thresholds, *, interval_s: float, prefix: str = OWN_PREFIX) -> None:
        self._thresholds = thresholds
        self._interval_s = interval_s
        self._look: LastLook | None = None
        self._computed: tuple[LastLook, Points] | None = None
        self._computing = Lock()
        self._holds = HoldEdges()
        self._drops = drop_edges()
        self._contended = CounterEdges("contended.")
        self._drained = CounterEdges("drained.")
        self._spans = AttentionSpans()
        self._passes: dict[str, float] = {}
        self._heard = -1
        self._restarting = False
        self._automatic = frozenset[ActionKind]()
        self._cpu: os.times_result | None = None
        self._instruments = Instruments(meter, c.CATALOGUE, self._observe, prefix=prefix)
        self._vitals = VitalsMeter(self._instruments)

    def on_tick(self, report: TickReport) -> None:
        """Count what happened in one tick."""
        if self._look is None:
            self._begin(report.target)
        if not report.automatic <= self._automatic:
            self._begin_actions(report.target, report.automatic - self._automatic)
        self._recovery(report)
        self._sessions(report)
        self._gateway_counts(report)
        self._opinions(report)
        self._vitals.on_tick(report)
        succeeded = dict(self._look.succeeded_wall_s) if self._look is not None else {}
        self._self(report, succeeded)
        self._look = LastLook(report, succeeded)

    def count_failure(self, signal: str, error: str) -> None:
        """Count telemetry that could not be delivered; callable from any thread."""
        self._instruments.add(c.TELEMETRY_FAILURES, 1, signal, error)

    def use(self, thresholds: Thresholds) -> None:
        """Show other limits from now on."""
        self._thresholds = thresholds

    def count_reload(self, outcome: str) -> None:
        """Count a reload of the configuration, ``applied`` or ``rejected``; callable from any thread."""
        self._instruments.add(c.CONFIG_RELOADS, 1, outcome)

    def _begin(self, target: str) -> None:
        for spec in _FROM_ZERO:
            for values in spec.every_point(target):
                self._instruments.add(spec, 0, *values)
        for kind, gate in product(a.GATES, _FIRST_GATES):
            self._instruments.add(c.RECOVERY_DECISIONS, 0, target, kind, gate)

    def _begin_actions(self, target: str, kinds: frozenset[ActionKind]) -> None:
        """Begin the counters of actions that livewatch now does by itself."""
        self._automatic |= kinds
        for spec in _OF_ACTIONS:
            for values in spec.every_point(target):
                if values[-2] in kinds and values[-1] not in _FIRST_GATES:
                    self._instruments.add(spec, 0, *values)

    def _observe(self, spec: MetricSpec) -> Iterable[tuple[float, Mapping[str, str]]]:
        look = self._look
        if look is None:
            return ()
        if spec is c.SELF_MEMORY_USAGE:
            used_bytes = _own_memory_bytes()
            return () if used_bytes is None else ((used_bytes, {}),)
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
        for dissent in report.dissents:
            add(c.SHADOW_DISAGREEMENTS, 1, target, dissent.kind)
        for done in report.completed:
            self._completed(done, target)
        if report.restarted:
            add(c.TARGET_RESTARTS, 1, target, "livewatch" if self._restarting else "external")
            self._restarting = False

    def _completed(self, done: Completed, target: str) -> None:
        took_s = max(0.0, done.observed_s - done.sent_s)
        self._instruments.add(c.RECOVERY_COMPLETED, 1, target, done.action.kind, done.outcome)
        trace = exemplar_context(done.action.traceparent)
        self._instruments.record(c.RECOVERY_DURATION, took_s, target, done.action.kind, done.outcome, context=trace)
        answered_s = max(0.0, done.sent_s - done.decided_s)
        error = _RPC_ERRORS.get(done.reply.status, OTHER)
        self._instruments.record(c.PROBE_DURATION, answered_s, target, "rpc", error)

    def _sessions(self, report: TickReport) -> None:
        for change in report.transitions:
            if change.after is not None:
                self._instruments.add(c.SESSION_TRANSITIONS, 1, report.target, *change.after.label)
        for span in self._spans.follow(report):
            self._instruments.record(
                c.SESSION_ATTENTION_DURATION, span.duration_s, report.target, span.worst, span.resolution
            )

    def _gateway_counts(self, report: TickReport) -> None:
        add, target = self._instruments.add, report.target
        for reason, count in self._drops.new(report).items():
            add(c.HEARTBEAT_DROPPED, count, target, reason)
        for lanes, count in self._contended.new(report).items():
            waiter, _, holder = lanes.partition(".")
            add(c.SESSION_CONTENTION, count, target, _lane(waiter), _lane(holder))
        for outcome, count in self._drained.new(report).items():
            add(c.DRAINS, count, target, outcome)

    def _opinions(self, report: TickReport) -> None:
        """Count what the gateway's own detector said since the last tick, and whether it says what we say."""
        if report.snapshot is None:
            return
        if report.restarted:
            self._heard = -1
        new = [opinion for opinion in report.snapshot.opinions if opinion.seq > self._heard]
        ours = {verdict.attention for verdict in report.verdicts.values()} if new else ()
        for opinion in new:
            self._heard = max(self._heard, opinion.seq)
            agreement = "same" if opinion.attention in ours else "other"
            self._instruments.add(c.GATEWAY_VERDICTS, 1, report.target, opinion.attention, agreement)

    def _self(self, report: TickReport, succeeded: dict[str, float]) -> None:
        """Measure livewatch itself, and note in ``succeeded`` when each of its samplers last did."""
        record, target = self._instruments.record, report.target
        record(c.SAMPLER_DURATION, report.sample_duration_s, "sessions")
        record(c.SELF_EVENTLOOP_DELAY, report.lateness_s)
        self._own_cpu()
        if report.tick_duration_s > self._interval_s:
            self._instruments.add(c.SAMPLER_OVERRUNS, 1, "sessions")
        if report.snapshot is None:
            gone = report.vitals.state is VitalsState.GONE
            record(c.PROBE_DURATION, report.sample_duration_s, target, "sessions", "refused" if gone else OTHER)
            return
        record(c.PROBE_DURATION, report.sample_duration_s, target, "sessions", "")
        succeeded["sessions"] = report.wall_s
        for done in report.snapshot.passes:
            if self._passes.get(done.name) != done.finished_s:
                self._passes[done.name] = done.finished_s
                if done.name in _ASKING:
                    record(c.PROBE_DURATION, done.duration_s, target, done.name, done.error)
                if done.name != "health":
                    succeeded[done.name] = report.wall_s - max(0.0, report.now_s - done.finished_s)
                    record(c.SAMPLER_DURATION, done.duration_s, done.name)

    def _own_cpu(self) -> None:
        spent = os.times()
        for mode, now_s, then_s in (
            ("user", spent.user, self._cpu.user if self._cpu is not None else 0.0),
            ("system", spent.system, self._cpu.system if self._cpu is not None else 0.0),
        ):
            self._instruments.add(c.SELF_CPU_TIME, max(0.0, now_s - then_s), mode)
        self._cpu = spent


def _own_memory_bytes() -> int | None:
    """Return this process's resident memory; ``None`` where the system does not say it in a file."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _lane(word: str) -> str:
    """Return a kind of lane, in the words of the closed set."""
    return word if word in ("main", "subagent", "cron", "nested", "session") else "other"
