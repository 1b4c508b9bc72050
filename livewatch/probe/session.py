"""One session's row on the board, kept true by what the gateway reports. Used on the loop's thread only."""

import logging
import time
import weakref
from collections.abc import Callable

from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import ACTIVITIES, LANES, NONE, NS_MAX, RECORD_FIELDS, STATES, WAITS, to_ns
from livewatch.probe.levers import DropReason
from livewatch.probe.run import Activity, Run, Waiting

_BACKOFF = WAITS.index("provider_backoff")
_log = logging.getLogger("livewatch.probe")


def _nothing(_kind: str = "token") -> None:
    """Take the place of the progress stamp for a session that found no slot."""


class Session:
    """Handle to one session; get it from `Probe.session`. Its slot is freed by `close` or by garbage collection."""

    def __init__(
        self,
        board: BoardWriter,
        key: str,
        lane: str,
        session_id: str | None,
        admits: Callable[[], bool] = lambda: True,
    ) -> None:
        if lane not in LANES:
            raise ValueError(f"{lane!r} is no lane kind; known: {', '.join(LANES)}")
        self.key = key
        self.lane = lane
        self.generation = 1
        self.current: Run | None = None
        self.closed = False
        self.admits = admits
        """Whether new runs are let in; false while the gateway drains."""
        self._board = board
        self._slot = board.acquire()
        self._activities: list[Activity] = []
        self._waits: list[Waiting] = []
        self._heard = False
        """Whether a run of this session ever reported progress or an activity."""
        self._unheard_ns = 0
        """The last stamp of progress that was the probe's own; 0 once the session was heard."""
        self._shown_state = STATES.index("idle")
        """The state that is on the board; saying it again changes nothing."""
        self._shown_run_id = ""
        """The run of the activity that was shown last."""
        self.progress_function: Callable[..., None] = _nothing
        if self._slot is not None:
            self.progress_function = board.progress_of(self._slot)
            self._finalizer = weakref.finalize(self, board.abandon, self._slot)
            self._blank(lane, session_id)

    @property
    def on_board(self) -> bool:
        """False when the board was full; such sessions are counted, not watched."""
        return self._slot is not None

    @property
    def progress_ns(self) -> int:
        """Return the last stamp of progress, 0 for none."""
        return 0 if self._slot is None else self._board.stamped(self._slot)

    def run(self, run_id: str, timeout: float | None = None) -> Run:
        """Return a run of this session; enter it with ``async with``. ``timeout`` in seconds."""
        return Run(self, run_id, timeout)

    def waiting(self, kind: str, *, delivered: bool | None = None, deadline: float | None = None) -> Waiting:
        """Declare a wait; enter it with ``with``.

        Args:
            kind: one of ``approval, question, lane_admission, provider_backoff, subagent, setup, drain,
                runtime_owned``.
            delivered: whether the question reached a person; ``None`` when that is not known.
            deadline: seconds from now after which nobody will answer any more.
        """
        if kind not in WAITS:
            raise ValueError(f"{kind!r} is no kind of wait; known: {', '.join(WAITS)}")
        return Waiting(self, WAITS.index(kind), delivered=delivered, deadline=deadline)

    def queued(self, depth: int | None, oldest_ns: int | None = None) -> None:
        """Report the depth of the lane's queue and when its oldest message came (CLOCK_MONOTONIC ns)."""
        known = NONE if depth is None else min(max(depth, 0), NS_MAX)
        self._write({"queued": known, "oldest_queued_ns": oldest_ns or 0})

    def in_store(self, known: bool | None) -> None:  # noqa: FBT001 -- a tri-state fact, not an option
        """Report whether the session store has this session."""
        self._write({"in_store": _presence(known)})

    def store_running(self, known: bool | None) -> None:  # noqa: FBT001 -- a tri-state fact, not an option
        """Report whether the session store says that a run is active."""
        self._write({"store_says_running": _presence(known)})

    def holder(self, known: bool | None) -> None:  # noqa: FBT001 -- a tri-state fact, not an option
        """Report whether a prompt holder is registered for the session's file."""
        self._write({"holder": _presence(known)})

    def state(self, state: str) -> None:
        """Set the state manually: ``idle``, ``processing`` or ``waiting``. Runs and waits set it by themselves.

        The state that the session has already is no news: it moves neither the generation nor the age of the state.
        """
        if STATES.index(state) == self._shown_state:
            return
        self._changed({"state": STATES.index(state), "state_since_ns": time.monotonic_ns()})

    def heartbeat_dropped(self, reason: DropReason) -> None:
        """Count a heartbeat that was not run, and log it: a silent drop is how sessions die unseen."""
        self._board.add(f"drops_{DropReason(reason).value}")
        _log.warning("heartbeat dropped session=%s reason=%s", self.key, DropReason(reason).value)

    def forget_run(self, run_id: str, handle: str) -> bool:
        """Unregister exactly this run and handle; return whether they were registered.

        The forgotten run may end later: its exit is then ignored, because its identity no longer matches.
        """
        run = self.current
        if run is None or run.id != run_id or run.handle != handle:
            return False
        self._activities = [activity for activity in self._activities if activity.run is not run]
        run.progress = _nothing
        self.run_ended(run)
        return True

    def clear_activity(self) -> None:
        """Take every activity off the board that no registered run owns."""
        self._activities = [activity for activity in self._activities if activity.run is self.current]
        self.show_activity()

    def close(self) -> None:
        """Take the session off the board; safe to call twice."""
        self.closed = True
        slot, self._slot = self._slot, None
        self.progress_function = _nothing
        if self.current is not None:
            self.current.progress = _nothing
        if slot is not None:
            self._finalizer.detach()
            self._board.release(slot)

    # What follows is called by Run, Activity and Waiting.

    def run_began(self, run: Run) -> None:
        """Register a run as the owner."""
        self.current = run
        now_ns = run.started_ns
        self._stamp_own(now_ns)
        texts = {"run_id": run.id, "handle": run.handle}
        values = {**_run_values(run), "state": STATES.index("processing"), "state_since_ns": now_ns}
        self._changed({**values, "unheard_ns": self._unheard_ns}, texts)
        self.show_activity()

    def run_ended(self, run: Run) -> None:
        """Unregister a run, if it is still the registered one; activities that it left open are ownerless now."""
        if self.current is not run:
            return
        self.current = None
        values = dict.fromkeys(("run_started_ns", "run_timeout_ns", "abort_requested_ns", "repeating_since_ns"), 0)
        values |= {"owner": 0, "repeats": 0, "state": STATES.index("idle"), "state_since_ns": time.monotonic_ns()}
        self._changed(values, {"run_id": "", "handle": ""})
        self.show_activity()

    def show_run(self, run: Run) -> None:
        """Show what changed about the registered run."""
        if self.current is run:
            self._changed(_run_values(run))

    def activity_began(self, activity: Activity) -> None:
        """Show the innermost open activity."""
        self._activities.append(activity)
        self._heard, self._unheard_ns = True, 0
        self.show_activity()

    def activity_ended(self, activity: Activity) -> None:
        """Show the activity around it again, if any."""
        if activity in self._activities:
            self._activities.remove(activity)
            self.progress_function()
            self.show_activity()

    def show_activity(self) -> None:
        """Write the innermost open activity onto the board."""
        if not self._activities:
            self._changed({"activity": NONE, "activity_owner": NONE, "child_pid": 0})
            return
        activity = self._activities[-1]
        values = {
            "activity": ACTIVITIES.index(activity.kind),
            "activity_owner": int(activity.run is self.current),
            "activity_since_ns": activity.since_ns,
            "activity_allowance_ns": activity.allowance_ns,
            "child_pid": activity.child_pid,
            "unheard_ns": 0,
        }
        texts = {"activity_name": activity.name}
        if activity.run.id != self._shown_run_id:
            texts["activity_run"] = self._shown_run_id = activity.run.id
        self._changed(values, texts)

    def wait_began(self, wait: Waiting) -> None:
        """Show a wait."""
        self._waits.append(wait)
        self._changed({"state": STATES.index("waiting")})
        self.show_wait()

    def wait_ended(self, wait: Waiting) -> None:
        """Show the wait around it again, if any; an answer is progress, the end of a back-off is not."""
        if wait in self._waits:
            self._waits.remove(wait)
            if wait.kind != _BACKOFF:
                self._stamp_own(time.monotonic_ns())
            elif self.current is not None and self.current.repeating_since_ns:
                # a timer that fires is no progress, and waiting is not repeating
                self.current.repeating_since_ns += time.monotonic_ns() - wait.since_ns
                self.show_run(self.current)
        running = "processing" if self.current is not None else "idle"
        state = STATES.index("waiting" if self._waits else running)
        self._changed({"state": state, "unheard_ns": self._unheard_ns})
        self.show_wait()

    def show_wait(self) -> None:
        """Write the innermost wait onto the board."""
        if not self._waits:
            self._changed({"wait": NONE})
            return
        wait = self._waits[-1]
        values = {"wait": wait.kind, "wait_since_ns": wait.since_ns, "wait_deadline_ns": wait.deadline_ns}
        self._changed(values | {"wait_delivered": _presence(wait.was_delivered)})

    def _stamp_own(self, now_ns: int) -> None:
        """Stamp progress that no run reported: it makes the session younger, and says nothing about its reporting."""
        if self._slot is None:
            return
        self._heard = self._heard or self._board.stamped(self._slot) > self._unheard_ns
        self._board.stamp(self._slot, now_ns)
        self._unheard_ns = 0 if self._heard else now_ns

    def _blank(self, lane: str, session_id: str | None) -> None:
        if self._slot is not None:
            self._board.stamp(self._slot, 0)
        values = dict.fromkeys(RECORD_FIELDS, 0)
        unknown = ("activity", "activity_owner", "wait", "wait_delivered", "in_store", "store_says_running", "holder")
        values |= dict.fromkeys(unknown, NONE)
        values |= {"used": 1, "lane_kind": LANES.index(lane), "generation": 1, "state_since_ns": time.monotonic_ns()}
        texts = {"key": self.key, "id": session_id or "", "run_id": "", "handle": "", "activity_run": ""}
        self._write(values, {**texts, "activity_name": ""})

    def _changed(self, values: dict[str, int], texts: dict[str, str] | None = None) -> None:
        self.generation += 1
        values["generation"] = self.generation
        self._shown_state = values.get("state", self._shown_state)
        self._write(values, texts)

    def _write(self, values: dict[str, int], texts: dict[str, str] | None = None) -> None:
        if self._slot is not None:
            self._board.write(self._slot, values, texts)


def _presence(known: bool | None) -> int:  # noqa: FBT001 -- a tri-state fact
    return NONE if known is None else int(known)


def _run_values(run: Run) -> dict[str, int]:
    return {
        "owner": 1,
        "run_started_ns": run.started_ns,
        "run_timeout_ns": to_ns(run.timeout_s),
        "abort_requested_ns": run.abort_requested_ns,
        "terminal": run.terminal,
        "repeats": run.repeats,
        "repeating_since_ns": run.repeating_since_ns,
    }
