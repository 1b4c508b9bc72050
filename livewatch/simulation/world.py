"""The whole world of one run: clocks, host, gateway, levers, locks, and what befalls the agent itself."""

from dataclasses import dataclass, field
from random import Random

from livewatch.recovery.holds import Holds
from livewatch.simulation.clock import SimulatedClock, Timeline
from livewatch.simulation.gateway import Gateway
from livewatch.simulation.host import Host
from livewatch.simulation.levers import Levers
from livewatch.simulation.plan import LanePlan, SessionPlan, Span
from livewatch.simulation.source import EVERYTHING, Dying, SimulatedSource
from livewatch_classifiers.lock import Lock, Process, Processes
from livewatch_classifiers.vocabulary import ActionKind, Phase, Presence


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """How the gateway is; durations in seconds."""

    starts_in_s: float | None = None
    """Cold start that is still going on when the scenario begins; ``None`` when it has been serving for an hour."""
    restart_takes_s: float = 10.0
    durable_queue: bool = True
    redelivers: bool = False
    stranded_by_restart: frozenset[str] = frozenset()
    capabilities: frozenset[ActionKind] = EVERYTHING
    sees_loop: bool = True


@dataclass(frozen=True, slots=True)
class LockPlan:
    """A session's lock file and the process that its payload names."""

    path: str
    appears_s: float = 0.0
    held_s: float = 0.0
    """How long ago the owner says it took the lock, at the moment it appears."""
    payload: Presence = Presence.PRESENT
    pid_alive: bool | None = True
    start_time_matches: bool | None = True
    same_namespace: bool | None = True
    holder: bool | None = True


@dataclass(frozen=True, slots=True)
class Cast:
    """Everything that exists when a scenario begins."""

    gateway: GatewayPlan = field(default_factory=GatewayPlan)
    lanes: tuple[LanePlan, ...] = ()
    sessions: tuple[SessionPlan, ...] = ()
    locks: tuple[LockPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentDeath:
    """How the acting agent dies, and for how long nobody starts it again, in seconds."""

    where: Dying | None
    """At its next action; ``None`` between two ticks."""
    down_s: float


@dataclass(slots=True)
class AgentFate:
    """What befalls the agent itself."""

    paused_until_s: float = 0.0
    pauses: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """From when to when it did not run, on the scenario's axis."""
    restart: bool = False
    dies: "AgentDeath | None" = None
    lateness: Span | None = None
    """Every tick is late by a value of this span, in seconds."""
    holds: Holds = field(default_factory=Holds)


class World:
    """One gateway on one host, seen by one agent. The seed decides everything."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 -- a reproducible world, not a secret
        self.timeline = Timeline()
        self.clock = SimulatedClock(self.timeline)
        self.host = Host(self.timeline, self.clock)
        self.host.sees_loop = cast.gateway.sees_loop
        self.gateway = Gateway(
            self.host, self.random, durable_queue=cast.gateway.durable_queue, redelivers=cast.gateway.redelivers
        )
        self.gateway.restart_takes_s = cast.gateway.restart_takes_s
        self.gateway.stranded_by_restart = cast.gateway.stranded_by_restart
        self.levers = Levers(self.gateway)
        self.source = SimulatedSource(self.gateway, self.levers, capabilities=cast.gateway.capabilities)
        self.agent = AgentFate()
        self.locks = {plan.path: plan for plan in cast.locks}
        for lane in cast.lanes:
            self.gateway.add_lane(lane)
        for session in cast.sessions:
            self.gateway.add_session(session)
        if cast.gateway.starts_in_s is not None:
            self.gateway.phase = Phase.STARTING
            self.gateway.ready_s = None
            self.gateway.later(cast.gateway.starts_in_s, self.gateway.become_ready)

    @property
    def now_s(self) -> float:
        """The scenario's time in seconds."""
        return self.timeline.now_s

    def another_source(self, by: str) -> SimulatedSource:
        """Return the source of one more agent."""
        return SimulatedSource(self.gateway, self.levers, capabilities=self.source.capabilities, by=by)

    def lock(self, path: str) -> tuple[Lock, Processes] | None:
        """Return a lock and the processes as an observer sees them now, or ``None`` before it appears."""
        plan = self.locks[path]
        if self.now_s < plan.appears_s:
            return None
        seen_s = self.clock.monotonic_s() - (self.now_s - plan.appears_s)
        known = {} if plan.pid_alive is None else {64: Process(Presence.of(plan.pid_alive), _start(plan))}
        lock = Lock(
            path=path,
            seen_s=seen_s,
            payload=plan.payload,
            pid=64,
            start_time=None if plan.start_time_matches is None else "start-a",
            pid_namespace={True: "ns-a", False: "ns-b", None: None}[plan.same_namespace],
            acquired_s=seen_s - plan.held_s,
            holder=Presence.of(plan.holder),
        )
        return lock, Processes(self.clock.monotonic_s(), known, pid_namespace="ns-a")


def _start(plan: LockPlan) -> str | None:
    if not plan.pid_alive or plan.start_time_matches is None:
        return None
    return "start-a" if plan.start_time_matches else "start-b"
