"""What the host knows about the gateway: measured on a thread of its own, handed over whole."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import psutil

from livewatch.sources.child_work import ChildWork
from livewatch.sources.pressure import pressure_of, swap_used
from livewatch.sources.process_stat import ProcessStat

_PERIOD_S = 1.0
_log = logging.getLogger("livewatch.sources.host")


@dataclass(frozen=True, slots=True)
class HostReading:
    """One measurement; ``None`` for what could not be seen. Shares are 0 to 1."""

    pid: int
    cpu_cores: float | None = None
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    rss_bytes: int | None = None
    threads: int | None = None
    file_descriptors: int | None = None
    created_wall_s: float | None = None
    """Unix time at which the process began."""
    measured_s: float | None = None
    """Monotonic moment at which this measurement was finished."""
    took_s: float = 0.0
    memory_pressure: float | None = None
    io_pressure: float | None = None
    swap_used: float | None = None
    major_faults_per_s: float | None = None
    working_s: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """For each watched child, the monotonic moment at which it or a descendant was last seen using CPU or doing I/O."""


@dataclass(frozen=True, slots=True)
class _Watched:
    pid: int
    children: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the process had used up at a moment."""

    at_s: float
    cpu_s: float
    major_faults: int | None


class HostSampler:
    """Measures one process and its children once per period. The thread starts at the first `reading`."""

    def __init__(self, period_s: float = _PERIOD_S) -> None:
        self._period_s = period_s
        self._watched: _Watched | None = None
        self._latest: HostReading | None = None
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: psutil.Process | None = None
        self._spent: _Spent | None = None
        self._children = ChildWork()
        self._told: set[str] = set()

    def reading(self, pid: int, children: frozenset[int] = frozenset()) -> HostReading:
        """Return the latest measurement of ``pid``, empty before the first one. Never waits, never measures."""
        before, self._watched = self._watched, _Watched(pid, children)
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._run, name="livewatch.host", daemon=True)
            self._thread.start()
        if before != self._watched:
            self._wake.set()
        latest = self._latest
        return latest if latest is not None and latest.pid == pid else HostReading(pid)

    def close(self) -> None:
        """Stop the thread, waiting at most a few seconds; safe to call twice and before the first reading."""
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2 * self._period_s + 1.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.clear()
            watched = self._watched
            if watched is not None:
                try:
                    began_s = time.monotonic()
                    latest = self._measure(watched)
                    ended_s = time.monotonic()
                    self._latest = replace(latest, measured_s=ended_s, took_s=ended_s - began_s)
                except Exception:  # noqa: BLE001 -- a measurement is optional; its thread must outlive whatever /proc says
                    self._tell("host", "measuring the host failed", error=True)
            # A new child is looked at soon, so that its first period is not lost; a change per tick costs little.
            self._wake.wait(self._period_s)

    def _measure(self, watched: _Watched) -> HostReading:
        host = HostReading(
            watched.pid,
            memory_pressure=pressure_of("memory", watched.pid),
            io_pressure=pressure_of("io", watched.pid),
            swap_used=swap_used(),
            working_s=self._children.look(watched.children, time.monotonic()),
        )
        process = self._same_process(watched.pid)
        if process is None:
            return host
        try:
            with process.oneshot():
                times = process.cpu_times()
                rss_bytes, threads = process.memory_info().rss, process.num_threads()
                created_wall_s = process.create_time()
        except psutil.AccessDenied:
            self._tell("process", f"no permission to measure pid {watched.pid}; its CPU and memory stay unknown")
            return host
        except psutil.NoSuchProcess:
            self._process = self._spent = None
            return host
        return replace(
            self._with_rates(host, times.user + times.system),
            cpu_user_s=times.user,
            cpu_system_s=times.system,
            rss_bytes=rss_bytes,
            threads=threads,
            file_descriptors=_file_descriptors(process),
            created_wall_s=created_wall_s,
        )

    def _with_rates(self, host: HostReading, cpu_s: float) -> HostReading:
        before, latest, now_s = self._spent, self._latest, time.monotonic()
        if before is not None and latest is not None and now_s - before.at_s < self._period_s / 2:
            # Woken early for a new child: rates over so short a time would be noise.
            return replace(host, cpu_cores=latest.cpu_cores, major_faults_per_s=latest.major_faults_per_s)
        stat = ProcessStat.of(host.pid)
        self._spent = spent = _Spent(now_s, cpu_s, stat.major_faults if stat is not None else None)
        if before is None:
            return host
        elapsed_s = spent.at_s - before.at_s
        return replace(
            host,
            cpu_cores=_rate(spent.cpu_s, before.cpu_s, elapsed_s),
            major_faults_per_s=_rate(spent.major_faults, before.major_faults, elapsed_s),
        )

    def _same_process(self, pid: int) -> psutil.Process | None:
        """Return the process being measured; a recycled pid (another creation time) starts a new measurement."""
        if self._process is None or self._process.pid != pid or not self._process.is_running():
            self._spent = None
            try:
                self._process = psutil.Process(pid)
            except (psutil.Error, ValueError):
                self._process = None
        return self._process

    def _tell(self, topic: str, message: str, *, error: bool = False) -> None:
        if topic not in self._told:
            self._told.add(topic)
            _log.warning("%s", message, exc_info=error)


def _file_descriptors(process: psutil.Process) -> int | None:
    """Return how many are open, or ``None`` where another user's process keeps that to itself."""
    try:
        return process.num_fds()
    except psutil.Error:
        return None


def _rate(value: float | None, earlier: float | None, elapsed_s: float) -> float | None:
    if value is None or earlier is None or elapsed_s <= 0:
        return None
    return max(0.0, value - earlier) / elapsed_s
