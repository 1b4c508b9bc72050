"""What systemd is told, and when: ready after the first tick, alive as long as ticks end, busy while it reloads."""

import os
import time
from collections.abc import Callable, Generator, MutableMapping
from contextlib import contextmanager

from livewatch.supervision.sd_notify import NotifySocket, watchdog_s
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import SICK

_FED_PER_BOUND = 4
"""Twice as often as systemd advises: a tick that comes a moment late must not cost the half that is left."""
_STATUS_EVERY_S = 5.0
_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


class IntervalError(ValueError):
    """Ticks are rarer than the supervisor's watchdog allows: the agent would be killed again and again."""


class Supervisor:
    """A `TickListener` that feeds the watchdog. It belongs last in the line: a listener that hangs must be noticed."""

    def __init__(
        self,
        channel: NotifySocket,
        *,
        interval_s: float,
        watchdog_s: float | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the channel; nothing is said before the first tick.

        Raises:
            IntervalError: when less than two ticks fit into ``watchdog_s``.
        """
        if watchdog_s is not None and 2 * interval_s > watchdog_s:
            channel.close()
            hint = "make interval shorter, or WatchdogSec longer"
            raise IntervalError(f"a tick every {interval_s:g} s cannot feed a watchdog of {watchdog_s:g} s; {hint}")
        self._channel = channel
        self._monotonic_s = monotonic_s
        self._feed_every_s = None if watchdog_s is None else watchdog_s / _FED_PER_BOUND
        self._ready = False
        self._fed_s = self._told_s = float("-inf")
        self._status = ""
        self._sick: set[str] = set()

    @classmethod
    def of_environment(cls, interval_s: float, environ: MutableMapping[str, str] | None = None) -> "Supervisor":
        """Return the supervisor that the environment names; one that hears nothing where it names none.

        It is taken out of the environment: what a restart command starts must not speak to it in our name.

        Raises:
            IntervalError: when less than two ticks fit into the watchdog's time.
        """
        environ = os.environ if environ is None else environ
        told = {name: environ.pop(name) for name in _VARIABLES if name in environ}
        channel = NotifySocket(told.get("NOTIFY_SOCKET", ""))
        return cls(channel, interval_s=interval_s, watchdog_s=watchdog_s(told))

    def on_tick(self, report: TickReport) -> None:
        """Tell that the agent is alive; called on the agent's loop after every tick, also one that saw nothing."""
        if not self._channel.listens:
            return
        now_s = self._monotonic_s()
        facts: dict[str, object] = {}
        if not self._ready:
            self._ready, facts["READY"] = True, 1
        if self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s:
            facts["WATCHDOG"] = 1
        status = self._words(report)
        if status != self._status and now_s - self._told_s >= _STATUS_EVERY_S:
            facts["STATUS"] = status
        if facts and self._channel.say(**facts):
            self._fed_s = now_s if "WATCHDOG" in facts else self._fed_s
            if "STATUS" in facts:
                self._status, self._told_s = status, now_s
        elif "READY" in facts:
            self._ready = False  # said again after the next tick

    @contextmanager
    def reloading(self) -> Generator[None]:
        """Tell that the configuration is read again for the length of the block."""
        if self._ready:
            self._channel.say(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)
        try:
            yield
        finally:
            if self._ready:
                self._channel.say(READY=1)

    def stopping(self) -> None:
        """Tell that the agent ends, as it was asked to."""
        self._channel.say(STOPPING=1, STATUS="ending")

    def close(self) -> None:
        """Let go of the channel; safe to call twice."""
        self._channel.close()

    def _words(self, report: TickReport) -> str:
        for change in report.transitions:  # counted by their changes: no tick walks through all sessions
            if change.after is not None and change.after.attention in SICK:
                self._sick.add(change.key)
            else:
                self._sick.discard(change.key)
        if report.snapshot is None:
            return f"{report.target}: {report.vitals.state.value}; {report.problem}"
        counts = f"{len(report.verdicts)} sessions, {len(self._sick)} of them stalled or stuck"
        return f"{report.target}: {report.vitals.state.value}; {counts}"
