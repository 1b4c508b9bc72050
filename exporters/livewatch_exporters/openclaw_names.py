"""OpenClaw's own metric names in their two dialects, for dashboards and alerts that exist already."""

from collections.abc import Mapping
from dataclasses import dataclass

from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, LaneKind, Outcome, Reason, SessionState
from livewatch_exporters.attributes import AGE_BUCKETS, LIVENESS, LOOP_BUCKETS
from livewatch_exporters.metric_spec import OTHER, Attribute, Instrument, MetricSpec

ACTIONS: Mapping[ActionKind, str] = {
    ActionKind.ABORT_RUN: "abort_embedded_run",
    ActionKind.FORCE_CLEAR: "abort_embedded_run",
    ActionKind.RELEASE_LANE: "release_lane",
    ActionKind.EVICT_SESSION: "release_lane",
}
"""What OpenClaw calls an action; it has no word for the others."""
STATUSES: Mapping[Outcome, str] = {
    Outcome.INEFFECTIVE: "noop",
    Outcome.SUPERSEDED: "noop",
    Outcome.REFUSED: "skipped",
    Outcome.TIMED_OUT: "failed",
    Outcome.FAILED: "failed",
}
"""What OpenClaw calls an outcome; a recovered session was aborted or released, as its action says."""
REQUESTED = "requested"
_SHARE_BUCKETS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_CORE_BUCKETS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 2.0, 4.0)
_DEPTH_BUCKETS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_BYTE_BUCKETS = tuple(float(1 << power) for power in range(26, 35))
_C, _H, _G = Instrument.COUNTER, Instrument.HISTOGRAM, Instrument.GAUGE


@dataclass(frozen=True, slots=True)
class Dialect:
    """One set of names. ``scale`` is what a second is in its unit of time."""

    scale: float
    stuck: MetricSpec
    stuck_age: MetricSpec
    state: MetricSpec
    requested: MetricSpec
    completed: MetricSpec
    recovery_age: MetricSpec
    warning: MetricSpec
    delay_p99: MetricSpec
    delay_max: MetricSpec
    utilization: MetricSpec
    core_ratio: MetricSpec
    loop_delay_max: MetricSpec
    loop_observed: MetricSpec
    queue_depth: MetricSpec
    queue_wait: MetricSpec
    memory: MetricSpec

    @property
    def specs(self) -> tuple[MetricSpec, ...]:
        """All metrics of this dialect, each once."""
        found = [getattr(self, name) for name in self.__slots__]
        return tuple(dict.fromkeys(spec for spec in found if isinstance(spec, MetricSpec)))


def otlp() -> Dialect:
    """Return the names of OpenClaw's OpenTelemetry plugin: milliseconds, prefixed attributes."""
    state = Attribute("openclaw.state", (*SessionState, OTHER))
    reason = Attribute("openclaw.reason", (*Reason, OTHER))
    recovery = (state, Attribute("openclaw.action", _ACTIONS), Attribute("openclaw.active_work_kind", _KINDS), reason)
    status = Attribute("openclaw.status", _STATUSES)
    why = Attribute("openclaw.liveness.reason", LIVENESS.values)
    lane = Attribute("openclaw.lane", tuple(LaneKind))
    ages, delays = _ms(AGE_BUCKETS), _ms(LOOP_BUCKETS)
    return Dialect(
        scale=1000.0,
        stuck=_spec("openclaw.session.stuck", _C, "1", state),
        stuck_age=_spec("openclaw.session.stuck_age_ms", _H, "ms", state, buckets=ages),
        state=_spec("openclaw.session.state", _C, "1", state, reason),
        requested=_spec("openclaw.session.recovery.requested", _C, "1", *recovery),
        completed=_spec("openclaw.session.recovery.completed", _C, "1", *recovery, status),
        recovery_age=_spec("openclaw.session.recovery.age_ms", _H, "ms", *recovery, buckets=ages),
        warning=_spec("openclaw.liveness.warning", _C, "1", why),
        delay_p99=_spec("openclaw.liveness.event_loop_delay_p99_ms", _H, "ms", why, buckets=delays),
        delay_max=_spec("openclaw.liveness.event_loop_delay_max_ms", _H, "ms", why, buckets=delays),
        utilization=_spec("openclaw.liveness.event_loop_utilization", _H, "1", why, buckets=_SHARE_BUCKETS),
        core_ratio=_spec("openclaw.liveness.cpu_core_ratio", _H, "1", why, buckets=_CORE_BUCKETS),
        loop_delay_max=_spec("openclaw.gateway.event_loop.delay_max_ms", _H, "ms", buckets=delays),
        loop_observed=_spec("openclaw.gateway.event_loop.observed_ms", _C, "ms"),
        queue_depth=_spec("openclaw.queue.depth", _H, "1", lane, buckets=_DEPTH_BUCKETS),
        queue_wait=_spec("openclaw.queue.wait_ms", _H, "ms", lane, buckets=ages),
        memory=_spec("openclaw.memory.rss_bytes", _H, "By", buckets=_BYTE_BUCKETS),
    )


