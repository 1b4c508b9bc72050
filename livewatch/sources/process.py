"""A gateway that embeds nothing, seen from outside: its loop, its process and its host. Sessions cannot be seen.

It says whether the gateway is responsive, blocked, stopped or gone; nothing can be repaired through it.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil

from livewatch.clock import Clock
from livewatch.sources.base import SourceError
from livewatch.sources.host import HostSampler
from livewatch.sources.process_stat import ProcessStat
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
        self._attached: _Attached | None = None

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
            SourceError: when there is no such process; ``gone`` when it was there before.
        """
        now_s = self._clock.monotonic_s()
        attached = self._attached
        if attached is None:
            attached = await asyncio.to_thread(self._attach)
        loop = attached.watch.reading
        if loop.gone:
            await self._let_go()
            raise SourceError(f"process {attached.pid} has ended", "start the gateway", gone=True)
        reading = self._host.reading(attached.pid)
        vitals = Vitals(
            now_s=now_s,
            blind=_blind(loop, now_s),
            process=ProcessState.STOPPED if loop.state is LoopState.STOPPED else ProcessState.SLEEPING,
            loop_heartbeat_s=_heartbeat_s(loop, now_s),
            cpu_cores=reading.cpu_cores,
            cpu_user_s=reading.cpu_user_s,
            cpu_system_s=reading.cpu_system_s,
            rss_bytes=reading.rss_bytes,
            threads=reading.threads,
            file_descriptors=reading.file_descriptors,
            memory_pressure=reading.memory_pressure,
            io_pressure=reading.io_pressure,
            swap_used=reading.swap_used,
            major_faults_per_s=reading.major_faults_per_s,
            cause=_CAUSES.get(loop.state, StallCause.UNKNOWN),
        )
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
        pid = self._pid if self._pid is not None else _listener(self._port)
        found = None if pid is None else ProcessStat.of(pid)
        if pid is None or found is None or found.state is ProcessState.GONE:
            what = f"process {self._pid}" if self._pid is not None else f"process that listens on port {self._port}"
            raise SourceError(f"there is no {what}", "start the gateway, or name it with --pid or --port")
        watch = LoopWatch(ThreadLook(pid).look, self._port if self._port is not None else _port_of(pid))
        watch.start()
        self._attached = _Attached(pid, found.start_ticks, watch)
        return self._attached


def _heartbeat_s(loop: LoopReading, now_s: float) -> float | None:
    """Return when the loop last turned; what cannot be read is unknown, and a look later than ``now_s`` is now."""
    if loop.state is LoopState.UNKNOWN or loop.alive_s is None:
        return None
    return min(loop.alive_s, now_s)


def _blind(loop: LoopReading, now_s: float) -> BlindTime:
    if loop.alive_s is None or loop.alive_s >= now_s:
        return BlindTime()
    return BlindTime.of([(loop.alive_s, now_s)])


def _listener(port: int | None) -> int | None:
    try:
        found = [pid for pid, _, at in _listening(psutil.net_connections("tcp")) if at == port]
    except psutil.Error:
        return None
    return next((pid for pid in found if pid is not None), None)


def _port_of(pid: int) -> int | None:
    """Return a loopback-reachable TCP port of the process, or ``None`` where none can be seen."""
    try:
        found = _listening(psutil.Process(pid).net_connections("tcp4"))
    except psutil.Error:
        return None
    return next((port for _, ip, port in found if ip in ("127.0.0.1", "0.0.0.0")), None)  # noqa: S104 -- compared only


def _listening(connections: Iterable[Any]) -> list[tuple[int | None, str, int]]:
    """Return pid, address and port of each connection that listens; a process's own list knows no pids."""
    return [
        (getattr(c, "pid", None), str(c.laddr.ip), int(c.laddr.port))
        for c in connections
        if c.status == psutil.CONN_LISTEN and c.laddr
    ]
