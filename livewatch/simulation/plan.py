"""What scenarios say about work: turns, steps and their behaviour. Frozen; durations in seconds."""

from dataclasses import dataclass
from enum import StrEnum

from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, WaitKind

Span = tuple[float, float]
"""Lowest and highest value in seconds; the seed picks one between them."""

ALWAYS = -1
"""Number of failing attempts that never comes to an end."""


class AbortWay(StrEnum):
    """What a run does when it is asked to abort."""

    SETTLES = "settles"
    IGNORED = "ignored"  # the request is noted, the handle stays
    LIES = "lies"  # the gateway says done; nothing is noted and nothing changes


class TimeoutWay(StrEnum):
    """What the gateway does when a run's own timeout is over."""

    ENDS = "ends"
    ZOMBIE = "zombie"  # abort signalled, promise never settles, handle stays
    NOTHING = "nothing"


class Ending(StrEnum):
    """What is left in the gateway's books when a turn is over."""

    CLEAN = "clean"
    KEEPS_LANE = "keeps_lane"  # answer delivered, lane still held
    KEEPS_HANDLE = "keeps_handle"  # idle, yet the handle stays registered
    KEEPS_HANDLE_PROCESSING = "keeps_handle_processing"
    ORPHANS_ACTIVITY = "orphans_activity"  # idle, activity marker without owner
    ORPHANS_ACTIVITY_PROCESSING = "orphans_activity_processing"
    KEEPS_PROCESSING = "keeps_processing"  # nothing runs, the state says processing
    KEEPS_STORE_MARKER = "keeps_store_marker"  # only the store still says running
    LEAVES_STORE = "leaves_store"  # processing in memory, gone from the store
    STRANDS_QUEUE = "strands_queue"  # idle; nothing takes the next message


class DeadlineWay(StrEnum):
    """What the gateway does when the deadline of a question or approval is over."""

    ENDS = "ends"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a turn does, and how it behaves."""

    kind: ActivityKind | None
    name: str = ""
    takes: Span | None = None
    progress_s: float | None = None
    """New content every so many seconds; ``None`` is silence."""
    touches_s: float | None = None
    """Keepalives without new content."""
    works_s: float | None = None
    """Evidence of work from outside (CPU or I/O of children, bytes on a socket)."""
    hangs: bool = False
    """After ``takes`` nothing ever happens again."""
    result_lost: bool = False
    """The work ends, the gateway never learns of it: the same as a hang."""
    declares_s: float | None = None
    own_timeout_s: float | None = None
    """The gateway's own limit for this step; it ends the turn as failed."""
    abort: AbortWay | None = None
    abort_takes_s: float = 0.0
    unseen: bool = False
    """The gateway's books do not show this step at all."""
    counted: bool = True
    """False: the books do not move while the work does."""
    looks_terminal: bool = False
    blocks_loop: bool = False
    attempts: int | None = None
    """Failing attempts before it succeeds; `ALWAYS` for ever."""
    attempt: Span = (5.0, 5.0)
    backoff: Span = (0.0, 0.0)
    hidden_backoff: bool = False
    repeats_s: float | None = None
    """The same step with the same outcome every so many seconds."""
    times: int | None = None
    ask: WaitKind | None = None
    delivered: bool | None = True
    answered_after: Span | None = None
    deadline_s: float | None = None
    on_deadline: DeadlineWay = DeadlineWay.ENDS
    answerable: bool = True
    undeclared: bool = False
    """The wait exists, and the gateway's books do not say so."""
    awaits: str | None = None
    spawns: "Turn | None" = None
    wake: bool = True
    """False: the child's end never reaches the parent."""
    child_known: bool = True
    wait: WaitKind | None = None
    lane: str | None = None
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One agent turn: steps one after the other, then an ending."""

    steps: tuple[Step, ...]
    timeout_s: float | None = None
    on_timeout: TimeoutWay = TimeoutWay.ENDS
    ends: Ending = Ending.CLEAN
    abort: AbortWay = AbortWay.SETTLES


@dataclass(frozen=True, slots=True)
class HeartbeatPlan:
    """Periodic turns that share a session and are dropped while it is busy."""

    every_s: float
    turn: Turn
    first_s: float | None = None


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A session of the cast."""

    key: str
    lane: str | None = None
    lane_kind: LaneKind = LaneKind.SESSION
    turn: Turn | None = None
    heartbeat: HeartbeatPlan | None = None
    hides: frozenset[str] = frozenset()
    repair_within_s: float | None = None
    repair_by_person: bool = False
    repair_never: bool = False


@dataclass(frozen=True, slots=True)
class LanePlan:
    """A lane that several sessions share."""

    name: str
    kind: LaneKind = LaneKind.OTHER
    slots: int = 1


DEFAULT_TURN = Turn((Step(ActivityKind.MODEL_CALL, "model", takes=(20.0, 20.0), progress_s=2.0),))