def prometheus() -> Dialect:
    """Return the names of OpenClaw's own Prometheus endpoint: seconds, bare labels."""
    state = Attribute("state", (*SessionState, OTHER))
    reason = Attribute("reason", (*Reason, OTHER))
    recovery = (Attribute("action", _ACTIONS), Attribute("active_work_kind", _KINDS), state)
    status = Attribute("status", (REQUESTED, *_STATUSES))
    why = Attribute("reason", LIVENESS.values)
    lane = Attribute("lane", tuple(LaneKind))
    recoveries = _spec("openclaw.session.recovery", _C, "1", *recovery, status)
    return Dialect(
        scale=1.0,
        stuck=_spec("openclaw.session.stuck", _C, "1", reason, state),
        stuck_age=_spec("openclaw.session.stuck_age", _H, "s", reason, state, buckets=AGE_BUCKETS),
        state=_spec("openclaw.session.state", _C, "1", reason, state),
        requested=recoveries,
        completed=recoveries,
        recovery_age=_spec("openclaw.session.recovery_age", _H, "s", *recovery, buckets=AGE_BUCKETS),
        warning=_spec("openclaw.liveness.warning", _C, "1", why),
        delay_p99=_spec("openclaw.liveness.event_loop_delay_p99", _H, "s", why, buckets=LOOP_BUCKETS),
        delay_max=_spec("openclaw.liveness.event_loop_delay_max", _H, "s", why, buckets=LOOP_BUCKETS),
        utilization=_spec("openclaw.liveness.event_loop_utilization_ratio", _H, "1", why, buckets=_SHARE_BUCKETS),
        core_ratio=_spec("openclaw.liveness.cpu_core_ratio", _H, "1", why, buckets=_CORE_BUCKETS),
        loop_delay_max=_spec("openclaw.gateway.event_loop.delay_max", _H, "s", buckets=LOOP_BUCKETS),
        loop_observed=_spec("openclaw.gateway.event_loop.observed", _C, "s"),
        queue_depth=_spec("openclaw.queue.lane_size", _G, "{message}", lane),
        queue_wait=_spec("openclaw.queue.lane_wait", _H, "s", lane, buckets=AGE_BUCKETS),
        memory=_spec("openclaw.memory", _G, "By", Attribute("kind", ("rss",))),
    )


_ACTIONS = ("abort_embedded_run", "release_lane", OTHER)
_KINDS = (ActivityKind.EMBEDDED_RUN.value, ActivityKind.MODEL_CALL.value, ActivityKind.TOOL_CALL.value, "none", OTHER)
_STATUSES = ("aborted", "released", "skipped", "noop", "failed", OTHER)


def _spec(
    name: str, kind: Instrument, unit: str, *attributes: Attribute, buckets: tuple[float, ...] | None = None
) -> MetricSpec:
    return MetricSpec(name, kind, unit, "OpenClaw's metric, as livewatch sees it.", attributes, buckets)


def _ms(buckets: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(1000.0 * bound for bound in buckets)
