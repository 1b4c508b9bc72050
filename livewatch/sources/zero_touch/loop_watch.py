"""Watches a loop's thread 20 times a second in a thread of its own, and pokes it where looking does not settle it."""

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from livewatch.sources.zero_touch.loop_state import LoopState, ThreadSample, loop_state

PERIOD_S = 0.05
WINDOW_S = 0.5
POKE_EVERY_S = 2.0
POKE_WITHIN_S = 1.0
"""A healthy idle loop was seen to wake within 10 ms of a connection; one in a blocking call not within 500 ms."""
_LOG = logging.getLogger("livewatch.zero_touch")


@dataclass(frozen=True, slots=True)
class LoopReading:
    """What is known of the loop now."""

    state: LoopState
    alive_s: float | None
    """Monotonic moment at which the loop was last known to turn."""
    looked_s: float
    gone: bool = False
    blocked_in_call: bool = False
    """Quiet, and a poke did not wake it."""


class LoopWatch:
    """`start` begins to look; `reading` gives the latest, and never waits."""

    def __init__(self, look: Callable[[], ThreadSample], port: int | None = None) -> None:
        """Poke ``port`` on the loopback when the loop is quiet; without one, quiet is taken for idle."""
        self._look = look
        self._port = port
        self._window: deque[ThreadSample] = deque(maxlen=int(WINDOW_S / PERIOD_S) + 1)
        now_s = time.monotonic()  # taken for alive until it was looked at
        self._reading = LoopReading(LoopState.UNKNOWN, now_s, now_s)
        self._poked_s = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livewatch.zero_touch", daemon=True)
        self._told = False

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; safe to call twice."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(POKE_WITHIN_S + 1.0)

    @property
    def reading(self) -> LoopReading:
        """The latest reading."""
        return self._reading

    def _run(self) -> None:
        while not self._ended.is_set():
            self._reading = self._round()
            self._ended.wait(PERIOD_S)

    def _round(self) -> LoopReading:
        before = self._reading
        try:
            sample = self._look()
        except ProcessLookupError:
            return LoopReading(LoopState.UNKNOWN, before.alive_s, time.monotonic(), gone=True)
        except OSError as error:
            if not self._told:
                self._told = True
                _LOG.warning("the loop's thread cannot be read (%s): its state stays unknown", error)
            return LoopReading(LoopState.UNKNOWN, before.alive_s, time.monotonic())
        self._window.append(sample)
        state = loop_state(list(self._window))
        if state is LoopState.ACTIVE:
            return LoopReading(state, sample.at_s, sample.at_s)
        if state is not LoopState.QUIET:
            return LoopReading(state, before.alive_s, sample.at_s)
        return self._quiet(before, sample)

    def _quiet(self, before: LoopReading, sample: ThreadSample) -> LoopReading:
        """Tell idle from blocked: a connection wakes an idle loop, whatever it answers."""
        if self._port is None:
            return LoopReading(LoopState.QUIET, sample.at_s, sample.at_s)
        if sample.at_s - self._poked_s < POKE_EVERY_S:
            alive_s = before.alive_s if before.blocked_in_call else sample.at_s
            return LoopReading(LoopState.QUIET, alive_s, sample.at_s, blocked_in_call=before.blocked_in_call)
        self._poked_s = sample.at_s
        woke = self._poke(sample.switches)
        now_s = time.monotonic()
        alive_s = now_s if woke else before.alive_s
        return LoopReading(LoopState.QUIET, alive_s, now_s, blocked_in_call=not woke)

    def _poke(self, switches: int) -> bool:
        """Open and drop one connection; return whether the thread gave up the processor since."""
        until_s = time.monotonic() + POKE_WITHIN_S
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port or 0), POKE_WITHIN_S):
            pass
        while time.monotonic() < until_s and not self._ended.wait(0.005):
            try:
                sample = self._look()
            except OSError:
                return False
            if sample.switches > switches:
                return True
        return self._ended.is_set()
