"""The metric catalogue: all metrics that livewatch exports, and nothing that it does not."""

from livewatch_exporters import attributes as a
from livewatch_exporters.metric_spec import TARGET, Instrument, MetricSpec

TARGET_UP = MetricSpec(
    "livewatch.target.up",
    Instrument.GAUGE,
    "{target}",
    "1 if the last look reached the gateway's process, 0 if it did not.",
    (TARGET,),
)
TARGET_STATE = MetricSpec(
    "livewatch.target.state",
    Instrument.UP_DOWN_COUNTER,
    "{target}",
    "1 for the label that the gateway as a whole has now, 0 for all others.",
    (TARGET, a.TARGET_STATE),
)
PROBE_DURATION = MetricSpec(
    "livewatch.probe.duration",
    Instrument.HISTOGRAM,
    "s",
    "How long one question to the gateway took until its answer or its failure: rpc is an action, sessions a look.",
    (TARGET, a.PROBE, a.PROBE_ERROR),
    a.PROBE_BUCKETS,
    a.PROBE_ERRORS,
)
EVENTLOOP_DELAY = MetricSpec(
    "livewatch.eventloop.delay",
    Instrument.HISTOGRAM,
    "s",
    "Largest loop delay of the gateway's window at each look; while the loop stands still, how long it has.",
    (TARGET, a.LOOP_SOURCE),
    a.LOOP_BUCKETS,
)
EVENTLOOP_TIME = MetricSpec(
    "livewatch.eventloop.time",
    Instrument.COUNTER,
    "s",
    "Time in which the gateway's loop was active or idle; active divided by all is its utilization.",
    (TARGET, a.LOOP_STATE),
)
EVENTLOOP_STALLS = MetricSpec(
    "livewatch.eventloop.stalls",
    Instrument.COUNTER,
    "{stall}",
    "Times in which the gateway's loop stood still, counted when they end, by what stopped it.",
    (TARGET, a.CAUSE),
)
EVENTLOOP_STALL_TIME = MetricSpec(
    "livewatch.eventloop.stall_time",
    Instrument.COUNTER,
    "s",
    "Time in which the gateway's loop stood still, by what is known to have stopped it so far.",
    (TARGET, a.CAUSE),
)
LIVENESS_WARNINGS = MetricSpec(
    "livewatch.liveness.warnings",
    Instrument.COUNTER,
    "{warning}",
    "How often the gateway crossed a threshold or left; counted when it begins, not while it lasts.",
    (TARGET, a.LIVENESS),
)
LIVENESS_DEGRADED_TIME = MetricSpec(
    "livewatch.liveness.degraded_time",
    Instrument.COUNTER,
    "s",
    "Time the gateway spent beyond a threshold, by reason.",
    (TARGET, a.LIVENESS),
)
TARGET_CPU_TIME = MetricSpec(
    "livewatch.target.cpu.time",
    Instrument.COUNTER,
    "s",
    "CPU time of the gateway while it was watched; its rate is the number of cores in use. _OTHER where the modes "
    "cannot be told apart.",
    (TARGET, a.CPU_MODE),
)
TARGET_MEMORY_USAGE = MetricSpec(
    "livewatch.target.memory.usage",
    Instrument.UP_DOWN_COUNTER,
    "By",
    "Resident memory of the gateway.",
    (TARGET,),
)
TARGET_FILE_DESCRIPTOR_USAGE = MetricSpec(
    "livewatch.target.file_descriptor.usage",
    Instrument.UP_DOWN_COUNTER,
    "{file_descriptor}",
    "Open file descriptors of the gateway; absent where livewatch may not see them.",
    (TARGET,),
)
TARGET_UPTIME = MetricSpec(
    "livewatch.target.uptime", Instrument.GAUGE, "s", "Age of the gateway's process on the wall clock.", (TARGET,)
)
HOST_STALL_TIME = MetricSpec(
    "livewatch.host.stall_time",
    Instrument.COUNTER,
    "s",
    "Time in which every task around the gateway waited for memory or for I/O (pressure stall information).",
    (TARGET, a.RESOURCE),
)
TARGET_RESTARTS = MetricSpec(
    "livewatch.target.restarts",
    Instrument.COUNTER,
    "{restart}",
    "How often the gateway came back as another process.",
    (TARGET, a.INITIATOR),
)
HEARTBEAT_DROPPED = MetricSpec(
    "livewatch.heartbeat.dropped",
    Instrument.COUNTER,
    "{heartbeat}",
    "Heartbeats that the gateway dropped since livewatch began to watch it.",
    (TARGET, a.DROPPED),
)
SESSION_ACTIVE = MetricSpec(
    "livewatch.session.active",
    Instrument.UP_DOWN_COUNTER,
    "{session}",
    "Sessions now, by what the gateway says and what livewatch says; zeros are sent.",
    (TARGET, a.STATE, a.ATTENTION),
)
SESSION_PROGRESS_AGE = MetricSpec(
    "livewatch.session.progress_age",
    Instrument.GAUGE,
    "s",
    "Longest time without progress among sessions that are not idle; seconds in which nothing could run are left out.",
    (TARGET, a.ATTENTION),
)
SESSION_TRANSITIONS = MetricSpec(
    "livewatch.session.transitions",
    Instrument.COUNTER,
    "{transition}",
    "Changes of a session's label, by the new label.",
    (TARGET, a.ATTENTION, a.REASON),
    pairs=a.REASONS,
)
SESSION_ATTENTION_DURATION = MetricSpec(
    "livewatch.session.attention.duration",
    Instrument.HISTOGRAM,
    "s",
    "How long a session needed attention, recorded when that ends, by the worst label it had and by what ended it.",
    (TARGET, a.SICK, a.RESOLUTION),
    a.AGE_BUCKETS,
)
SESSION_CONTENTION = MetricSpec(
    "livewatch.session.contention",
    Instrument.COUNTER,
    "{wait}",
    "Turns that met a session file which another turn held, by the kinds of lane of both.",
    (TARGET, a.WAITER, a.HOLDER),
)
DRAINS = MetricSpec(
    "livewatch.drain.runs",
    Instrument.COUNTER,
    "{run}",
    "Runs that were under way when the gateway began to drain, by how each ended.",
    (TARGET, a.DRAIN),
)
QUEUE_SIZE = MetricSpec(
    "livewatch.queue.size",
    Instrument.UP_DOWN_COUNTER,
    "{message}",
    "Turns that wait, by kind of lane; absent where the gateway does not show its queue.",
    (TARGET, a.LANE),
)
QUEUE_OLDEST_AGE = MetricSpec(
    "livewatch.queue.oldest_age",
    Instrument.GAUGE,
    "s",
    "Age of the oldest waiting turn on the wall, by kind of lane: what the user feels.",
    (TARGET, a.LANE),
)
RECOVERY_DURATION = MetricSpec(
    "livewatch.recovery.duration",
    Instrument.HISTOGRAM,
    "s",
    "From sending an action to seeing what it did; the count is the number of actions.",
    (TARGET, a.ACTION, a.OUTCOME),
    a.ACTION_BUCKETS,
)
RECOVERY_COMPLETED = MetricSpec(
    "livewatch.recovery.completed",
    Instrument.COUNTER,
    "{action}",
    "Executed actions by what was seen after them; begins at zero for what livewatch does by itself, so that also the "
    "first of its kind is an increase.",
    (TARGET, a.ACTION, a.OUTCOME),
)
RECOVERY_DECISIONS = MetricSpec(
    "livewatch.recovery.decisions",
    Instrument.COUNTER,
    "{decision}",
    "Actions taken (gate none) and actions held, each hold counted when it begins or its gate changes; of an action "
    "that gateway or mode rule out, only these two gates begin at zero.",
    (TARGET, a.ACTION, a.GATE),
    pairs=a.GATES,
)
RECOVERY_HELD = MetricSpec(
    "livewatch.recovery.held",
    Instrument.COUNTER,
    "{hold}",
    "Actions that a gate held past the bound after which a person is told.",
    (TARGET, a.BLOCKING_GATE),
)
RECOVERY_LEASE = MetricSpec(
    "livewatch.recovery.lease",
    Instrument.UP_DOWN_COUNTER,
    "{lease}",
    "1 while this livewatch may act on the gateway, 0 while another one holds the lease.",
    (TARGET,),
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
    (TARGET, a.THRESHOLD),
)
GATEWAY_VERDICTS = MetricSpec(
    "livewatch.gateway.verdicts",
    Instrument.COUNTER,
    "{verdict}",
    "Verdicts of the gateway's own detector, by whether a session had the same label here at that moment.",
    (TARGET, a.SICK, a.AGREEMENT),
)
SHADOW_DISAGREEMENTS = MetricSpec(
    "livewatch.shadow.disagreements",
    Instrument.COUNTER,
    "{disagreement}",
    "Disagreements of the shadow policy with the one in force, counted when they begin; it never acts.",
    (TARGET, a.DISAGREEMENT),
)
SAMPLER_DURATION = MetricSpec(
    "livewatch.sampler.duration",
    Instrument.HISTOGRAM,
    "s",
    "How long livewatch took for one pass of a sampler; the gateway's slowness is in the probes.",
    (a.SAMPLER,),
    a.PASS_BUCKETS,
)
SAMPLER_OVERRUNS = MetricSpec(
    "livewatch.sampler.overruns",
    Instrument.COUNTER,
    "{overrun}",
    "Rounds of livewatch that took longer than their period.",
    (a.ROUND,),
)
SAMPLER_LAST_SUCCESS = MetricSpec(
    "livewatch.sampler.last_success_timestamp",
    Instrument.GAUGE,
    "s",
    "Unix time of the last pass that succeeded; absent before the first.",
    (a.SAMPLER,),
)
SELF_EVENTLOOP_DELAY = MetricSpec(
    "livewatch.self.eventloop.delay",
    Instrument.HISTOGRAM,
    "s",
    "How late the rounds of livewatch began: its own lag, never evidence about the gateway.",
    (),
    a.LOOP_BUCKETS,
)
SELF_HEALTH_PENALTY = MetricSpec(
    "livewatch.self.health_penalty",
    Instrument.GAUGE,
    "{point}",
    "How unwell livewatch feels itself; each point stretches its patience with the gateway. 0 is well.",
    (),
)
SELF_CPU_TIME = MetricSpec(
    "livewatch.self.cpu.time",
    Instrument.COUNTER,
    "s",
    "CPU time of livewatch itself since it began; its rate is the number of cores in use.",
    (a.CPU_MODE,),
)
SELF_MEMORY_USAGE = MetricSpec(
    "livewatch.self.memory.usage", Instrument.UP_DOWN_COUNTER, "By", "Resident memory of livewatch itself.", ()
)
CONFIG_RELOADS = MetricSpec(
    "livewatch.config.reloads",
    Instrument.COUNTER,
    "{reload}",
    "Reloads of the configuration; a rejected one leaves the settings as they were.",
    (a.RELOAD,),
)
TELEMETRY_FAILURES = MetricSpec(
    "livewatch.telemetry.failures",
    Instrument.COUNTER,
    "{failure}",
    "Telemetry that livewatch could not deliver.",
    (a.SIGNAL, a.ERROR),
    pairs=a.FAILURES,
)

