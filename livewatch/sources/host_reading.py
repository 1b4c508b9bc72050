"""`HostReading`: one measurement of the gateway's process and of the host around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from livewatch_classifiers.model import Vitals
from livewatch_classifiers.vocabulary import ProcessState, StallCause

_RATES = (
    "cpu_cores",
    "major_faults_per_s",
    "cpu_throttled",
    "cpu_waited",
    "cpu_steal",
    "swap_bytes_per_s",
    "voluntary_switches_per_s",
    "involuntary_switches_per_s",
)
_TOLD = (
    *_RATES,
    "cpu_user_s",
    "cpu_system_s",
    "rss_bytes",
    "threads",
    "file_descriptors",
    "cpu_pressure_some",
    "cpu_pressure",
    "memory_pressure_some",
    "memory_pressure",
    "io_pressure_some",
    "io_pressure",
    "swap_used",
    "memory_limit_bytes",
)
_told = attrgetter(*_TOLD)


@dataclass(frozen=True, slots=True)
class HostReading:
    """One measurement; ``None`` for what could not be seen. Shares are 0 to 1, pressures over the last 10 s."""

    pid: int
    cpu_cores: float | None = None
    cpu_user_s: float | None = None
    cpu_system_s: float | None = None
    rss_bytes: int | None = None
    threads: int | None = None
    file_descriptors: int | None = None
    created_wall_s: float | None = None
    """Unix time at which the process began."""
    process_status: str | None = None
    """In psutil's words."""
    voluntary_switches_per_s: float | None = None
    involuntary_switches_per_s: float | None = None
    measured_s: float | None = None
    """Monotonic moment at which this measurement was finished."""
    took_s: float = 0.0
    cpu_pressure_some: float | None = None
    cpu_pressure: float | None = None
    memory_pressure_some: float | None = None
    memory_pressure: float | None = None
    io_pressure_some: float | None = None
    io_pressure: float | None = None
    """``*_some``: at least one task waited; without it every task did."""
    swap_used: float | None = None
    swap_bytes_per_s: float | None = None
    """Read from and written to swap, by the whole host."""
    major_faults_per_s: float | None = None
    cpu_steal: float | None = None
    """Share of the host's CPU time that its hypervisor gave to others."""
    cpu_throttled: float | None = None
    """Share of time in which the control group's CPU quota held the process up."""
    cpu_waited: float | None = None
    """Share of time in which the loop's thread was ready to run and got no CPU."""
    memory_limit_bytes: int | None = None
    group_frozen: bool = False
    """Whether somebody froze the process's control group."""
    working_s: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    """For each watched child, the monotonic moment at which it or a descendant was last seen using CPU or doing I/O."""

    def with_rates_of(self, other: "HostReading") -> "HostReading":
        """Return this reading with what ``other`` measured between two looks."""
        return replace(self, **{name: getattr(other, name) for name in _RATES})

    def onto(self, vitals: Vitals, wall_s: float, cause: StallCause | None = None) -> Vitals:
        """Return the vitals with what this reading knows at Unix time ``wall_s``, and another ``cause``, if any."""
        told: dict[str, Any] = dict(zip(_TOLD, _told(self), strict=True))
        if self.group_frozen:
            told["process"] = ProcessState.STOPPED
        return replace(vitals, cause=cause or vitals.cause, uptime_s=self.uptime_s(wall_s), **told)

    @property
    def held_up(self) -> float | None:
        """The largest share of time in which the host kept the gateway from a CPU; ``None`` where nothing tells."""
        shares = [share for share in (self.cpu_steal, self.cpu_throttled, self.cpu_waited) if share is not None]
        return max(shares, default=None)

    def uptime_s(self, wall_s: float) -> float | None:
        """Return the age of the process at Unix time ``wall_s``."""
        return None if self.created_wall_s is None else max(0.0, wall_s - self.created_wall_s)
