"""What a benchmark says: medians with their spread, as ratios to a baseline of the same run."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: a median with its spread, as a ratio to a baseline of the same run."""

    name: str
    median: float
    lowest: float
    highest: float
    unit: str
    baseline: str
    ratio: float


def figure(name: str, values: list[float], unit: str, baseline: str, base: float) -> Figure:
    """Return one line."""
    middle = statistics.median(values)
    return Figure(name, middle, min(values), max(values), unit, baseline, middle / base)
