"""The machine under the gateway: a loop that can block, a process that can stop, a host that thrashes or sleeps.

While anything of this lasts the gateway's events wait; they happen, late and in order, when it is over. Watchdogs
inside the gateway come first then, as timers do before I/O (OpenClaw 107415).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from livewatch.simulation.clock import SimulatedClock, Timeline
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.model import BlockedStack, Vitals
from livewatch_classifiers.vocabulary import Phase, ProcessState, StallCause

_DELAY_WINDOW_S = 10.0
_REMEMBERED_S = 26 * 3600.0
_NOTICEABLE_S = 0.05
_TINY_S = 1e-6


class PauseKind(StrEnum):
    """Why nothing runs."""

    BLOCK = "block"
    STOP = "stop"
    THRASH = "thrash"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Pause:
    """One reason for which nothing runs at the moment."""

    kind: PauseKind
    cause: StallCause
    stack: str = ""


class Host:
    """The gateway's loop, its process and the machine."""

    def __init__(self, timeline: Timeline, clock: SimulatedClock) -> None:
        self.timeline = timeline
        self.clock = clock
        self.gone = False
        self.agent_frozen = 0
        """How many pauses hold the agent too."""
        self.sees_loop = True
        self.overrides: dict[str, float] = {}
        """Vital signs that a script set, by field name of `Vitals`."""
        self.first: list[Callable[[], None]] = []
        """Watchdogs inside the gateway that are due as soon as it runs again."""
        self._pauses: dict[int, Pause] = {}
        self._paused_since_s: float | None = None
        self._pause_began_s = 0.0
        self._stood_s = 0.0
        self._deferred: deque[Callable[[], None]] = deque()
        self._blind = BlindTime()
        self._delays: deque[tuple[float, float]] = deque()
        self._suspended = False
        self._stack: BlockedStack | None = None
        self._cause = StallCause.UNKNOWN
        self._number = 0
        self.pauses: list[tuple[float, float]] = []
        """From when to when nothing ran, on the scenario's axis in seconds."""

    @property
    def running(self) -> bool:
        """Whether the gateway's loop runs."""
        return not self._pauses and not self.gone

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Let the gateway do something in ``delay_s`` seconds, or as soon as it runs after that."""
        self.timeline.after(delay_s, lambda: self.do(call))

    def work(self, seconds: float, call: Callable[[], None]) -> None:
        """Let something happen after so many seconds of running time: while nothing runs, nothing progresses."""
        done_s = self._ran_s() + seconds

        def due() -> None:
            left_s = done_s - self._ran_s()
            if left_s > _TINY_S:
                self.work(left_s, call)
            else:
                call()

        self.later(seconds, due)

    def do(self, call: Callable[[], None]) -> None:
        """Do it now, or when the gateway runs again."""
        if self.running:
            call()
        elif not self.gone:
            self._deferred.append(call)

    def pause(
        self,
        kind: PauseKind,
        for_s: float,
        *,
        cause: StallCause = StallCause.UNKNOWN,
        stack: str = "",
        agent_too: bool = False,
    ) -> None:
        """Stop the gateway for ``for_s`` seconds; several pauses may overlap."""
        self._number += 1
        number = self._number
        if self._paused_since_s is None:
            self._paused_since_s = self.clock.monotonic_s()
            self._pause_began_s = self.timeline.now_s
        self._pauses[number] = Pause(kind, cause, stack)
        self._cause = cause
        self.agent_frozen += int(agent_too)
        if stack:
            self._stack = BlockedStack(self.clock.monotonic_s(), 1, stack)
        if kind is PauseKind.SUSPEND:
            self.clock.fall_asleep()
        self.timeline.after(for_s, lambda: self._over(number, agent_too=agent_too))

    def forget_deferred(self) -> None:
        """Drop what waits for the loop: the process that would have done it is gone."""
        self._deferred.clear()
        self.first.clear()

    def vitals(self, phase: Phase, ready_s: float | None) -> Vitals:
        """Return the signs of life as an embedded probe and the operating system show them now."""
        now_s = self.clock.monotonic_s()
        since_s = self._paused_since_s
        kinds = {pause.kind for pause in self._pauses.values()}
        gil = any(pause.cause is StallCause.GIL for pause in self._pauses.values())
        thread_stopped = bool(kinds - {PauseKind.BLOCK}) or gil
        suspended, self._suspended = self._suspended, False
        delay_s = self._recent_delay(now_s)
        vitals = Vitals(
            now_s=now_s,
            blind=self._blind_now(since_s, now_s) if self.sees_loop else BlindTime(),
            phase=phase,
            process=ProcessState.STOPPED if PauseKind.STOP in kinds else ProcessState.RUNNING,
            ready_s=ready_s,
            loop_heartbeat_s=(now_s if since_s is None else since_s) if self.sees_loop else None,
            thread_heartbeat_s=(since_s if thread_stopped else now_s) if self.sees_loop else None,
            loop_delay_p99_s=delay_s / 2 if self.sees_loop else None,
            loop_delay_max_s=delay_s if self.sees_loop else None,
            loop_utilization=1.0 if PauseKind.BLOCK in kinds else 0.2,
            cpu_cores=1.0 if PauseKind.BLOCK in kinds else 0.05,
            memory_pressure=0.6 if PauseKind.THRASH in kinds else 0.0,
            major_faults_per_s=11168.0 if PauseKind.THRASH in kinds else 0.0,
            swap_used=0.74 if PauseKind.THRASH in kinds else 0.0,
            cause=self._cause if self._pauses or delay_s > _NOTICEABLE_S else StallCause.UNKNOWN,
            stack=self._stack,
            suspended=suspended,
        )
        return replace(vitals, **self.overrides) if self.overrides else vitals  # type: ignore[arg-type]  # checked names

    def _ran_s(self) -> float:
        """Return for how long the loop has run since the beginning."""
        since_s = self.timeline.now_s if self._paused_since_s is None else self._pause_began_s
        return since_s - self._stood_s

    def _blind_now(self, since_s: float | None, now_s: float) -> BlindTime:
        if since_s is None or now_s <= since_s:
            return self._blind
        return self._blind.extended([(since_s, now_s)], forget_before_s=now_s - _REMEMBERED_S)

    def _recent_delay(self, now_s: float) -> float:
        delays = self._delays
        while delays and now_s - delays[0][0] > _DELAY_WINDOW_S:
            delays.popleft()
        running_s = 0.0 if self._paused_since_s is None else now_s - self._paused_since_s
        return max([0.012, running_s, *(length_s for _, length_s in delays)])

    def _over(self, number: int, *, agent_too: bool) -> None:
        pause = self._pauses.pop(number)
        self.agent_frozen -= int(agent_too)
        if pause.kind is PauseKind.SUSPEND and not any(p.kind is PauseKind.SUSPEND for p in self._pauses.values()):
            self.clock.wake_up()
            self._suspended = True
        if not self._pauses:
            self._resume()

    def _resume(self) -> None:
        now_s = self.clock.monotonic_s()
        since_s = self._paused_since_s
        self._paused_since_s = None
        self.pauses.append((self._pause_began_s, self.timeline.now_s))
        self._stood_s += self.timeline.now_s - self._pause_began_s
        if since_s is not None and now_s - since_s > _NOTICEABLE_S:
            self._blind = self._blind.extended([(since_s, now_s)], forget_before_s=now_s - _REMEMBERED_S)
            self._delays.append((now_s, now_s - since_s))
        first, self.first = self.first, []
        for call in first:
            call()
        while self._deferred and self.running:
            self._deferred.popleft()()
