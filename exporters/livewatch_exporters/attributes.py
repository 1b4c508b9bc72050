"""The attributes of metrics and their closed sets of values, and the buckets that metrics share."""

from collections.abc import Mapping

from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    Disagreement,
    Gate,
    LaneKind,
    Outcome,
    Reason,
    SessionState,
    StallCause,
    VitalsReason,
    VitalsState,
)
from livewatch_exporters.metric_spec import OTHER, Attribute

PROCESS_GONE = "process_gone"
PROCESS_STOPPED = "process_stopped"
UNREADABLE = "unreadable"
RESOLUTIONS = ("self", "recovered", "target_restart", "gone")
DROP_REASONS = ("lane_busy", "run_active", "draining", "disabled", "other")
"""Why a gateway dropped a heartbeat; the probe's own words."""
SIGNALS = ("metrics", "traces", "logs")
RELOADS = ("applied", "rejected")

ATTENTION = Attribute("livewatch.session.attention", tuple(Attention))
SICK = Attribute("livewatch.session.attention", tuple(a for a in Attention if a is not Attention.NONE))
STATE = Attribute("livewatch.session.state", (*SessionState, OTHER))
REASON = Attribute("livewatch.session.reason", (*Reason, OTHER))
RESOLUTION = Attribute("livewatch.session.resolution", RESOLUTIONS)
LANE = Attribute("livewatch.lane.kind", tuple(LaneKind))
HOLDER = Attribute("livewatch.contention.holder", tuple(LaneKind))
WAITER = Attribute("livewatch.contention.waiter", tuple(LaneKind))
DRAIN = Attribute("livewatch.drain.outcome", ("finished", "cleared", "abandoned"))
ACTION = Attribute("livewatch.recovery.action", tuple(ActionKind))
OUTCOME = Attribute("livewatch.recovery.outcome", tuple(Outcome))
GATE = Attribute("livewatch.recovery.gate", tuple(Gate))
BLOCKING_GATE = Attribute("livewatch.recovery.gate", tuple(gate for gate in Gate if gate is not Gate.NONE))
TARGET_STATE = Attribute("livewatch.target.state", tuple(VitalsState))
LIVENESS = Attribute("livewatch.liveness.reason", (*VitalsReason, PROCESS_STOPPED, PROCESS_GONE, UNREADABLE, OTHER))
LOOP_SOURCE = Attribute("livewatch.eventloop.source", ("reported", "in_process", "probe"))
LOOP_STATE = Attribute("livewatch.eventloop.state", ("active", "idle"))
CAUSE = Attribute("livewatch.eventloop.cause", tuple(StallCause))
RESOURCE = Attribute("livewatch.host.resource", ("memory", "io"))
CPU_MODE = Attribute("cpu.mode", ("user", "system", OTHER))
INITIATOR = Attribute("livewatch.restart.initiator", ("external", "livewatch"))
THRESHOLD = Attribute("livewatch.threshold.name", ("warn", "abort", "eventloop_delay"))
DROPPED = Attribute("livewatch.heartbeat.reason", (*DROP_REASONS, OTHER))
PROBE = Attribute("livewatch.probe.name", ("health", "readiness", "rpc", "sessions", "process", "log"))
PROBE_ERROR = Attribute("error.type", ("timeout", "refused", "auth", OTHER), optional=True)
SAMPLER = Attribute("livewatch.sampler.name", ("sessions", "eventloop", "process", "logs"))
ROUND = Attribute("livewatch.sampler.name", ("sessions",))
"""The sampler that has a period to overrun: the tick."""
SIGNAL = Attribute("livewatch.telemetry.signal", SIGNALS)
ERROR = Attribute("error.type", ("export_failed", "exception", "queue_full"))
AGREEMENT = Attribute("livewatch.gateway.agreement", ("same", "other"))
DISAGREEMENT = Attribute("livewatch.shadow.disagreement", tuple(Disagreement))
RELOAD = Attribute("livewatch.config.outcome", RELOADS)

_ANY_PROBE = ("", "timeout", "refused", "auth", OTHER)
PROBE_ERRORS: Mapping[str, tuple[str, ...]] = {
    "health": ("", "timeout", "refused", OTHER),
    "readiness": ("", "timeout", "refused", OTHER),
    "rpc": _ANY_PROBE,
    "sessions": _ANY_PROBE,
    "process": ("", OTHER),
    "log": ("", OTHER),
}
"""How each probe can fail: nobody is refused by a process table."""

