"""Measures the gateway's process and its host on a thread of its own; a reading is handed over whole."""

import logging
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from livewatch.sources.cgroup import GROUPS, PROC, ControlGroup
from livewatch.sources.child_work import ChildWork
from livewatch.sources.host_load import HostLoad, swap_used
from livewatch.sources.host_reading import HostReading
from livewatch.sources.pressure import Pressure, pressure_of
from livewatch.sources.process_stat import ProcessStat
from livewatch.sources.small_file import text_of

_PERIOD_S = 1.0
_log = logging.getLogger("livewatch.sources.host")


@dataclass(frozen=True, slots=True)
class _Watched:
    pid: int
    children: frozenset[int]
    thread: int


@dataclass(frozen=True, slots=True)
class _Spent:
    """What process and host had used up at a moment."""

    at_s: float
    cpu_s: float
    major_faults: int | None
    throttled_s: float | None
    waited_s: float | None
    switches: tuple[int, int]
    load: HostLoad


class HostSampler:
    """Measures one process and its children once per period. The thread starts at the first `reading`."""

    def __init__(self, period_s: float = _PERIOD_S, *, proc: Path = PROC, groups: Path = GROUPS) -> None:
        self._period_s = period_s
        self._proc = proc
        self._groups = groups
        self._watched: _Watched | None = None
        self._latest: HostReading | None = None
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: psutil.Process | None = None
        self._spent: _Spent | None = None
        self._children = ChildWork()
        self._told: set[str] = set()

    def reading(self, pid: int, children: frozenset[int] = frozenset(), *, thread: int = 0) -> HostReading:
        """Return the latest measurement of ``pid``, empty before the first one. Never waits, never measures.

        ``thread`` is the loop's native thread id; 0 for the main thread.
        """
        before, self._watched = self._watched, _Watched(pid, children, thread or pid)
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
        group = ControlGroup.of(watched.pid, proc=self._proc, groups=self._groups)
        cpu, memory, io = (pressure_of(resource, group, proc=self._proc) for resource in ("cpu", "memory", "io"))
        if {cpu, memory, io} == {Pressure()}:
            self._tell(
                "pressure", "no pressure stall information here: the host's CPU, memory and I/O pressure stay unknown"
            )
        host = HostReading(
            watched.pid,
            cpu_pressure_some=cpu.some,
            cpu_pressure=cpu.full,
            memory_pressure_some=memory.some,
            memory_pressure=memory.full,
            io_pressure_some=io.some,
            io_pressure=io.full,
            swap_used=swap_used(self._proc),
            memory_limit_bytes=group.memory_limit_bytes(),
            group_frozen=group.frozen(),
            working_s=self._children.look(watched.children, time.monotonic()),
        )
        process = self._same_process(watched.pid)
        if process is None:
            return host
        try:
            with process.oneshot():
                times, switches = process.cpu_times(), process.num_ctx_switches()
                rss_bytes, threads = process.memory_info().rss, process.num_threads()
                created_wall_s, status = process.create_time(), process.status()
        except psutil.AccessDenied:
            self._tell("process", f"no permission to measure pid {watched.pid}; its CPU and memory stay unknown")
            return host
        except psutil.NoSuchProcess:
            self._process = self._spent = None
            return host
        spent = _Spent(
            time.monotonic(),
            times.user + times.system,
            _major_faults(watched.pid),
            group.throttled_s(),
            _waited_s(f"{self._proc}/{watched.pid}/task/{watched.thread}/schedstat"),
            (switches.voluntary, switches.involuntary),
            HostLoad.now(self._proc),
        )
        return replace(
            self._with_rates(host, spent),
            cpu_user_s=times.user,
            cpu_system_s=times.system,
            rss_bytes=rss_bytes,
            threads=threads,
            file_descriptors=_file_descriptors(process),
            created_wall_s=created_wall_s,
            process_status=status,
        )

    def _with_rates(self, host: HostReading, spent: _Spent) -> HostReading:
        before, latest = self._spent, self._latest
        if before is not None and latest is not None and spent.at_s - before.at_s < self._period_s / 2:
            # Woken early for a new child: rates over so short a time would be noise.
            return host.with_rates_of(latest)
        self._spent = spent
        if before is None:
            return host
        elapsed_s = spent.at_s - before.at_s
        return replace(
            host,
            cpu_cores=_rate(spent.cpu_s, before.cpu_s, elapsed_s),
            major_faults_per_s=_rate(spent.major_faults, before.major_faults, elapsed_s),
            cpu_throttled=_share(_rate(spent.throttled_s, before.throttled_s, elapsed_s)),
            cpu_waited=_share(_rate(spent.waited_s, before.waited_s, elapsed_s)),
            cpu_steal=spent.load.steal_since(before.load),
            swap_bytes_per_s=_rate(spent.load.swapped_bytes, before.load.swapped_bytes, elapsed_s),
            voluntary_switches_per_s=_rate(spent.switches[0], before.switches[0], elapsed_s),
            involuntary_switches_per_s=_rate(spent.switches[1], before.switches[1], elapsed_s),
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


def _major_faults(pid: int) -> int | None:
    stat = ProcessStat.of(pid)
    return None if stat is None else stat.major_faults


def _waited_s(schedstat: str) -> float | None:
    """Return how long the thread was ready to run and had to wait; unknown where the kernel does not count."""
    words = text_of(schedstat).split()
    if len(words) < 2 or not (words[0].isdigit() and words[1].isdigit()) or words[0] == "0":  # noqa: PLR2004 -- ran, waited
        return None
    return int(words[1]) / 1e9


def _share(value: float | None) -> float | None:
    return None if value is None else min(1.0, value)


def _rate(value: float | None, earlier: float | None, elapsed_s: float) -> float | None:
    if value is None or earlier is None or elapsed_s <= 0:
        return None
    return max(0.0, value - earlier) / elapsed_s
