"""The metric catalogue: all metrics that livewatch exports, and nothing that it does not."""

from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    Gate,
    LaneKind,
    Outcome,
    Reason,
    SessionState,
    VitalsReason,
)
from livewatch_exporters.metric_spec import OTHER, TARGET, Attribute, Instrument, MetricSpec

PROCESS_GONE = "process_gone"
PROCESS_STOPPED = "process_stopped"
UNREADABLE = "unreadable"
RESOLUTIONS = ("self", "recovered", "target_restart", "gone")
DROP_REASONS = ("lane_busy", "run_active", "draining", "disabled", "other")
"""Why a gateway dropped a heartbeat; the probe's own words."""

ATTENTION = Attribute("livewatch.session.attention", tuple(Attention))
STATE = Attribute("livewatch.session.state", (*SessionState, OTHER))
REASON = Attribute("livewatch.session.reason", tuple(Reason))
RESOLUTION = Attribute("livewatch.session.resolution", RESOLUTIONS)
LANE = Attribute("livewatch.lane.kind", tuple(LaneKind))
ACTION = Attribute("livewatch.recovery.action", tuple(ActionKind))
OUTCOME = Attribute("livewatch.recovery.outcome", tuple(Outcome))
GATE = Attribute("livewatch.recovery.gate", tuple(Gate))
LIVENESS = Attribute("livewatch.liveness.reason", (*VitalsReason, PROCESS_STOPPED, PROCESS_GONE, UNREADABLE))
LOOP_SOURCE = Attribute("livewatch.eventloop.source", ("in_process",))
LOOP_STATE = Attribute("livewatch.eventloop.state", ("active", "idle"))
INITIATOR = Attribute("livewatch.restart.initiator", ("external", "livewatch"))
THRESHOLD = Attribute("livewatch.threshold.name", ("warn", "abort", "eventloop_delay"))
DROPPED = Attribute("livewatch.heartbeat.reason", (*DROP_REASONS, OTHER))
SAMPLER = Attribute("livewatch.sampler.name", ("sessions",))
SIGNAL = Attribute("livewatch.telemetry.signal", ("metrics", "logs"))
ERROR = Attribute("error.type", ("export_failed", "exception", "queue_full"))

LOOP_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
AGE_BUCKETS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 43200.0)
ACTION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