CATALOGUE: tuple[MetricSpec, ...] = (
    TARGET_UP,
    TARGET_STATE,
    PROBE_DURATION,
    EVENTLOOP_DELAY,
    EVENTLOOP_TIME,
    EVENTLOOP_STALLS,
    EVENTLOOP_STALL_TIME,
    LIVENESS_WARNINGS,
    LIVENESS_DEGRADED_TIME,
    TARGET_CPU_TIME,
    TARGET_MEMORY_USAGE,
    TARGET_FILE_DESCRIPTOR_USAGE,
    TARGET_UPTIME,
    HOST_STALL_TIME,
    TARGET_RESTARTS,
    HEARTBEAT_DROPPED,
    SESSION_ACTIVE,
    SESSION_PROGRESS_AGE,
    SESSION_TRANSITIONS,
    SESSION_ATTENTION_DURATION,
    SESSION_CONTENTION,
    DRAINS,
    QUEUE_SIZE,
    QUEUE_OLDEST_AGE,
    RECOVERY_DURATION,
    RECOVERY_COMPLETED,
    RECOVERY_DECISIONS,
    RECOVERY_HELD,
    RECOVERY_LEASE,
    RECOVERY_BACKOFF,
    RECOVERY_BUDGET_REMAINING,
    THRESHOLD_LIMIT,
    GATEWAY_VERDICTS,
    SHADOW_DISAGREEMENTS,
    SAMPLER_DURATION,
    SAMPLER_OVERRUNS,
    SAMPLER_LAST_SUCCESS,
    SELF_EVENTLOOP_DELAY,
    SELF_HEALTH_PENALTY,
    SELF_CPU_TIME,
    SELF_MEMORY_USAGE,
    CONFIG_RELOADS,
    TELEMETRY_FAILURES,
)
