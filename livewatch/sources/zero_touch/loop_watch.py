"""Watches a loop's thread 20 times a second in a thread of its own, and knocks where looking does not settle it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from livewatch.sources.zero_touch.loop_state import LoopState, ThreadSample, loop_state

PERIOD_S = 0.05
WINDOW_S = 0.5
KNOCK_EVERY_S = 2.0
"""Between two knocks at a loop whose thread does not show that it turns."""
KNOCK_ACTIVE_EVERY_S = 10.0
"""Likewise at one whose thread sleeps and wakes: a blocked loop's may too, in short waits or for the GIL."""
ANSWER_WITHIN_S = 0.5
"""A healthy idle loop was seen to wake within 10 ms of a connection; one in a blocking call not within 500 ms."""
ASK_EVERY_S = 0.25
"""Between two questions about a connection that was not taken in time: each costs the kernel a millisecond."""
UNWATCHED_S = 0.5
"""A longer gap between two looks is our own pause: nobody is blamed for what was not watched."""
_LOG = logging.getLogger("livewatch.zero_touch")


@dataclass(frozen=True, slots=True)
class LoopReading:
    """What is known of the loop now."""

    state: LoopState
    alive_s: float
    """Monotonic moment at which the loop was last known to turn; time in which it was not watched does not age it."""
    looked_s: float
    gone: bool = False
    blocked: bool = False
    """A connection was not taken in time, and still is not."""
    settled: bool = True
    """False while nothing tells whether the loop turns; then ``alive_s`` means nothing."""


class Visit(Protocol):
    """A connection that waits to be taken: `knock.Knock`."""

    def taken(self) -> bool | None:
        """Return whether the loop has taken it; ``None`` where that cannot be seen."""
        ...

    def close(self) -> None:
        """Drop it."""
        ...


class LoopWatch:
    """`start` begins to look; `reading` gives the latest, and never waits."""

    def __init__(
        self, look: Callable[[], ThreadSample], knock: Callable[[], Visit | None] | None, *, now_s: float
    ) -> None:
        """Look with ``look``; ``knock`` opens one connection, or returns ``None`` where there is no door.

        Where something else tells a blocked loop from an idle one, ``knock`` is ``None``: nothing is opened, and
        nothing is said of ports.
        """
        self._look = look
        self._knock = knock or _knock_nowhere
        self._window: deque[ThreadSample] = deque(maxlen=int(WINDOW_S / PERIOD_S) + 1)
        self._reading = LoopReading(LoopState.UNKNOWN, now_s, now_s, settled=False)
        self._visit: Visit | None = None
        self._knocked_s = self._asked_s = float("-inf")
        self._no_door = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livewatch.zero_touch", daemon=True)
        self._told = set[str]() if knock is not None else {"door"}

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; safe to call twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._leave()

    @property
    def reading(self) -> LoopReading:
        """The latest reading."""
        return self._reading

    def look(self) -> LoopReading:
        """Look once. The thread does; a test may instead."""
        self._reading = self._round()
        return self._reading

    def _run(self) -> None:
        while not self._ended.is_set():
            self.look()
            self._ended.wait(PERIOD_S)

    def _round(self) -> LoopReading:
        before = self._reading
        try:
            sample = self._look()
        except ProcessLookupError:
            return LoopReading(LoopState.UNKNOWN, before.alive_s, time.monotonic(), gone=True, settled=False)
        except OSError as error:
            self._tell("thread", f"the loop's thread cannot be read ({error}): its state stays unknown")
            return LoopReading(LoopState.UNKNOWN, before.alive_s, time.monotonic(), settled=False)
        alive_s, now_s = before.alive_s, sample.at_s
        unwatched_s = now_s - before.looked_s
        if unwatched_s > UNWATCHED_S:
            self._window.clear()
            self._knocked_s += unwatched_s
            alive_s += unwatched_s
        woke = bool(self._window) and sample.switches > self._window[-1].switches
        self._window.append(sample)
        state = loop_state(list(self._window))
        taken = self._ask(state, now_s)
        waiting = self._visit is not None
        if taken or (not waiting and self._turns(state, woke=woke)):
            alive_s = now_s
        settled = waiting or not (self._no_door and state is LoopState.QUIET)
        if not settled:
            self._tell("door", "no port of the gateway can be knocked at: idle and blocked in a call look alike")
        blocked = waiting and now_s - self._knocked_s >= ANSWER_WITHIN_S
        return LoopReading(state, alive_s, now_s, blocked=blocked, settled=settled)

    def _ask(self, state: LoopState, now_s: float) -> bool | None:
        """Knock if it is time, and return whether the loop has taken the connection by now.

        There is one connection at a time: a blocked loop never finds more than one of ours in its queue.
        """
        every_s = KNOCK_ACTIVE_EVERY_S if state is LoopState.ACTIVE else KNOCK_EVERY_S
        asleep = state in (LoopState.STOPPED, LoopState.UNKNOWN)
        if self._visit is None and not asleep and now_s - self._knocked_s >= every_s:
            self._visit, self._knocked_s = self._knock(), now_s
            self._no_door = self._visit is None
        overdue = now_s - self._knocked_s >= ANSWER_WITHIN_S
        if self._visit is None or (overdue and now_s - self._asked_s < ASK_EVERY_S):
            return None
        self._asked_s = now_s
        taken = self._visit.taken()
        unseen = taken is None and overdue
        if taken or unseen:
            self._no_door = unseen
            self._leave()
        return taken

    def _turns(self, state: LoopState, *, woke: bool) -> bool:
        """Return whether a loop at which no connection waits is taken to turn."""
        if state in (LoopState.STOPPED, LoopState.UNKNOWN):
            return False
        return woke if self._no_door else True  # it took the last connection, and the next one comes soon

    def _leave(self) -> None:
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.close()

    def _tell(self, topic: str, message: str) -> None:
        if topic not in self._told:
            self._told.add(topic)
            _LOG.warning("%s", message)


def _knock_nowhere() -> None:
    """Open nothing."""
