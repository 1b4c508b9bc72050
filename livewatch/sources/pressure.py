"""Pressure stall information: the share of time in which tasks could not run for want of CPU, memory or I/O."""

from dataclasses import dataclass
from pathlib import Path

from livewatch.sources.cgroup import PROC, ControlGroup
from livewatch.sources.small_file import text_of


@dataclass(frozen=True, slots=True)
class Pressure:
    """Shares over the last 10 s, 0 to 1; ``None`` where it cannot be seen."""

    some: float | None = None
    """At least one task waited."""
    full: float | None = None
    """Every task that was not idle waited: nothing got done."""

    @classmethod
    def parse(cls, text: str) -> "Pressure":
        """Read a pressure file; what is missing or garbled in it is unknown."""
        shares: dict[str, float | None] = {}
        for line in text.splitlines():
            kind, *pairs = line.split() or [""]
            shares[kind] = next((_share(pair) for pair in pairs if pair.startswith("avg10=")), None)
        return cls(shares.get("some"), shares.get("full"))


def pressure_of(resource: str, group: ControlGroup, *, proc: Path = PROC) -> Pressure:
    """Return the pressure on ``cpu``, ``memory`` or ``io`` in the gateway's own group, else on the whole host.

    A container can be starved on an idle host, and be well on a busy one.
    """
    own = group.pressure(resource)
    return Pressure.parse(own or text_of(f"{proc}/pressure/{resource}"))


def _share(pair: str) -> float | None:
    try:
        return min(1.0, max(0.0, float(pair.partition("=")[2]) / 100))
    except ValueError:
        return None