TARGET_UP = MetricSpec(
    "livewatch.target.up",
    Instrument.GAUGE,
    "{target}",
    "1 if the last look reached the gateway's process, 0 if it did not.",
    (TARGET,),
)
EVENTLOOP_DELAY = MetricSpec(
    "livewatch.eventloop.delay",
    Instrument.HISTOGRAM,
    "s",
    "Largest loop delay of the gateway's window at each look; while the loop stands still, how long it has.",
    (TARGET, LOOP_SOURCE),
    LOOP_BUCKETS,
)
EVENTLOOP_TIME = MetricSpec(
    "livewatch.eventloop.time",
    Instrument.COUNTER,
    "s",
    "Time in which the gateway's loop was active or idle; active divided by all is its utilization.",
    (TARGET, LOOP_STATE),
)
LIVENESS_WARNINGS = MetricSpec(
    "livewatch.liveness.warnings",
    Instrument.COUNTER,
    "{warning}",
    "How often the gateway crossed a threshold or left; counted when it begins, not while it lasts.",
    (TARGET, LIVENESS),
)
LIVENESS_DEGRADED_TIME = MetricSpec(
    "livewatch.liveness.degraded_time",
    Instrument.COUNTER,
    "s",
    "Time the gateway spent beyond a threshold, by reason.",
    (TARGET, LIVENESS),
)
TARGET_CPU_TIME = MetricSpec(
    "livewatch.target.cpu.time",
    Instrument.COUNTER,
    "s",
    "CPU time of the gateway, summed from the rate at each look; its own rate is the number of cores in use.",
    (TARGET,),
)
TARGET_MEMORY_USAGE = MetricSpec(
    "livewatch.target.memory.usage",
    Instrument.UP_DOWN_COUNTER,
    "By",
    "Resident memory of the gateway.",
    (TARGET,),
)
TARGET_RESTARTS = MetricSpec(
    "livewatch.target.restarts",
    Instrument.COUNTER,
    "{restart}",
    "How often the gateway came back as another process.",
    (TARGET, INITIATOR),
)
HEARTBEAT_DROPPED = MetricSpec(
    "livewatch.heartbeat.dropped",
    Instrument.COUNTER,
    "{heartbeat}",
    "Heartbeats that the gateway dropped since livewatch began to watch it.",
    (TARGET, DROPPED),
)
SESSION_ACTIVE = MetricSpec(
    "livewatch.session.active",
    Instrument.UP_DOWN_COUNTER,
    "{session}",
    "Sessions now, by what the gateway says and what livewatch says; zeros are sent.",
    (TARGET, STATE, ATTENTION),
)
SESSION_PROGRESS_AGE = MetricSpec(
    "livewatch.session.progress_age",
    Instrument.GAUGE,
    "s",
    "Longest time without progress among sessions that are not idle; seconds in which nothing could run are left out.",
    (TARGET, ATTENTION),
)
SESSION_TRANSITIONS = MetricSpec(
    "livewatch.session.transitions",
    Instrument.COUNTER,
    "{transition}",
    "Changes of a session's label, by the new label.",
    (TARGET, ATTENTION, REASON),
)
SESSION_ATTENTION_DURATION = MetricSpec(
    "livewatch.session.attention.duration",
    Instrument.HISTOGRAM,
    "s",
    "How long a session needed attention, recorded when that ends, by the worst label it had and by what ended it.",
    (TARGET, ATTENTION, RESOLUTION),
    AGE_BUCKETS,
)
QUEUE_SIZE = MetricSpec(
    "livewatch.queue.size",
    Instrument.UP_DOWN_COUNTER,
    "{message}",
    "Turns that wait, by kind of lane; absent where the gateway does not show its queue.",
    (TARGET, LANE),
)
QUEUE_OLDEST_AGE = MetricSpec(
    "livewatch.queue.oldest_age",
    Instrument.GAUGE,
    "s",
    "Age of the oldest waiting turn on the wall, by kind of lane: what the user feels.",
    (TARGET, LANE),
)
RECOVERY_DURATION = MetricSpec(
    "livewatch.recovery.duration",
    Instrument.HISTOGRAM,
    "s",
    "From sending an action to seeing what it did; the count is the number of actions.",
    (TARGET, ACTION, OUTCOME),
    ACTION_BUCKETS,
)
RECOVERY_DECISIONS = MetricSpec(
    "livewatch.recovery.decisions",
    Instrument.COUNTER,
    "{decision}",
    "Actions taken (gate none) and actions held, each hold counted when it begins or its gate changes.",
    (TARGET, ACTION, GATE),
)
RECOVERY_HELD = MetricSpec(
    "livewatch.recovery.held",
    Instrument.COUNTER,
    "{hold}",
    "Actions that a gate held past the bound after which a person is told.",
    (TARGET, GATE),
)
RECOVERY_BACKOFF = MetricSpec(
    "livewatch.recovery.backoff", Instrument.GAUGE, "s", "Longest back-off still to wait.", (TARGET,)
)
RECOVERY_BUDGET_REMAINING = MetricSpec(
    "livewatch.recovery.budget_remaining", Instrument.GAUGE, "{action}", "Actions left in the window.", (TARGET,)
)
THRESHOLD_LIMIT = MetricSpec(
    "livewatch.threshold.limit",
    Instrument.GAUGE,
    "s",
    "The limits in force, so that dashboards and alerts use the real ones.",
    (TARGET, THRESHOLD),
)
SAMPLER_DURATION = MetricSpec(
    "livewatch.sampler.duration",
    Instrument.HISTOGRAM,
    "s",
    "How long livewatch took for one look at the gateway.",
    (SAMPLER,),
    ACTION_BUCKETS,
)
SAMPLER_OVERRUNS = MetricSpec(
    "livewatch.sampler.overruns",
    Instrument.COUNTER,
    "{overrun}",
    "Rounds of livewatch that took longer than their period.",
    (SAMPLER,),
)
SAMPLER_LAST_SUCCESS = MetricSpec(
    "livewatch.sampler.last_success_timestamp",
    Instrument.GAUGE,
    "s",
    "Unix time of the last successful look; absent before the first.",
    (SAMPLER,),
)
SELF_EVENTLOOP_DELAY = MetricSpec(
    "livewatch.self.eventloop.delay",
    Instrument.HISTOGRAM,
    "s",
    "How late the rounds of livewatch began: its own lag, never evidence about the gateway.",
    (),
    LOOP_BUCKETS,
)
TELEMETRY_FAILURES = MetricSpec(
    "livewatch.telemetry.failures",
    Instrument.COUNTER,
    "{failure}",
    "Telemetry that livewatch could not deliver.",
    (SIGNAL, ERROR),
)

CATALOGUE: tuple[MetricSpec, ...] = (
    TARGET_UP,
    EVENTLOOP_DELAY,
    EVENTLOOP_TIME,
    LIVENESS_WARNINGS,
    LIVENESS_DEGRADED_TIME,
    TARGET_CPU_TIME,
    TARGET_MEMORY_USAGE,
    TARGET_RESTARTS,
    HEARTBEAT_DROPPED,
    SESSION_ACTIVE,
    SESSION_PROGRESS_AGE,
    SESSION_TRANSITIONS,
    SESSION_ATTENTION_DURATION,
    QUEUE_SIZE,
    QUEUE_OLDEST_AGE,
    RECOVERY_DURATION,
    RECOVERY_DECISIONS,
    RECOVERY_HELD,
    RECOVERY_BACKOFF,
    RECOVERY_BUDGET_REMAINING,
    THRESHOLD_LIMIT,
    SAMPLER_DURATION,
    SAMPLER_OVERRUNS,
    SAMPLER_LAST_SUCCESS,
    SELF_EVENTLOOP_DELAY,
    TELEMETRY_FAILURES,
)