FAILURES: Mapping[str, tuple[str, ...]] = {
    "metrics": ("export_failed", "exception"),
    "traces": ("export_failed", "exception"),
    "logs": ("export_failed", "exception", "queue_full"),
}
"""How each signal can fail: only log lines wait in a queue of livewatch's own."""

REASONS: Mapping[str, tuple[str, ...]] = {
    Attention.NONE: (Reason.IDLE, Reason.ACTIVE),
    Attention.LONG_RUNNING: (
        Reason.PROVIDER_RETRY_WAIT,
        Reason.AWAITING_INPUT,
        Reason.RUNTIME_OWNED_WAIT,
        Reason.LANE_ADMISSION_WAIT,
        Reason.ACTIVE_MODEL_CALL_WITHOUT_PROGRESS,
        Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
        Reason.ACTIVE_WORK,
        Reason.PROGRESS_UNKNOWN,
        Reason.QUEUED_BEHIND_ACTIVE_WORK,
        Reason.QUEUED_BEHIND_DRAIN,
        Reason.UNTRACKED_ACTIVE_PROGRESS,
        Reason.QUEUED_BEHIND_UNTRACKED_ACTIVE_PROGRESS,
    ),
    Attention.STALLED: (
        Reason.UNANSWERED_WAIT,
        Reason.AWAITED_WORK_IS_TERMINAL,
        Reason.AWAITED_WORK_UNKNOWN,
        Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS,
        Reason.BLOCKED_TOOL_CALL,
        Reason.QUEUED_BEHIND_TERMINAL_ACTIVE_WORK,
        Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
        Reason.PROGRESS_UNKNOWN,
    ),
    Attention.STUCK: (
        Reason.ZOMBIE_RUN,
        Reason.GHOST_SESSION,
        Reason.STRANDED_RUN,
        Reason.QUEUED_WORK_WITHOUT_ACTIVE_RUN,
        Reason.POST_TERMINAL_HOLD,
        Reason.STALE_SESSION_STATE,
    ),
}
"""Which reasons go with which label; the classifier has no others."""

_ABOUT_A_RESTART = (Gate.RESTART_COOLDOWN,)
_ABOUT_A_NEW_RUN = (Gate.OWNER_ABSENT, Gate.HOLDER_FREE)
_ABOUT_A_HANDLE = (Gate.HANDLE_IDENTITY,)
_ABOUT_AN_END = (Gate.BLAST_RADIUS,)
NEVER_HELD_BY: Mapping[str, tuple[Gate, ...]] = {
    ActionKind.RELEASE_LANE: (*_ABOUT_A_HANDLE, *_ABOUT_AN_END, *_ABOUT_A_RESTART),
    ActionKind.ABORT_RUN: (*_ABOUT_A_NEW_RUN, *_ABOUT_A_HANDLE, *_ABOUT_A_RESTART),
    ActionKind.FORCE_CLEAR: (*_ABOUT_A_NEW_RUN, *_ABOUT_A_RESTART),
    ActionKind.EVICT_SESSION: (*_ABOUT_A_HANDLE, *_ABOUT_AN_END, *_ABOUT_A_RESTART),
    ActionKind.CORRECT_STORE: (*_ABOUT_A_NEW_RUN, *_ABOUT_A_HANDLE, *_ABOUT_AN_END, *_ABOUT_A_RESTART),
    ActionKind.WAKE: (*_ABOUT_A_NEW_RUN, *_ABOUT_A_HANDLE, *_ABOUT_AN_END, *_ABOUT_A_RESTART),
    ActionKind.RESTART_TARGET: (*_ABOUT_A_NEW_RUN, *_ABOUT_A_HANDLE),
}
"""Gates that do not look at an action of this kind, as `livewatch.recovery.gates` has them; a test compares."""
GATES: Mapping[str, tuple[str, ...]] = {
    action: tuple(gate for gate in Gate if gate not in never) for action, never in NEVER_HELD_BY.items()
}
"""Which gates can hold which action; a drain is only asked for by a person, and is no decision."""

LOOP_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
AGE_BUCKETS = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0, 43200.0)
PASS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PROBE_BUCKETS = (0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0)
"""Coarser than a pass: a probe has many ways to fail, and every one of them has all buckets."""
ACTION_BUCKETS = (1.0, 2.5, 5.0, 15.0)
"""An outcome is seen by looking again, so none comes sooner than the next look; most are verified within 15 s."""
