"""What every rule set for comparison shares: a look at the gateway, an order to it, and the timer that drives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from livewatch.simulation.record import Record
from livewatch.simulation.world import World
from livewatch_classifiers.decision import Action
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.vocabulary import SICK, ActionKind, Attention, Phase, Reason


@dataclass(frozen=True, slots=True)
class View:
    """What a watchdog can see at one of its ticks."""

    now_s: float
    """Monotonic seconds."""
    snapshot: Snapshot | None
    """``None`` when the gateway does not answer."""
    serving: bool
    """Whether a health request would be answered."""
    touched_s: Mapping[str, float]
    """Last keepalive without content, by session; for those who believe in it."""
    age_offset_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """How much older the session's last progress looks on the wall clock than on the monotonic one."""


@dataclass(frozen=True, slots=True)
class Order:
    """Something a watchdog wants done."""

    kind: ActionKind
    session: str = ""
    run_id: str | None = None
    """The run that was judged; levers without identity checks may hit another."""
    cause: str = ""


Label = tuple[Attention, Reason]


class Watcher(Protocol):
    """A rule set for comparison."""

    name: str
    every_s: float
    inside: bool
    """True when it runs on the gateway's own loop: then it stands still and wakes up with it."""

    def tick(self, view: View, late_s: float) -> list[Order]:
        """Look once and say what to do."""
        ...

    def labels(self) -> Mapping[str, Label]:
        """Return what is thought of each session after the last tick."""
        ...


class WatcherWatch:
    """Drives one rule set through one world."""

    def __init__(self, world: World, record: Record, watcher: Watcher) -> None:
        self._world = world
        self._record = record
        self._watcher = watcher
        self._number = 0

    def run(self, until_s: float) -> None:
        """Tick until ``until_s`` of the scenario."""
        self._plan(self._watcher.every_s)
        self._world.timeline.run_until(until_s)

    def _plan(self, due_s: float) -> None:
        self._world.timeline.at(due_s, lambda: self._due(due_s))

    def _due(self, due_s: float) -> None:
        host = self._world.host
        if host.gone and self._watcher.inside:
            self._plan(self._world.now_s + self._watcher.every_s)
        elif self._watcher.inside and not host.running:
            host.first.append(lambda: self._fire(due_s))  # its timer is overdue as well: first thing when it runs
        elif host.agent_frozen:
            self._world.timeline.after(1.0, lambda: self._due(due_s))
        else:
            self._fire(due_s)

    def _fire(self, due_s: float) -> None:
        late_s = self._world.now_s - due_s
        if self._world.agent.lateness is not None:
            late_s += self._world.agent.lateness[0]
        orders = self._watcher.tick(self._view(), late_s)
        self._note()
        for order in orders:
            self._send(order)
        self._plan(self._world.now_s + self._watcher.every_s)

    def _view(self) -> View:
        world = self._world
        gateway = world.gateway
        readable = world.host.running
        now_s = world.clock.monotonic_s()
        touched: dict[str, float] = {}
        offsets: dict[str, float] = {}
        for key, session in gateway.sessions.items():
            touch_s = session.touched_s(now_s)
            if touch_s is not None:
                touched[key] = touch_s
            if session.progress_s is not None:
                offsets[key] = world.clock.wall_age_s(session.progress_s) - (now_s - session.progress_s)
        serving = readable and gateway.phase is not Phase.STARTING
        snapshot = world.source.look() if readable else None
        return View(now_s, snapshot, serving, touched, offsets)

    def _note(self) -> None:
        record, now_s = self._record, self._world.now_s
        record.ticks += 1
        for key, (attention, reason) in self._watcher.labels().items():
            record.label(key, now_s, attention, reason)
            affliction = self._world.gateway.truth.current.get(key)
            if affliction is not None and affliction.detected_s is None and attention in SICK:
                affliction.detected_s = now_s

    def _send(self, order: Order) -> None:
        self._number += 1
        action = Action(
            kind=order.kind,
            session=order.session,
            idempotency_key=f"{self._watcher.name}-{self._number}",
            cause=order.cause or order.kind.value,
            reason=self._watcher.labels().get(order.session, (Attention.NONE, Reason.ACTIVE))[1],
            run_id=order.run_id,
        )
        host = self._world.host
        host.do(lambda: self._pull(action))

    def _pull(self, action: Action) -> None:
        self._world.levers.pull(action, self._watcher.name)
