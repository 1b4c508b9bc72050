"""One session as the gateway keeps it, and the frozen view that a source reads."""

from collections import deque
from dataclasses import dataclass, replace
from math import inf

from livewatch.simulation.messages import Message, MessageKind
from livewatch.simulation.plan import SessionPlan, Step, Turn
from livewatch.simulation.truth import Fault
from livewatch_classifiers import model
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    AwaitedState,
    Presence,
    SessionState,
    TerminalMark,
    WaitKind,
)

HIDEABLE = (
    "id",
    "generation",
    "owner",
    "queued",
    "activity",
    "activity_owner",
    "progress",
    "run",
    "handle",
    "in_store",
    "store",
    "holder",
    "wait",
    "state",
)
"""What a session may keep from its source, by the names that scenarios use."""


@dataclass(slots=True)
class Marker:
    """An activity as the gateway's books have it; moments in monotonic seconds."""

    kind: ActivityKind
    name: str
    run_id: str | None
    since_s: float
    allowance_s: float | None = None
    owner: Presence = Presence.PRESENT
    works_s: float | None = None
    works_until_s: float = inf
    """When the work stopped that could be seen from outside."""
    touches_s: float | None = None
    repeats_s: float | None = None
    repeats_max: int | None = None


@dataclass(slots=True)
class Waiting:
    """A declared wait as the gateway's books have it; moments in monotonic seconds."""

    kind: WaitKind
    since_s: float
    deadline_s: float | None = None
    delivered: Presence = Presence.UNKNOWN
    answer_impossible: bool = False
    attempts: int = 0
    lane: str | None = None
    session: str | None = None
    child: Message | None = None
    child_known: bool = True
    child_forgotten: bool = False


@dataclass(slots=True, eq=False)
class Run:
    """One turn being worked on. ``ended`` is the truth; the books may still know it."""

    id: str
    message: Message
    turn: Turn
    started_s: float
    """Monotonic."""
    handle: str
    process: object = None
    """The generator that does the steps."""
    token: int = 0
    ended: bool = False
    hung: bool = False
    step: Step | None = None
    abort_requested_s: float | None = None
    real_progress_s: float = 0.0
    """Last thing that really moved, on the scenario's axis."""
    wake_lost: bool = False


