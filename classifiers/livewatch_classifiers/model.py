"""What a source hands to the classifiers: frozen facts, never ages, never clocks.

Every ``*_s`` field that names a moment is in seconds on the observer's ``CLOCK_MONOTONIC``; ages are computed by
`Vitals.age`, which subtracts the time in which the gateway could not have made or reported progress. ``None`` (or
`Presence.UNKNOWN`) means "not observed" and is never read as "absent".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    Attention,
    AwaitedState,
    LaneKind,
    Phase,
    Presence,
    ProcessState,
    SessionState,
    StallCause,
    TerminalMark,
    WaitKind,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One agent turn that holds a lane slot: an identity, not a flag."""

    id: str
    started_s: float | None = None
    timeout_s: float | None = None
    """How long the run may take, declared at its start; ``None`` when it has no timeout or none is known."""
    handle: str | None = None
    """Identity of the registered handle; a repair that names another handle must be refused."""
    abort_requested_s: float | None = None
    traceparent: str | None = None
    """W3C trace context of the run itself, where the gateway shows it; a repair's trace links to it."""

    @property
    def asked_to_end_s(self) -> float | None:
        """When *this* run was asked to end; a request older than its start was asked of another run.

        Gateways serve a follow-up under the same handle: taken for the zombie of the turn before, two turns of 6 s were
        force-cleared on certain evidence (hermes-agent, measured).
        """
        asked_s, started_s = self.abort_requested_s, self.started_s
        return None if asked_s is not None and started_s is not None and asked_s < started_s else asked_s


@dataclass(frozen=True, slots=True)
class Activity:
    """What the session is doing now, stamped with the run it belongs to."""

    kind: ActivityKind | None
    owner: Presence = Presence.UNKNOWN
    run_id: str | None = None
    since_s: float | None = None
    name: str = ""
    """Tool or model name; empty when unknown. Local use only, never a metric attribute."""
    allowance_s: float | None = None
    """Finite time declared by whoever knows (a tool's own timeout, a provider's); wins over every threshold."""
    working_s: float | None = None
    """Last moment at which outside evidence (CPU or I/O of the tool's children, bytes on a socket) showed work."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A declared wait. It is legal only while somebody can still end it."""

    kind: WaitKind
    since_s: float | None = None
    deadline_s: float | None = None
    """Moment after which the wait is over its bound; ``None`` when nobody set one."""
    delivered: Presence = Presence.UNKNOWN
    """Whether the question or approval request reached a person (OpenClaw 154733 against undelivered questions)."""
    awaited: AwaitedState = AwaitedState.UNKNOWN
    answer_impossible: bool = False
    """The source knows that nobody can answer any more (undeliverable)."""
    attempts_without_yield: int = 0
    """Provider retries so far that produced nothing."""
    lane: str | None = None
    """Name of the lane whose slot it waits for, where the source knows it."""
    session: str | None = None
    """Key of the session whose run must end first, where the source knows it."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session as last observed. An unchanged session is the same object in the next snapshot."""

    key: str
    id: str | None = None
    generation: int | None = None
    state: SessionState | None = None
    state_since_s: float | None = None
    """When the current state began; for a processing session this is the start of the turn."""
    lane_kind: LaneKind = LaneKind.SESSION
    queued: int | None = None
    """Messages waiting in this session's lane; ``None`` where it cannot be seen."""
    oldest_queued_s: float | None = None
    owner: Presence = Presence.UNKNOWN
    """Whether a live run handle is registered for this session."""
    run: Run | None = None
    activity: Activity | None = None
    activity_known: bool = True
    """False when the source cannot tell whether there is an activity (then ``activity`` is ``None``)."""
    progress_s: float | None = None
    """Last *new content of this run*; never stream touches, timers, queue arrivals or a sibling's work. ``None`` is
    "none yet" where ``progress_known``, and else "cannot be seen"."""
    terminal: TerminalMark = TerminalMark.NONE
    repeats: int = 0
    """How often the same step was seen again with the same outcome class, with nothing new between."""
    repeating_since_s: float | None = None
    """When that began; declared back-offs in between move it on by their length, for waiting is not repeating."""
    wait: Wait | None = None
    in_store: Presence = Presence.UNKNOWN
    store_says_running: Presence = Presence.UNKNOWN
    holder: Presence = Presence.UNKNOWN
    """Whether a prompt holder is registered for this session's file."""
    progress_known: bool = True
    """False when nobody can see whether this run makes progress: the source has no such fact, or the gateway never
    reported any for this session. A run that was never heard has not fallen silent (OpenClaw 34052)."""
    wait_known: bool = True
    """False when the source cannot tell whether the session waits for somebody (then ``wait`` is ``None``)."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A serialized queue shared by sessions."""

    name: str
    kind: LaneKind
    active: int | None = None
    queued: int | None = None
    capacity: int | None = None
    head: str | None = None
    """Key of the session whose run holds the lane."""
    oldest_queued_s: float | None = None


