"""The closed vocabularies: every value here may become a metric attribute.

Words that OpenClaw also uses keep OpenClaw's spelling, so that operators of both read one language.
"""

from enum import StrEnum


class SessionState(StrEnum):
    """What the gateway says the session is."""

    IDLE = "idle"
    PROCESSING = "processing"
    WAITING = "waiting"


class ActivityKind(StrEnum):
    """What a session is doing."""

    EMBEDDED_RUN = "embedded_run"
    MODEL_CALL = "model_call"
    TOOL_CALL = "tool_call"
    COMPACTION = "compaction"
    PREPARATION = "preparation"
    DELIVERY = "delivery"
    MAINTENANCE = "maintenance"


class WaitKind(StrEnum):
    """What a session is waiting for; each kind has its own clock and bound."""

    APPROVAL = "approval"
    QUESTION = "question"
    LANE_ADMISSION = "lane_admission"
    PROVIDER_BACKOFF = "provider_backoff"
    SUBAGENT = "subagent"
    SETUP = "setup"
    DRAIN = "drain"
    RUNTIME_OWNED = "runtime_owned"


class LaneKind(StrEnum):
    """The kind of queue; lane *names* are unbounded and never leave the host as attributes."""

    MAIN = "main"
    SUBAGENT = "subagent"
    CRON = "cron"
    NESTED = "nested"
    SESSION = "session"
    OTHER = "other"


class Presence(StrEnum):
    """A fact that may not have been observed. Unknown neither permits nor exempts."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool | None) -> "Presence":  # noqa: FBT001 -- converts exactly one tri-state
        """Return the presence for a tri-state ``bool``; ``None`` is unknown."""
        if value is None:
            return cls.UNKNOWN
        return cls.PRESENT if value else cls.ABSENT


class AwaitedState(StrEnum):
    """The state of the run that a ``subagent`` wait is for."""

    ALIVE = "alive"
    TERMINAL = "terminal"
    MISSING = "missing"  # the runtime does not know such a run
    UNKNOWN = "unknown"  # nobody looked


class TerminalMark(StrEnum):
    """What the last progress of a run looked like."""

    NONE = "none"
    ITEM_END = "item_end"  # one item of the turn ended; only *looks* terminal
    TURN_END = "turn_end"  # the run completed and its answer was delivered


class Attention(StrEnum):
    """The classifier's label."""

    NONE = "none"
    LONG_RUNNING = "long_running"
    STALLED = "stalled"
    STUCK = "stuck"


SICK = frozenset({Attention.STALLED, Attention.STUCK})
"""What recovery looks at; slow is not sick."""


class Classification(StrEnum):
    """The family of a verdict, in OpenClaw's words where it has one."""

    NONE = "none"
    LONG_RUNNING = "long_running"
    BLOCKED_TOOL_CALL = "blocked_tool_call"
    STALLED_AGENT_RUN = "stalled_agent_run"
    STALE_SESSION_STATE = "stale_session_state"
    ZOMBIE_RUN = "zombie_run"
    STORE_MISMATCH = "store_mismatch"
    UNENDED_WAIT = "unended_wait"


class Reason(StrEnum):
    """Why a session got its label."""

    IDLE = "idle"
    ACTIVE = "active"
    PROVIDER_RETRY_WAIT = "provider_retry_wait"
    AWAITING_INPUT = "awaiting_input"
    RUNTIME_OWNED_WAIT = "runtime_owned_wait"
    LANE_ADMISSION_WAIT = "lane_admission_wait"
    UNANSWERED_WAIT = "unanswered_wait"
    AWAITED_WORK_IS_TERMINAL = "awaited_work_is_terminal"
    AWAITED_WORK_UNKNOWN = "awaited_work_unknown"
    ZOMBIE_RUN = "zombie_run"
    GHOST_SESSION = "ghost_session"
    STRANDED_RUN = "stranded_run"
    REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS = "repeated_model_requests_without_progress"
    QUEUED_WORK_WITHOUT_ACTIVE_RUN = "queued_work_without_active_run"
    BLOCKED_TOOL_CALL = "blocked_tool_call"
    POST_TERMINAL_HOLD = "post_terminal_hold"
    QUEUED_BEHIND_TERMINAL_ACTIVE_WORK = "queued_behind_terminal_active_work"
    ACTIVE_MODEL_CALL_WITHOUT_PROGRESS = "active_model_call_without_progress"
    ACTIVE_WORK_WITHOUT_PROGRESS = "active_work_without_progress"
    ACTIVE_WORK = "active_work"
    PROGRESS_UNKNOWN = "progress_unknown"
    QUEUED_BEHIND_ACTIVE_WORK = "queued_behind_active_work"
    QUEUED_BEHIND_DRAIN = "queued_behind_drain"
    UNTRACKED_ACTIVE_PROGRESS = "untracked_active_progress"
    QUEUED_BEHIND_UNTRACKED_ACTIVE_PROGRESS = "queued_behind_untracked_active_progress"
    STALE_SESSION_STATE = "stale_session_state"
    TARGET_UNRESPONSIVE = "target_unresponsive"  # the gateway as a whole, not one of its sessions
    TARGET_GONE = "target_gone"


