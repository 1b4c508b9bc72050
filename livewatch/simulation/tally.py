"""What became of many random worlds: counted, with quantiles, as a table and as a document."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles

from livewatch.durations import format_duration
from livewatch.simulation.scenario import Failure

_ENOUGH = 2
"""Fewest values of which quantiles can be told."""


@dataclass(frozen=True, slots=True)
class WorldResult:
    """What is kept of one random world; small, because it travels between processes."""

    seed: int
    virtual_s: float
    misfortunes: tuple[str, ...]
    """What befell the world from outside, by the verbs of its script."""
    faults: tuple[str, ...]
    """What its sessions died of."""
    repair_s: tuple[float, ...]
    """Time from death to life, of each session that lived again."""
    actions: int
    true_actions: int
    """Actions that were carried out on something dead."""
    false_actions: int
    failure: Failure | None
    """The first thing that broke."""
    failures: tuple[str, ...]
    """Lines that say what broke, with the timeline around it; empty when every invariant held."""


@dataclass(slots=True)
class Tally:
    """All worlds together."""

    worlds: int = 0
    virtual_s: float = 0.0
    real_s: float = 0.0
    """Set by whoever holds the watch."""
    misfortunes: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    repair_s: list[float] = field(default_factory=list[float])
    actions: int = 0
    true_actions: int = 0
    false_actions: int = 0
    failed_seeds: list[int] = field(default_factory=list[int])

    def add(self, result: WorldResult) -> None:
        """Take in one world."""
        self.worlds += 1
        self.virtual_s += result.virtual_s
        self.misfortunes.update(result.misfortunes)
        self.faults.update(result.faults)
        self.repair_s += result.repair_s
        self.actions += result.actions
        self.true_actions += result.true_actions
        self.false_actions += result.false_actions
        if result.failures:
            self.failed_seeds.append(result.seed)

    def facts(self) -> dict[str, object]:
        """Return the tally as a JSON-ready document; times in seconds."""
        return {
            "worlds": self.worlds,
            "virtual_hours": round(self.virtual_s / 3600, 1),
            "real_s": round(self.real_s, 1),
            "virtual_hours_per_s": round(self._speed(), 1),
            "misfortunes": dict(self.misfortunes.most_common()),
            "deaths": self.faults.total(),
            "faults": dict(self.faults.most_common()),
            "repaired": len(self.repair_s),
            "repair_s": {name: round(value, 1) for name, value in self._repair_quantiles().items()},
            "actions": self.actions,
            "true_actions": self.true_actions,
            "false_actions": self.false_actions,
            "failed_seeds": sorted(self.failed_seeds),
        }

    def lines(self) -> list[str]:
        """Return the tally as a table."""
        times = ", ".join(f"{name} {format_duration(value)}" for name, value in self._repair_quantiles().items())
        took = f"in {format_duration(self.real_s)}: {self._speed():.0f} h a second"
        nothing = self.actions - self.true_actions - self.false_actions
        rows = [
            ("random worlds", f"{self.worlds}, {len(self.failed_seeds)} failed"),
            ("virtual time", f"{self.virtual_s / 3600:.0f} h {took}"),
            ("misfortunes", _kinds(self.misfortunes)),
            ("deaths", _kinds(self.faults)),
            ("repaired", f"{len(self.repair_s)}{f', {times}' if times else ''}"),
            ("actions", f"{self.true_actions} true, {self.false_actions} false; {nothing} refused or without effect"),
        ]
        return [f"{name:<14} {text}" for name, text in rows]

    def _speed(self) -> float:
        """Return the virtual hours in a real second."""
        return self.virtual_s / 3600 / self.real_s if self.real_s else 0.0

    def _repair_quantiles(self) -> dict[str, float]:
        if len(self.repair_s) < _ENOUGH:
            return {}
        cuts = quantiles(self.repair_s, n=100, method="inclusive")
        return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "worst": max(self.repair_s)}


def _kinds(counted: Counter[str]) -> str:
    if not counted:
        return "none"
    return f"{counted.total()}: {', '.join(f'{name} {count}' for name, count in counted.most_common())}"