@dataclass(frozen=True, slots=True)
class BlockedStack:
    """Where the loop was blocked, as the probe's own thread saw it."""

    captured_s: float
    count: int
    text: str
    """Innermost frame last, one ``file:line function`` per line; never locals, never contents."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """The gateway's signs of life at one moment."""

    now_s: float
    """Read *before* the snapshot was taken, so that a pause of the observer never ages anybody."""
    blind: BlindTime = field(default_factory=BlindTime)
    phase: Phase = Phase.READY
    process: ProcessState = ProcessState.UNKNOWN
    ready_s: float | None = None
    """When the gateway became ready (served its first session), if known."""
    loop_heartbeat_s: float | None = None
    thread_heartbeat_s: float | None = None
    loop_delay_p50_s: float | None = None
    loop_delay_p99_s: float | None = None
    loop_delay_max_s: float | None = None
    loop_utilization: float | None = None
    """Share of time the loop ran rather than waited, 0 to 1."""
    cpu_cores: float | None = None
    cpu_user_s: float | None = None
    """CPU time since the process began, in user mode; likewise ``cpu_system_s``."""
    cpu_system_s: float | None = None
    rss_bytes: int | None = None
    threads: int | None = None
    file_descriptors: int | None = None
    uptime_s: float | None = None
    """Age of the process."""
    memory_limit_bytes: int | None = None
    """Of the gateway's control group."""
    voluntary_switches_per_s: float | None = None
    involuntary_switches_per_s: float | None = None
    cpu_pressure: float | None = None
    """Share of time in which all tasks stalled (PSI ``full avg10``), 0 to 1; likewise for memory and I/O."""
    memory_pressure: float | None = None
    io_pressure: float | None = None
    cpu_pressure_some: float | None = None
    """Share of time in which at least one task stalled (PSI ``some avg10``); likewise for memory and I/O."""
    memory_pressure_some: float | None = None
    io_pressure_some: float | None = None
    cpu_steal: float | None = None
    """Share of the host's CPU time that its hypervisor gave to other guests."""
    cpu_throttled: float | None = None
    """Share of time in which a CPU quota held the gateway up."""
    cpu_waited: float | None = None
    """Share of time in which the loop's thread was ready to run and got no CPU."""
    swap_bytes_per_s: float | None = None
    """To and from swap, of the whole host."""
    swap_used: float | None = None
    """Share of swap in use, 0 to 1."""
    major_faults_per_s: float | None = None
    cause: StallCause = StallCause.UNKNOWN
    stack: BlockedStack | None = None
    suspended: bool = False
    round_trip_s: float | None = None
    """How long the latest answered request took, from outside. A second witness, never mixed with the loop's delay."""
    round_trip_overdue_s: float | None = None
    """How long a request has been waiting for its answer now; ``None`` while none is."""

    def age(self, moment_s: float | None) -> float | None:
        """Return the responsive age of a moment in seconds, or ``None`` when the moment is unknown.

        The seconds in which nothing could run or report (`blind`) are not counted: OpenClaw 107415, 142200. Nor are
        those before the gateway was ready to serve (74281, starts of 3 to 4 min).
        """
        if moment_s is None:
            return None
        since_s = moment_s if self.ready_s is None else max(moment_s, self.ready_s)
        if since_s >= self.now_s or self.phase is Phase.STARTING:
            return 0.0
        return max(0.0, self.now_s - since_s - self.blind.overlap(since_s, self.now_s))


@dataclass(frozen=True, slots=True)
class GatewayIdentity:
    """Process identity: a pid alone is recycled (OpenClaw 5006, 128032)."""

    pid: int
    start_time: str
    """Opaque; equal only for the same process (boot id and start ticks on Linux, an instance id elsewhere)."""


@dataclass(frozen=True, slots=True)
class SamplerPass:
    """One finished round of something that measures beside the look itself."""

    name: str
    """``process``, ``health``, ``eventloop`` or ``logs``."""
    finished_s: float
    duration_s: float
    error: str = ""
    """``timeout`` or ``refused``; empty when it worked."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the gateway's own detector says; beside our verdicts, never instead of them."""

    seq: int
    """Grows with each."""
    attention: Attention
    reason: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Delta:
    """What a source knows about the difference between two of its looks; whoever saw another look compares himself.

    A key is in one of the sets at most; the session of a key that is in none is the same object as before.
    """

    before: Mapping[str, Session]
    """The very mapping (the object, not an equal one) that the look before returned; never written to again."""
    changed: frozenset[str]
    """Keys of sessions that are new, or of which more is new than the other sets say."""
    gone: frozenset[str] = frozenset()
    """Keys that are no longer there."""
    progressed: frozenset[str] = frozenset()
    """Keys of sessions of which nothing is new but a later ``progress_s`` in place of an earlier one."""
    renewed: frozenset[str] = frozenset()
    """Keys of sessions that only became younger: plain before and after (see `glance`), without a declared allowance,
    at work before and after or resting before and after, and no moment is earlier."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a source saw in one look."""

    vitals: Vitals
    sessions: Mapping[str, Session]
    lanes: Mapping[str, Lane] = field(default_factory=lambda: MappingProxyType({}))
    identity: GatewayIdentity | None = None
    counters: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Monotonic counts that the gateway keeps, by name: dropped heartbeats by reason, overflowed sessions, ..."""
    passes: tuple[SamplerPass, ...] = ()
    """The latest round of each measuring thread behind this look."""
    opinions: tuple[Opinion, ...] = ()
    """The latest of the gateway's own detector, oldest first; empty where it has none."""
    delta: Delta | None = field(default=None, compare=False, repr=False)
    """Saves comparing every session; ``None`` where the source does not keep track. Adds no fact."""
