"""One OpenClaw session, as its events, the store's list and cold reads tell it. Pure: no clock, no I/O.

A run is *heard* when it said something itself, or when two cold reads of `chat.history` show one that has begun. One
that only a list names is unknown: its owner is unknown, so nothing is done to it, and a person is told in time. One
that waits for a slot (row ``queued``) or behind a held lane waits for ``lane_admission`` and is never silent.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from livewatch.sources.openclaw.history import ColdRead
from livewatch.sources.openclaw.run_state import RunState, model_name
from livewatch_classifiers.model import Activity, Session, Wait
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Presence, SessionState, WaitKind

CONFIRMED_AFTER_S = 5.0
"""Between the two cold reads that make a run known: long enough that one which moves has said something new."""
_UNHEARD_FOR_S = 3.0
"""A new run says nothing while it is prepared; it is not asked about at once."""
_READ_AGAIN_S = 30.0
_QUEUE_READ_AGAIN_S = 2.0
SETTLES_WITHIN_S = 40.0
"""OpenClaw frees the lane of an aborted run that does not end after 30 s (recorded); later than this it does not."""
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
    queue_known: bool = True
    """False after a gap, until a cold read says what waits."""
    has_run: Presence = Presence.UNKNOWN
    """What the store says; the events of the run say it sooner."""
    store_running: Presence = Presence.UNKNOWN
    in_store: Presence = Presence.UNKNOWN
    unheard_s: float | None = None
    """Since when the store says that a run is active of which no event was heard; what it does is not known."""
    admission: bool = False
    """Whether the gateway lists what is active here as waiting for a slot."""
    unbegun: bool = False
    """Whether a cold read showed that the active run was accepted and has not begun."""
    behind_lane: bool = False
    """Whether lane totals show that the unbegun run waits behind a lane that is held."""
    generation: int = 0
    state_since_s: float | None = None
    model: str = ""
    """``provider/model`` that the row names; the run itself names its model only once that has answered."""
    read_s: float | None = None
    """When `chat.history` was asked last."""
    _waiting_s: float | None = None
    """Since when a message waits to begin; other rows in between do not make its wait younger."""
    _waits_uncounted: bool = False
    """Whether the message that waits to begin is not in ``queued_s``."""
    _ended: deque[str] = field(default_factory=lambda: deque[str](maxlen=_ENDED))
    _made: Session | None = None

    def run_of(self, run_id: str, at_s: float, *, begins: bool) -> RunState | None:
        """Return the run that an event belongs to; ``None`` for one that is over."""
        known = self.runs.get(run_id)
        if known is not None:
            self._heard(known, at_s)
            return known
        if run_id in self._ended:
            if not begins:
                return None
            self._ended.remove(run_id)
        for other in [run for run in self.runs.values() if run.mark or run.abort_requested_s is not None]:
            self.ended(other.id, at_s)  # another run begins, so neither is in its way any more
        if not self.runs and not self._waits_uncounted and self.queued_s:
            self.queued_s.popleft()
        self._begun()
        self.runs[run_id] = run = RunState(run_id, at_s, progress_s=at_s, since_s=at_s)
        self._moved(at_s)
        return run

    def accepted(self, run_id: str, at_s: float) -> None:
        """Note a message that waits behind a run, or behind another message."""
        busy = self.runs or self.admission or self.unheard_s is not None
        if busy and run_id not in self.runs and run_id not in self._ended:
            self.queued_s.append(at_s)

    def ended(self, run_id: str, at_s: float) -> None:
        """Note that a run is over."""
        if self.runs.pop(run_id, None) is not None:
            self._ended.append(run_id)
            self._moved(at_s)

    def abort_asked(self, run_id: str, at_s: float) -> None:
        """Note that a run was asked to end. While a message waits behind it, it stands until it has settled."""
        run = self.runs.get(run_id)
        if run is not None and run.abort_requested_s is None:
            run.abort_requested_s = at_s
        self._drop_aborted(at_s)

    def on_row(self, row: dict[str, Any], at_s: float) -> None:
        """Take in what the store says: a row of `sessions.list`, or the same fields of `sessions.changed`."""
        self.in_store = Presence.PRESENT
        if isinstance(row.get("sessionId"), str):
            self.id = row["sessionId"]
        if isinstance(row.get("status"), str):
            self.store_running = Presence.of(row["status"] == "running")
        self.model = model_name({"provider": row.get("modelProvider"), "model": row.get("model")}) or self.model
        active = row.get("hasActiveRun")
        if not isinstance(active, bool):
            return
        self.has_run = Presence.of(active)
        stamp = row["ts"] if isinstance(row.get("ts"), int) else None
        if not active:
            self._none_active(stamp, at_s)
        elif row.get("status") == "queued":
            self._waits_for_slot(stamp, at_s)
        else:
            self._is_active(at_s)

    def on_read(self, read: ColdRead, at_s: float, started_s: float | None, queued_since_s: float | None) -> None:
        """Take in one cold read, which was made at ``at_s``.

        Args:
            read: what it says.
            at_s: monotonic seconds.
            started_s: ``read.started_ms`` on our clock, where it can be told.
            queued_since_s: likewise ``read.queued_since_ms``.
        """
        self._count_queue(read, at_s, queued_since_s)
        self._drop_aborted(at_s)
        self.unbegun = read.active and read.run_id is not None and not read.begun
        if not read.active or read.waits_for_slot or read.run_id is None or not read.begun:
            return
        run = self.runs.get(read.run_id)
        if run is not None and run.mark:
            self._look_again(run, read, at_s)
        elif not self.runs and self.unheard_s is not None and read.run_id not in self._ended:
            run = RunState(read.run_id, at_s, since_s=at_s, progress_s=at_s, started_s=started_s)
            run.kind = ActivityKind.EMBEDDED_RUN
            run.read(read.steps, at_s)
            run.mark, run.confirmed = read.mark, False
            self.runs[run.id] = run

    def read_due(self, now_s: float) -> bool:
        """Return whether `chat.history` is to be asked: what no event tells is to be known, and it is time again."""
        unheard = self.unheard_s is not None
        if self.read_s is None:
            fresh = unheard and self.queue_known and now_s - (self.unheard_s or 0.0) < _UNHEARD_FOR_S
            return not fresh and (unheard or self._queue_doubtful())
        age_s = now_s - self.read_s
        if self._queue_doubtful():
            return age_s >= (_QUEUE_READ_AGAIN_S if self.has_run is Presence.ABSENT else CONFIRMED_AFTER_S)
        if not unheard:
            return False
        confirmed = bool(self.runs) and all(run.confirmed for run in self.runs.values())
        return age_s >= (_READ_AGAIN_S if confirmed else CONFIRMED_AFTER_S)

    def forget(self, at_s: float) -> None:
        """After a gap in what was heard, know only what is listed anew; what went on meanwhile is unknown."""
        busy = bool(self.runs or self.queued_s) or self.unheard_s is not None or self.admission
        self.queue_known = self.queue_known and not busy
        self.runs.clear()
        self.waits.clear()
        self.queued_s.clear()
        self._begun()
        self.read_s = None
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
        run = self._known_run()
        unheard = run is None and self.unheard_s is not None
        wait = next(iter(self.waits.values()), None) or self._admission_wait()
        if wait is None and run is not None:
            wait = run.asked or run.retry
        queued, oldest_s = self._queue()
        made = Session(
            self.key,
            id=self.id,
            generation=self.generation,
            state=self._state(),
            state_since_s=self.state_since_s,
            lane_kind=_lane_of(self.key),
            queued=queued,
            oldest_queued_s=oldest_s,
            owner=self._owner(run),
            run=run.run if run is not None else None,
            activity=self._activity(run),
            progress_s=run.progress_s if run is not None else None,
            progress_known=not unheard,
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

    @property
    def _waits_to_begin(self) -> bool:
        return self.admission or (self.unbegun and self.behind_lane) or self._settling

    @property
    def _settling(self) -> bool:
        """Whether the gateway says idle, while a message waits for the lane of a run that is to end and has not yet."""
        idle = self.has_run is Presence.ABSENT and bool(self.queued_s) and bool(self.runs)
        return idle and all(run.settles for run in self.runs.values())

    def _known_run(self) -> RunState | None:
        """Return the run that is judged: the oldest that was heard, unless the gateway lists it as waiting."""
        known = [run for run in self.runs.values() if run.confirmed]
        return min(known, key=lambda run: run.first_s) if known and not self._waits_to_begin else None

    def _admission_wait(self) -> Wait | None:
        if not self._waits_to_begin:
            return None
        since_s = self.queued_s[0] if self._waiting_s is None and self.queued_s else self._waiting_s
        return Wait(WaitKind.LANE_ADMISSION, since_s=since_s)

    def _queue(self) -> tuple[int | None, float | None]:
        """Return how many messages wait (a message that waits to begin is one of them), and since when."""
        if not self.queue_known and not self.queued_s and not self._waits_to_begin:
            return None, None
        uncounted = self._waits_to_begin and (self._waits_uncounted or not self.queued_s)
        moments = [*list(self.queued_s)[:1], *([self._waiting_s] if uncounted else [])]
        return len(self.queued_s) + uncounted, min((m for m in moments if m is not None), default=None)

    def _state(self) -> SessionState | None:
        asked = any(run.asked is not None for run in self.runs.values())
        if self.waits or asked or self._waits_to_begin:
            return SessionState.WAITING
        if self.runs:
            return SessionState.PROCESSING
        return {Presence.PRESENT: SessionState.PROCESSING, Presence.ABSENT: SessionState.IDLE}.get(self.has_run)

    def _owner(self, run: RunState | None) -> Presence:
        if run is not None:
            return Presence.PRESENT
        if self.admission:
            return Presence.ABSENT  # the row says ``queued`` only while nothing of the session runs
        return Presence.ABSENT if self.has_run is Presence.ABSENT else Presence.UNKNOWN

    def _activity(self, run: RunState | None) -> Activity | None:
        """Return what it does. Of a run that was never heard nothing is known but that it is: told, never aborted."""
        if run is not None:
            activity = run.activity
            unnamed = activity.kind is ActivityKind.MODEL_CALL and not activity.name
            return replace(activity, name=self.model) if unnamed else activity
        if self.unheard_s is None or self._waits_to_begin:
            return None
        return Activity(ActivityKind.EMBEDDED_RUN, Presence.UNKNOWN, since_s=self.unheard_s)

    def _heard(self, run: RunState, at_s: float) -> None:
        """Note that a run says something itself: it does not wait, and more is known of it than reads show."""
        if run.abort_requested_s is not None:
            return
        if self.unheard_s is not None or self.admission or self.unbegun:
            self._begun()
            self._moved(at_s)
        if run.mark:
            run.mark, run.confirmed, run.progress_s = "", True, at_s

    def _begun(self) -> None:
        self.unheard_s = self._waiting_s = None
        self.admission = self.unbegun = self.behind_lane = self._waits_uncounted = False

    def _waits_for_slot(self, stamp: int | None, at_s: float) -> None:
        """Note that the row says ``queued``, unless a run has said something since the row was made."""
        if any(stamp is None or run.last_ts >= stamp for run in self.runs.values() if run.abort_requested_s is None):
            return
        self.runs = {key: run for key, run in self.runs.items() if not run.mark}  # reads took it for one that runs
        self.unheard_s = None
        if not self.admission:
            self._begins_to_wait(at_s)
            self.admission = True
            self._moved(at_s)

    def _is_active(self, at_s: float) -> None:
        """Note that the row says that a run is active and waits for no slot."""
        if self.admission:
            self.admission = False
            for run in self.runs.values():
                run.progress_s = at_s  # it got its slot
            self._moved(at_s)
        if not self.runs and self.unheard_s is None:
            self.unheard_s = at_s
            self._begins_to_wait(at_s)
            self._moved(at_s)

    def _begins_to_wait(self, at_s: float) -> None:
        if self._waiting_s is None:
            self._waiting_s, self._waits_uncounted = at_s, not self.queued_s

    def _none_active(self, stamp: int | None, at_s: float) -> None:
        """Believe the store that no run is active, unless a run has said something since. What waits, waits on."""
        over = [run.id for run in self.runs.values() if stamp is not None and stamp > run.last_ts]
        for run_id in over:
            run = self.runs[run_id]
            if run.abort_requested_s is None or not self.queued_s:
                self.ended(run_id, at_s)
            elif run.settles and at_s - run.abort_requested_s > SETTLES_WITHIN_S:
                run.overdue = True
                self._moved(at_s)
        if not self.runs:
            self.waits.clear()
        if self.unheard_s is not None or self.admission:
            self._begun()
            self._moved(at_s)

    def _queue_doubtful(self) -> bool:
        """Return whether it is unknown what waits: after a gap, or where the store says idle though messages wait."""
        if self.has_run is Presence.ABSENT:
            return bool(self.queued_s) or not self.queue_known
        return not self.queue_known and (bool(self.runs) or self.unheard_s is not None)

    def _count_queue(self, read: ColdRead, at_s: float, since_s: float | None) -> None:
        if any(run.first_s > at_s for run in self.runs.values()) or (self.queued_s and self.queued_s[-1] > at_s):
            return  # a run began or a message came while the answer was on its way
        self.queue_known = True
        while len(self.queued_s) > read.queued_at_most:
            self.queued_s.popleft()
        while len(self.queued_s) < read.queued:
            self.queued_s.appendleft(min(at_s, since_s) if since_s is not None else at_s)

    def _drop_aborted(self, at_s: float) -> None:
        """A run that was told to end and has not settled is of interest only while a message waits behind it."""
        if not self.queued_s:
            for run in [run for run in self.runs.values() if run.abort_requested_s is not None]:
                self.ended(run.id, at_s)

    def _look_again(self, run: RunState, read: ColdRead, at_s: float) -> None:
        """Compare with the read before. Only a change of the run itself is progress; a second read makes it known."""
        if read.mark != run.mark:
            run.progress_s, run.mark = at_s, read.mark
            run.read(read.steps, at_s)
        if not run.confirmed and at_s - run.first_s >= CONFIRMED_AFTER_S:
            run.confirmed = True
            self._moved(at_s)

    def _moved(self, at_s: float) -> None:
        self.generation += 1
        self.state_since_s = at_s


def _lane_of(key: str) -> LaneKind:
    """Return the kind of lane from a key such as ``agent:main:subagent:...``; the shared main lane is none of them."""
    return next((_LANES[part] for part in key.split(":")[2:] if part in _LANES), LaneKind.SESSION)