class EvidenceClass(StrEnum):
    """How strong the evidence of a verdict is; the classes are never mixed."""

    NONE = "none"  # nothing is claimed to be wrong
    CERTAIN = "certain"  # a fact: owner gone, abort asked and grace over, not in the store
    SILENCE = "silence"  # a bet at some quantile: waits for its threshold


class Remedy(StrEnum):
    """What would mend the verdict. The first six are also the names of actions."""

    RELEASE_LANE = "release_lane"
    ABORT_RUN = "abort_run"
    FORCE_CLEAR = "force_clear"
    EVICT_SESSION = "evict_session"
    CORRECT_STORE = "correct_store"
    WAKE = "wake"
    TELL_PERSON = "tell_person"
    NONE = "none"


class Phase(StrEnum):
    """Where the gateway is in its life."""

    STARTING = "starting"  # no session was served yet
    READY = "ready"
    DRAINING = "draining"


class ProcessState(StrEnum):
    """The operating system's view of the gateway's process or loop thread."""

    RUNNING = "running"
    SLEEPING = "sleeping"
    STOPPED = "stopped"
    GONE = "gone"
    UNKNOWN = "unknown"


class VitalsState(StrEnum):
    """The label of the gateway as a whole."""

    STARTING = "starting"
    RESPONSIVE = "responsive"
    DEGRADED = "degraded"
    SATURATED = "saturated"
    UNRESPONSIVE = "unresponsive"  # loop heartbeat stopped, process alive
    FROZEN = "frozen"  # process stopped or not scheduled
    SUSPENDED = "suspended"  # the host slept
    DRAINING = "draining"
    GONE = "gone"


class VitalsReason(StrEnum):
    """Why the gateway got its label; also the reasons of liveness warnings."""

    EVENT_LOOP_DELAY = "event_loop_delay"
    EVENT_LOOP_UTILIZATION = "event_loop_utilization"
    CPU = "cpu"
    MEMORY_PRESSURE = "memory_pressure"
    IO_PRESSURE = "io_pressure"
    SWAP = "swap"
    ROUND_TRIP = "round_trip"  # its loop turns, and yet a request from outside is not answered
    STARTUP = "startup"  # not ready long after it began
    DRAIN = "drain"  # it drains for longer than a drain may take, and neither ends nor serves


class StallCause(StrEnum):
    """What stopped the loop, where it is known."""

    OWN_CODE = "own_code"
    GARBAGE_COLLECTION = "garbage_collection"
    GIL = "gil"
    HOST = "host"
    STOPPED = "stopped"
    SUSPEND = "suspend"
    UNKNOWN = "unknown"


class ActionKind(StrEnum):
    """What the recovery actor may ask a gateway to do."""

    RELEASE_LANE = "release_lane"
    ABORT_RUN = "abort_run"
    FORCE_CLEAR = "force_clear"
    EVICT_SESSION = "evict_session"
    CORRECT_STORE = "correct_store"
    WAKE = "wake"
    DRAIN = "drain"  # stop admission and let what is alive end
    RESTART_TARGET = "restart_target"


class Outcome(StrEnum):
    """What an action did, as seen by looking again."""

    RECOVERED = "recovered"
    INEFFECTIVE = "ineffective"
    SUPERSEDED = "superseded"  # it came back to life first
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class Gate(StrEnum):
    """A condition that must hold before an action; one that does not hold is reported by this name."""

    NONE = "none"
    MODE = "mode"
    CAPABILITY = "capability"
    GENERATION = "generation"
    CONFIRMED = "confirmed"
    RESPONSIVE = "responsive"
    STARTUP_GRACE = "startup_grace"
    RESUME_GRACE = "resume_grace"
    OWNER_ABSENT = "owner_absent"
    HANDLE_IDENTITY = "handle_identity"
    HOLDER_FREE = "holder_free"
    ABORT_GRACE = "abort_grace"
    BACKOFF = "backoff"
    BUDGET = "budget"
    BLAST_RADIUS = "blast_radius"
    SINGLE_ACTOR = "single_actor"
    QUARANTINE = "quarantine"
    DRY_RUN = "dry_run"
    RESTART_COOLDOWN = "restart_cooldown"
    DISCARD = "discard"
    OPERATOR_HOLD = "operator_hold"


class Disagreement(StrEnum):
    """About what the policy in force and its shadow disagree."""

    LABEL = "label"  # one of them calls a session stalled or stuck, the other says something else
    STATE = "state"  # the gateway's own label
    SHADOW_ACTS = "shadow_acts"  # the shadow would act, and the policy in force has not
    SHADOW_WAITS = "shadow_waits"  # the policy in force acts, and the shadow would not have by now


class Mode(StrEnum):
    """How far recovery may go; each mode includes the ones before it."""

    OBSERVE = "observe"
    RELEASE = "release"
    ABORT = "abort"
    RESTART = "restart"
