"""Many random worlds, on as many cores as are asked for, and the tally of all of them."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from statistics import quantiles

from livewatch.durations import format_duration
from livewatch.simulation.random_worlds import run_random_world
from livewatch.simulation.report import failure_lines

_ENOUGH = 2
"""Fewest values of which quantiles can be told."""


@dataclass(frozen=True, slots=True)
class WorldResult:
    """What is kept of one random world; small, because it travels between processes."""

    seed: int
    virtual_s: float
    faults: tuple[str, ...]
    repair_s: tuple[float, ...]
    """Time from death to life, of each session that lived again."""
    actions: int
    false_actions: int
    failures: tuple[str, ...]
    """Lines that say what broke, with the timeline around it; empty when every invariant held."""


@dataclass(slots=True)
class Tally:
    """All worlds together."""

    worlds: int = 0
    virtual_s: float = 0.0
    faults: Counter[str] = field(default_factory=Counter[str])
    repair_s: list[float] = field(default_factory=list[float])
    actions: int = 0
    false_actions: int = 0
    failed_seeds: list[int] = field(default_factory=list[int])

    def add(self, result: WorldResult) -> None:
        """Take in one world."""
        self.worlds += 1
        self.virtual_s += result.virtual_s
        self.faults.update(result.faults)
        self.repair_s += result.repair_s
        self.actions += result.actions
        self.false_actions += result.false_actions
        if result.failures:
            self.failed_seeds.append(result.seed)

    def facts(self) -> dict[str, object]:
        """Return the tally as a JSON-ready document; times in seconds."""
        return {
            "worlds": self.worlds,
            "virtual_hours": round(self.virtual_s / 3600, 1),
            "deaths": self.faults.total(),
            "faults": dict(self.faults.most_common()),
            "repaired": len(self.repair_s),
            "repair_s": {name: round(value, 1) for name, value in self._repair_quantiles().items()},
            "actions": self.actions,
            "false_actions": self.false_actions,
            "failed_seeds": sorted(self.failed_seeds),
        }

    def lines(self) -> list[str]:
        """Return the tally as a table."""
        kinds = ", ".join(f"{fault} {count}" for fault, count in self.faults.most_common())
        times = ", ".join(f"{name} {format_duration(value)}" for name, value in self._repair_quantiles().items())
        rows = [
            ("random worlds", f"{self.worlds}, {len(self.failed_seeds)} failed"),
            ("virtual time", f"{self.virtual_s / 3600:.0f} h"),
            ("deaths", f"{self.faults.total()}: {kinds}" if kinds else "none"),
            ("repaired", f"{len(self.repair_s)}{f', {times}' if times else ''}"),
            ("actions", f"{self.actions}, {self.false_actions} false"),
        ]
        return [f"{name:<14} {text}" for name, text in rows]

    def _repair_quantiles(self) -> dict[str, float]:
        if len(self.repair_s) < _ENOUGH:
            return {}
        cuts = quantiles(self.repair_s, n=100, method="inclusive")
        return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "worst": max(self.repair_s)}


def run_worlds(seeds: range, hours: float, jobs: int) -> Iterator[WorldResult]:
    """Yield the result of each world in the order of its seed, computed by ``jobs`` processes."""
    if jobs == 1:
        yield from (run_world(hours, seed) for seed in seeds)
        return
    # a forked child inherits the locks that other threads of this process hold at that moment, for ever
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(partial(run_world, hours), seeds, chunksize=4)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_world(hours: float, seed: int) -> WorldResult:
    """Run one random world and keep what the tally needs."""
    run = run_random_world(seed, hours)
    record = run.record
    return WorldResult(
        seed=seed,
        virtual_s=record.duration_s,
        faults=tuple(affliction.fault.value for affliction in record.afflictions),
        repair_s=tuple(a.until_s - a.since_s for a in record.afflictions if a.until_s is not None),
        actions=len(record.deeds),
        false_actions=sum(deed.false for deed in record.deeds),
        failures=() if run.passed else tuple(failure_lines(run)),
    )
