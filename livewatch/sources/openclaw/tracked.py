"""One OpenClaw session, as its events and the store's list tell it. Pure: no clock, no I/O."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from livewatch.sources.openclaw.run_state import RunState
from livewatch_classifiers.model import Activity, Session, Wait
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Presence, SessionState

_ENDED = 16
"""Ended runs that are remembered: their last events come after their end."""
_QUEUED = 1000
_LANES = {"subagent": LaneKind.SUBAGENT, "cron": LaneKind.CRON, "nested": LaneKind.NESTED}


@dataclass(slots=True)
class Tracked:
    """What is known of a session; `session` makes of it what the classifiers read."""

    key: str
    at_s: float
    id: str | None = None
    runs: dict[str, RunState] = field(default_factory=dict[str, RunState])
    waits: dict[str, Wait] = field(default_factory=dict[str, Wait])
    queued_s: deque[float] = field(default_factory=lambda: deque[float](maxlen=_QUEUED))
    """When each message was accepted that waits for the run before it."""
    has_run: Presence = Presence.UNKNOWN
    """What the store says; the events of the run say it sooner."""
    store_running: Presence = Presence.UNKNOWN
    in_store: Presence = Presence.UNKNOWN
    unheard_s: float | None = None
    """Since when the store says that a run is active of which no event was heard; what it does is not known."""
    generation: int = 0
    state_since_s: float | None = None
    _ended: deque[str] = field(default_factory=lambda: deque[str](maxlen=_ENDED))
    _made: Session | None = None

    def run_of(self, run_id: str, at_s: float, *, begins: bool) -> RunState | None:
        """Return the run that an event belongs to; ``None`` for one that is over."""
        known = self.runs.get(run_id)
        if known is not None:
            return known
        if run_id in self._ended:
            if not begins:
                return None
            self._ended.remove(run_id)
        if self.queued_s and self.runs == {}:
            self.queued_s.popleft()
        self.unheard_s = None
        self.runs[run_id] = run = RunState(run_id, at_s, progress_s=at_s, since_s=at_s)
        self._moved(at_s)
        return run

    def accepted(self, run_id: str, at_s: float) -> None:
        """Note a message that waits behind a run."""
        if self.runs and run_id not in self.runs and run_id not in self._ended:
            self.queued_s.append(at_s)

    def ended(self, run_id: str, at_s: float) -> None:
        """Note that a run is over."""
        if self.runs.pop(run_id, None) is not None:
            self._ended.append(run_id)
            self._moved(at_s)

    def on_row(self, row: dict[str, Any], at_s: float) -> None:
        """Take in what the store says: a row of `sessions.list`, or the same fields of `sessions.changed`."""
        self.in_store = Presence.PRESENT
        if isinstance(row.get("sessionId"), str):
            self.id = row["sessionId"]
        if isinstance(row.get("status"), str):
            self.store_running = Presence.of(row["status"] == "running")
        active = row.get("hasActiveRun")
        if not isinstance(active, bool):
            return
        self.has_run = Presence.of(active)
        stamp = row.get("ts")
        if not active:
            self.unheard_s = None
            self._none_active(stamp if isinstance(stamp, int) else None, at_s)
            return
        ids = row.get("activeRunIds")
        if not self.runs and isinstance(ids, list) and len(ids) == 1 and ids[0] not in self._ended:  # pyright: ignore[reportUnknownArgumentType]
            run = self.run_of(str(ids[0]), at_s, begins=False)  # pyright: ignore[reportUnknownArgumentType]
            if run is not None:
                run.watched = False
        if not self.runs and self.unheard_s is None:
            self.unheard_s = at_s
            self._moved(at_s)

    def forget(self, at_s: float) -> None:
        """After a gap in what was heard, know only what is listed anew; what went on meanwhile is unknown."""
        self.runs.clear()
        self.waits.clear()
        self.queued_s.clear()
        self.unheard_s = None
        self.has_run = self.store_running = self.in_store = Presence.UNKNOWN
        self._moved(at_s)

    def waits_for(self, identity: str, wait: Wait | None, at_s: float) -> None:
        """Note that it waits for a person, or (``None``) does not any more, which is progress of its run."""
        if wait is not None:
            self.waits[identity] = wait
        elif self.waits.pop(identity, None) is not None:
            for run in self.runs.values():
                run.progress_s = at_s
        self._moved(at_s)

    def session(self) -> Session:
        """Return the session; the same object as before if nothing changed."""
        run = min(self.runs.values(), key=lambda run: run.first_s) if self.runs else None
        wait = next(iter(self.waits.values()), None) or (None if run is None else run.asked or run.retry)
        made = Session(
            self.key,
            id=self.id,
            generation=self.generation,
            state=self._state(),
            state_since_s=self.state_since_s,
            lane_kind=_lane_of(self.key),
            queued=len(self.queued_s) if self.unheard_s is None else None,
            oldest_queued_s=self.queued_s[0] if self.queued_s else None,
            owner=self._owner(run),
            run=run.run if run is not None else None,
            activity=self._activity(run),
            progress_s=run.progress_s if run is not None else self.unheard_s,
            repeats=run.repetition.count if run is not None else 0,
            repeating_since_s=run.repetition.since_s if run is not None else None,
            wait=wait,
            in_store=self.in_store,
            store_says_running=self.store_running,
        )
        if made != self._made:
            self._made = made
        assert self._made is not None
        return self._made

    def _state(self) -> SessionState | None:
        if self.waits or any(run.asked is not None for run in self.runs.values()):
            return SessionState.WAITING
        if self.runs:
            return SessionState.PROCESSING
        return {Presence.PRESENT: SessionState.PROCESSING, Presence.ABSENT: SessionState.IDLE}.get(self.has_run)

    def _owner(self, run: RunState | None) -> Presence:
        if run is not None:
            return Presence.PRESENT
        return Presence.UNKNOWN if self.unheard_s is not None else self.has_run

    def _activity(self, run: RunState | None) -> Activity | None:
        """Return what it does. Of a run that was never heard nothing is known but that it is: told, never aborted."""
        if run is not None:
            return run.activity
        if self.unheard_s is None:
            return None
        return Activity(ActivityKind.EMBEDDED_RUN, Presence.UNKNOWN, since_s=self.unheard_s)

    def _none_active(self, stamp: int | None, at_s: float) -> None:
        """Believe the store that no run is active, unless a run has said something since."""
        over = [run.id for run in self.runs.values() if stamp is not None and stamp > run.last_ts]
        for run_id in over:
            self.ended(run_id, at_s)
        if not self.runs:
            self.queued_s.clear()
            self.waits.clear()

    def _moved(self, at_s: float) -> None:
        self.generation += 1
        self.state_since_s = at_s


def _lane_of(key: str) -> LaneKind:
    """Return the kind of lane from a key such as ``agent:main:subagent:...``; the shared main lane is none of them."""
    return next((_LANES[part] for part in key.split(":")[2:] if part in _LANES), LaneKind.SESSION)