class Session:
    """A session: its queue, its run, its marks in the books, and the view of them."""

    def __init__(self, plan: SessionPlan, now_s: float) -> None:
        self.plan = plan
        self.key = plan.key
        self.incarnation = 1
        self.generation = 1
        self.state = SessionState.IDLE
        self.state_since_s = now_s
        self.queue: deque[Message] = deque()
        self.drift = 0
        """How far the reported depth is off."""
        self.run: Run | None = None
        """The registered run; its handle counts as the owner."""
        self.detached: list[Run] = []
        """Runs that the books have forgotten and that still hold the session file."""
        self.marker: Marker | None = None
        self.wait: Waiting | None = None
        self.progress_s: float | None = None
        self.terminal = TerminalMark.NONE
        self.repeats = 0
        self.repeating_since_s: float | None = None
        self.in_store = True
        self.store_running = False
        self.lane_held = False
        """True when the lane stays taken although no run needs it."""
        self.latent: Fault | None = None
        """A fault in the books that hurts nobody until the next message comes."""
        self.owner_override: Presence | None = None
        self.frozen_until_s: float | None = None
        """Moment of the scenario until which the books do not move."""
        self.hides: set[str] = set(plan.hides)
        self.hidden_for_ever: set[str] = set(plan.hides)
        self.without_slot = 0
        """How many times over the board had no room for it: it is served, and nobody can see it."""
        self.unseen_s: list[tuple[float, float]] = []
        """From when to when that was so, on the scenario's axis."""
        self.dirty = True
        self._view: model.Session | None = None

    @property
    def id(self) -> str:
        """The current incarnation's id."""
        return f"{self.key}#{self.incarnation}"

    @property
    def busy(self) -> bool:
        """Whether a new run would have to wait."""
        return self.run is not None or self.lane_held

    def touch(self) -> None:
        """Note that the view is out of date."""
        self.dirty = True

    def enter(self, state: SessionState, now_s: float) -> None:
        """Change the state; the generation grows with every change."""
        self.state = state
        self.state_since_s = now_s
        self.generation += 1
        self.dirty = True

    def stops_working(self, now_s: float) -> None:
        """Note that from monotonic ``now_s`` on nothing can be seen of its work, from outside either."""
        if self.marker is not None:
            self.marker.works_until_s = now_s
            self.dirty = True

    def clear_marks(self) -> None:
        """Forget activity, wait and repetition."""
        self.marker = None
        self.wait = None
        self.repeats = 0
        self.repeating_since_s = None
        self.dirty = True

    def view(self, now_s: float) -> model.Session:
        """Return the frozen session at monotonic ``now_s``; an unchanged one is the same object again."""
        marker, wait = self.marker, self.wait
        moving = marker is not None and (marker.works_s is not None or marker.repeats_s is not None)
        if not self.dirty and not moving and (wait is None or wait.child is None) and self._view is not None:
            return self._view
        view = self._build(now_s)
        if self.hides:
            view = _hidden(view, self.hides)
        if self._view is None or view != self._view:
            self._view = view
        self.dirty = False
        return self._view

    def facts(self, now_s: float) -> model.Session:
        """Return the session at monotonic ``now_s`` as the gateway itself knows it: nothing is hidden."""
        return self._build(now_s)

    def touched_s(self, now_s: float) -> float | None:
        """Return the last keepalive without content, in monotonic seconds; only rule sets that believe them look."""
        marker = self.marker
        return None if marker is None or marker.touches_s is None else _last(marker.since_s, marker.touches_s, now_s)

    def _build(self, now_s: float) -> model.Session:
        run, marker = self.run, self.marker
        activity, generation, progress_s = None, self.generation, self.progress_s
        repeats, repeating_since_s = self.repeats, self.repeating_since_s
        if marker is not None:
            since_s = marker.since_s
            if marker.repeats_s is not None:
                count = int((now_s - since_s) / marker.repeats_s + 1e-9)
                repeats = count if marker.repeats_max is None else min(count, marker.repeats_max)
                repeating_since_s = marker.since_s
                since_s = marker.since_s + repeats * marker.repeats_s
                generation += repeats  # each step ends and begins: generation and progress move, and nothing is new
                progress_s = max(progress_s or 0.0, since_s) if repeats else progress_s
            working_s = None
            if marker.works_s is not None:
                working_s = _last(marker.since_s, marker.works_s, min(now_s, marker.works_until_s))
            activity = model.Activity(
                kind=marker.kind,
                owner=marker.owner,
                run_id=marker.run_id,
                since_s=since_s,
                name=marker.name,
                allowance_s=marker.allowance_s,
                working_s=working_s,
            )
        owner = self.owner_override or Presence.of(run is not None)
        depth = max(0, len(self.queue) + self.drift)
        return model.Session(
            key=self.key,
            id=self.id,
            generation=generation,
            state=self.state,
            state_since_s=self.state_since_s,
            lane_kind=self.plan.lane_kind,
            queued=depth,
            oldest_queued_s=self.queue[0].arrived_mono_s if self.queue else None,
            owner=owner,
            run=None
            if run is None
            else model.Run(run.id, run.started_s, run.turn.timeout_s, run.handle, run.abort_requested_s),
            activity=activity,
            progress_s=progress_s,
            terminal=self.terminal,
            repeats=repeats,
            repeating_since_s=repeating_since_s,
            wait=None if self.wait is None else _wait(self.wait),
            in_store=Presence.of(self.in_store),
            store_says_running=Presence.of(self.store_running),
            holder=Presence.of(run is not None or bool(self.detached)),
        )


def heartbeat(message: Message) -> bool:
    """Return whether a message is a periodic one that a busy session drops."""
    return message.kind is MessageKind.HEARTBEAT


def _last(since_s: float, interval_s: float, now_s: float) -> float:
    return since_s + int((now_s - since_s) / interval_s + 1e-9) * interval_s


def _wait(wait: Waiting) -> model.Wait:
    awaited = AwaitedState.UNKNOWN
    if wait.child is not None and wait.child_known:
        if wait.child_forgotten:
            awaited = AwaitedState.MISSING
        else:
            awaited = AwaitedState.TERMINAL if wait.child.over else AwaitedState.ALIVE
    return model.Wait(
        kind=wait.kind,
        since_s=wait.since_s,
        deadline_s=wait.deadline_s,
        delivered=wait.delivered,
        awaited=awaited,
        answer_impossible=wait.answer_impossible,
        attempts_without_yield=wait.attempts,
        lane=wait.lane,
        session=wait.session,
    )


_BLANKS: dict[str, dict[str, object]] = {
    "id": {"id": None},
    "generation": {"generation": None},
    "owner": {"owner": Presence.UNKNOWN},
    "queued": {"queued": None, "oldest_queued_s": None},
    "activity": {"activity": None, "activity_known": False},
    "progress": {"progress_s": None, "progress_known": False},
    "run": {"run": None},
    "in_store": {"in_store": Presence.UNKNOWN},
    "store": {"store_says_running": Presence.UNKNOWN},
    "holder": {"holder": Presence.UNKNOWN},
    "wait": {"wait": None, "wait_known": False},
    "state": {"state": None, "state_since_s": None},
}


def _hidden(view: model.Session, hides: set[str]) -> model.Session:
    changes: dict[str, object] = {}
    for name in hides:
        changes.update(_BLANKS.get(name, {}))
    if "handle" in hides and view.run is not None and "run" not in hides:
        changes["run"] = replace(view.run, handle=None)
    if "activity_owner" in hides and view.activity is not None and "activity" not in hides:
        changes["activity"] = replace(view.activity, owner=Presence.UNKNOWN)
    return replace(view, **changes)  # type: ignore[arg-type]  # the names are fields of Session
