"""The limits that operators set, and the one set of limits that holds for a given session."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from types import MappingProxyType

from livewatch_classifiers.model import Activity, Session
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, WaitKind

TOOL_ABORT_FLOOR_S = 15 * 60.0
"""Tools are never aborted earlier unless they declare it: healthy ones reach 16 min of silence (OpenClaw 144514)."""

ALLOWANCE_MARGIN = 1.05
"""A declared allowance ends 5 % late, because timers set to the same second race with completion (OpenClaw 144514)."""

_ALLOWANCES: Mapping[ActivityKind, float] = MappingProxyType(
    {
        ActivityKind.COMPACTION: 300.0,
        ActivityKind.PREPARATION: 60.0,
        ActivityKind.DELIVERY: 30.0,
        ActivityKind.MAINTENANCE: 120.0,
    }
)
_WAIT_BOUNDS: Mapping[WaitKind, float] = MappingProxyType(
    {
        WaitKind.APPROVAL: 24 * 3600.0,
        WaitKind.QUESTION: 24 * 3600.0,
        WaitKind.LANE_ADMISSION: 30 * 60.0,
        WaitKind.PROVIDER_BACKOFF: 3600.0,
        WaitKind.SUBAGENT: 2 * 3600.0,
        WaitKind.SETUP: 15 * 60.0,
        WaitKind.DRAIN: 5 * 60.0,
        WaitKind.RUNTIME_OWNED: 24 * 3600.0,
    }
)


@dataclass(frozen=True, slots=True)
class Override:
    """Limits for a part of the sessions. Every selector that is set must match; the most specific override wins."""

    activity: ActivityKind | None = None
    name: str | None = None
    """Glob over the tool or model name."""
    lane: LaneKind | None = None
    session: str | None = None
    """Glob over the session key."""
    warn_after_s: float | None = None
    abort_after_s: float | None = None

    @property
    def specificity(self) -> tuple[int, int, int, int]:
        """Order among matching overrides: session, then tool or model, then activity kind, then lane kind."""
        return (
            0 if self.session is None else 1 + len(self.session.replace("*", "")),
            0 if self.name is None else 1 + len(self.name.replace("*", "")),
            int(self.activity is not None),
            int(self.lane is not None),
        )

    def matches(self, session: Session, activity: Activity | None) -> bool:
        """Return whether this override speaks about the session and what it is doing."""
        if self.activity is not None and (activity is None or activity.kind != self.activity):
            return False
        if self.name is not None and (activity is None or not fnmatchcase(activity.name, self.name)):
            return False
        if self.lane is not None and session.lane_kind != self.lane:
            return False
        return self.session is None or fnmatchcase(session.key, self.session)


@dataclass(frozen=True, slots=True)
class Limits:
    """The two limits of silence that hold for one session, in seconds."""

    warn_s: float
    abort_s: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of silence, of waits and of vitals.

    In seconds where the name ends in ``_s``. Construction fails with ``ValueError`` when they contradict each other.
    """

    warn_after_s: float = 120.0
    """Silence after which work is labelled: ``long_running`` first, ``stalled`` where it cannot be slow any more."""
    abort_after_s: float = 0.0
    """Silence after which work may be aborted. ``0s`` means the default, max(5 min, 3 x ``warn_after_s``)."""
    tool_abort_after_s: float = TOOL_ABORT_FLOOR_S
    """The same for tools that declare no timeout of their own, where it is the longer of the two."""
    zombie_grace_s: float = 30.0
    """How long a run that ended may keep its handle or lane before that is called a zombie."""
    ghost_after_s: float = 60.0
    """How long work may be active whose session the gateway's store does not know."""
    settle_s: float = 5.0
    """How long a fact about *other* work (a child ended, a message arrived) must stand before it is judged."""
    allowance_min_s: float = 1.0
    """Lower end of the range to which declarations are clamped."""
    allowance_max_s: float = 24 * 3600.0
    """Declarations are clamped to this range (OpenClaw 125147 declared 24.8 days, 152983 29 h)."""
    corroboration_max_s: float = 2 * 3600.0
    """CPU or I/O of a tool's children counts as life no longer than this: a tool may also spin for ever."""
    repeats_min: int = 20
    """How often the same step may end the same way before that counts as repetition."""
    attempts_min: int = 3
    """The same for requests to a model that yield nothing (hermes-agent 72016: 95 s each, 22 min in all)."""
    abort_repeating: bool = True
    """Whether a run that repeats the same step without effect may be aborted; never by default for OpenClaw."""
    repeat_abort_after_s: float | None = None
    """How long the same step must have repeated before an abort; ``abort_after`` where it is not set. Told before."""
    retry_attempts_max: int = 10
    """Retries of one request to a provider after which waiting for the next is no sign of life any more."""
    allowances_s: Mapping[ActivityKind, float] = field(default_factory=lambda: _ALLOWANCES)
    """Silence that a kind of activity may take before an abort, where that is longer than ``abort_after``."""
    wait_bounds_s: Mapping[WaitKind, float] = field(default_factory=lambda: _WAIT_BOUNDS)
    """How long each kind of wait may last before it is told of."""
    abort_waits: frozenset[WaitKind] = frozenset()
    """Kinds of wait for which the operator allows an abort once the bound is over."""
    overrides: tuple[Override, ...] = ()
    """Limits for a part of the sessions: by activity kind, tool or model (``name``), lane kind and session key."""
    loop_unresponsive_s: float = 1.0
    """Age of the loop heartbeat beyond which the loop counts as blocked."""
    hang_after_s: float = 15.0
    """How long nothing in the gateway's process may turn, though nobody stopped it, before it counts as hung."""
    loop_delay_warn_s: float = 1.0
    """Delay of the event loop beyond which the gateway is called degraded."""
    loop_utilization_warn: float = 0.95
    """Share of time in which the loop was busy; beyond it the gateway is called degraded."""
    cpu_cores_warn: float = 0.9
    """CPU that the gateway's process uses, in cores."""
    memory_pressure_warn: float = 0.2
    """Share of time in which some task waited for memory (Linux pressure stall information)."""
    io_pressure_warn: float = 0.5
    """Share of time in which some task waited for input or output."""
    swap_used_warn: float = 0.6
    """Share of the host's swap space in use."""
    major_faults_per_s_warn: float = 1000.0
    """Pages that the gateway's process had to read back from disk, per second."""
    round_trip_warn_s: float = 5.0
    """How long a request from outside may wait for its answer."""
    vitals_hold_s: float = 2.0
    """How long a value must have been beyond its limit before that is called a reason."""
    vitals_startup_grace_s: float = 60.0
    """Time after readiness in which values are not held against the gateway (OpenClaw 76365, 79915)."""
    vitals_resume_grace_s: float = 10.0
    """The same after the host slept or the gateway was frozen."""
    startup_deadline_s: float = 15 * 60.0
    """A gateway that is not ready by then is reported (OpenClaw 75224); cold starts took up to 13.5 min (149538)."""

    def __post_init__(self) -> None:
        """Fill in the derived default and refuse contradictions."""
        if not self.abort_after_s:
            object.__setattr__(self, "abort_after_s", max(300.0, 3 * self.warn_after_s))
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, float) and not 0 < value < float("inf"):
                raise ValueError(f"{item.name} must be a positive number, not {value}")
        if self.warn_after_s >= self.abort_after_s:
            raise ValueError(
                f"warn_after ({self.warn_after_s:g} s) must be below abort_after ({self.abort_after_s:g} s)"
            )
        for override in self.overrides:
            limits = self._limits(override)
            if limits.warn_s >= limits.abort_s:
                raise ValueError(f"in {override}: warn_after must be below abort_after")

    def limits(self, session: Session, activity: Activity | None) -> Limits:
        """Return the limits of silence for this session in this activity; the most specific override wins."""
        if not self.overrides:
            return Limits(self.warn_after_s, self._abort_after(activity))
        matching = [o for o in self.overrides if o.matches(session, activity)]
        if not matching:
            return Limits(self.warn_after_s, self._abort_after(activity))
        best = max(matching, key=lambda o: o.specificity)
        chosen = self._limits(best)
        return chosen if best.abort_after_s else Limits(chosen.warn_s, self._abort_after(activity))

    def declared(self, activity: Activity | None) -> float | None:
        """Return the activity's own clamped allowance in seconds, or ``None`` when it declared none."""
        if activity is None or activity.allowance_s is None or not activity.allowance_s > 0:
            return None
        return min(max(activity.allowance_s, self.allowance_min_s), self.allowance_max_s)

    def _limits(self, override: Override) -> Limits:
        warn_s = override.warn_after_s or self.warn_after_s
        return Limits(warn_s, override.abort_after_s or max(self.abort_after_s, 3 * warn_s))

    def _abort_after(self, activity: Activity | None) -> float:
        if activity is None or activity.kind is None:
            return self.abort_after_s
        if activity.kind is ActivityKind.TOOL_CALL:
            return max(self.abort_after_s, self.tool_abort_after_s)
        return max(self.abort_after_s, self.allowances_s.get(activity.kind, 0.0))
