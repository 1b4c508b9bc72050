"""A gateway that embeds nothing, seen from outside: its loop, its process and its host. Sessions cannot be seen.

It says whether the gateway is responsive, blocked, stopped or gone; nothing can be repaired through it.
"""

import asyncio
import time
from dataclasses import dataclass

from livewatch.clock import Clock
from livewatch.sources.base import SourceError
from livewatch.sources.host import HostSampler
from livewatch.sources.process_stat import ProcessStat
from livewatch.sources.sleep_watch import SleepWatch
from livewatch.sources.zero_touch.door import listeners
from livewatch.sources.zero_touch.doorbell import Doorbell
from livewatch.sources.zero_touch.loop_state import LoopState
from livewatch.sources.zero_touch.loop_watch import LoopReading, LoopWatch
from livewatch.sources.zero_touch.thread_look import ThreadLook
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, Snapshot, Vitals
from livewatch_classifiers.vocabulary import ActionKind, ProcessState, StallCause

_CAUSES = {
    LoopState.COMPUTING: StallCause.OWN_CODE,
    LoopState.QUIET: StallCause.OWN_CODE,
    LoopState.STOPPED: StallCause.STOPPED,
    LoopState.STARVED: StallCause.HOST,
}
_PROCESS = {
    LoopState.STOPPED: ProcessState.STOPPED,
    LoopState.COMPUTING: ProcessState.RUNNING,
    LoopState.STARVED: ProcessState.RUNNING,
    LoopState.UNKNOWN: ProcessState.UNKNOWN,
}
_OVERDUE_S = 5.0
"""Age of a look beyond which it says nothing about now."""


@dataclass(slots=True)
class _Attached:
    pid: int
    start_ticks: int
    watch: LoopWatch


class ProcessSource:
    """Finds the process by pid, or by the port that it listens on, and finds its successor the same way."""

    def __init__(self, clock: Clock, *, name: str, pid: int | None = None, port: int | None = None) -> None:
        self._clock = clock
        self._name = name
        self._pid = pid
        self._port = port
        self._host = HostSampler()
        self._sleep = SleepWatch(clock)
        self._attached: _Attached | None = None
        self._ended = False
        """Whether the process was there, has ended, and has no successor yet."""

    loop_source = "probe"
    sees_sessions = False

    @property
    def name(self) -> str:
        """Configured name of the gateway."""
        return self._name

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """Nothing: a process that embeds nothing offers no levers."""
        return frozenset()

    async def sample(self) -> Snapshot:
        """Say how process and loop are.

        Raises:
            SourceError: when there is no such process; ``gone`` when it was there before, for as long as it is missing.
        """
        now_s = self._clock.monotonic_s()
        attached = self._attached
        if attached is None:
            attached = await asyncio.to_thread(self._attach)
        loop = attached.watch.reading
        if loop.gone:
            await self._let_go()
            self._ended = True
            raise SourceError(f"process {attached.pid} has ended", "start the gateway", gone=True)
        reading = self._host.reading(attached.pid)
        heartbeat_s = _heartbeat_s(loop, now_s)
        vitals = Vitals(
            now_s=now_s,
            blind=_blind(heartbeat_s, now_s),
            process=_PROCESS.get(loop.state, ProcessState.SLEEPING),
            loop_heartbeat_s=heartbeat_s,
            cause=_CAUSES.get(loop.state, StallCause.UNKNOWN),
            suspended=self._sleep.slept(),
        )
        vitals = reading.onto(vitals, self._clock.wall_s())
        return Snapshot(vitals, {}, identity=GatewayIdentity(attached.pid, str(attached.start_ticks)))

    async def act(self, action: Action) -> Reply:
        """Refuse: there is nothing to act through."""
        return Reply(ReplyStatus.UNSUPPORTED, f"a process that embeds nothing offers no {action.kind.value}")

    async def close(self) -> None:
        """Stop looking; safe to call twice."""
        await self._let_go()
        await asyncio.to_thread(self._host.close)

    async def _let_go(self) -> None:
        attached, self._attached = self._attached, None
        if attached is not None:
            await asyncio.to_thread(attached.watch.close)

    def _attach(self) -> _Attached:
        pid = self._pid if self._pid is not None else _who_listens(self._port)
        found = None if pid is None else ProcessStat.of(pid)
        if pid is None or found is None or found.state is ProcessState.GONE:
            what = f"process {self._pid}" if self._pid is not None else f"process that listens on port {self._port}"
            hint = "start the gateway, or name it with --pid or --port"
            raise SourceError(f"there is no {what}", hint, gone=self._ended)
        watch = LoopWatch(ThreadLook(pid).look, Doorbell(pid, self._port), now_s=time.monotonic())
        watch.start()
        self._attached = _Attached(pid, found.start_ticks, watch)
        self._ended = False
        return self._attached


def _heartbeat_s(loop: LoopReading, now_s: float) -> float | None:
    """Return when the loop last turned, or ``None`` where that is unknown.

    Only time in which it was watched ages it: a look that is overdue is the watcher's lateness, never the loop's.
    """
    if not loop.settled or loop.state is LoopState.UNKNOWN or now_s - loop.looked_s > _OVERDUE_S:
        return None
    return now_s - max(0.0, loop.looked_s - loop.alive_s)


def _blind(heartbeat_s: float | None, now_s: float) -> BlindTime:
    if heartbeat_s is None or heartbeat_s >= now_s:
        return BlindTime()
    return BlindTime.of([(heartbeat_s, now_s)])


def _who_listens(port: int | None) -> int | None:
    return next((one.pid for one in listeners() if one.port == port and one.pid is not None), None)
