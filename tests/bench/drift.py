"""Whether a quantity that is measured again and again drifts, stepped once, or only fluctuates."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import sqrt

PARTS = 8
_T_95 = 2.447
"""Student's t for a 95 % interval of a line through eight points (six degrees of freedom)."""


class Verdict(StrEnum):
    """What a run of measurements shows."""

    WITHIN_NOISE = "within noise"
    ONE_STEP = "one step"
    """It is more at the end, but flat on both sides of one step: an allocator takes memory by the arena of 1 MiB."""
    DRIFTS = "drifts"


@dataclass(frozen=True, slots=True)
class Drift:
    """The slope of some measurements, and how far it can be off. Values in the unit of what was measured."""

    verdict: Verdict
    slope_per_h: float
    slope_error_per_h: float
    """Half of the slope's 95 % confidence interval: a slope smaller than this could not have been seen."""
    step: float
    """The largest rise between two neighbouring parts of the run."""
    slope_without_step_per_h: float
    noise: float
    """Standard deviation within a part."""


def drift(hours: Sequence[float], values: Sequence[float]) -> Drift:
    """Return how ``values`` at ``hours`` (ascending) drift.

    Neighbouring measurements are alike (a page that was touched stays), so that as many independent ones as there are
    seconds would claim far too small an error. Hence the run is cut into eight parts, and a line goes through their
    medians; how much these scatter around it says how far it can be off.

    Raises:
        ValueError: when there are fewer than two measurements for each part.
    """
    if len(values) < 2 * PARTS:
        raise ValueError(f"{len(values)} measurements; {2 * PARTS} are needed")
    at_h = [statistics.fmean(part) for part in _parts(hours)]
    medians = [statistics.median(part) for part in _parts(values)]
    noise = statistics.median(statistics.pstdev(part) for part in _parts(values))
    steps = [after - before for before, after in pairwise(medians)]
    place = max(range(len(steps)), key=steps.__getitem__)
    level = [value - steps[place] * (number > place) for number, value in enumerate(medians)]
    slope, error = _line(at_h, medians)
    slope_without, error_without = _line(at_h, level)
    length_h = at_h[-1] - at_h[0]
    if _is_noise(slope, error, length_h, noise):
        verdict = Verdict.WITHIN_NOISE
    else:
        verdict = Verdict.ONE_STEP if _is_noise(slope_without, error_without, length_h, noise) else Verdict.DRIFTS
    return Drift(verdict, slope, error, steps[place], slope_without, noise)


def _is_noise(slope: float, error: float, length_h: float, noise: float) -> bool:
    """Return whether a slope may be none at all, or adds up to less than what one measurement is off."""
    return slope <= error or slope * length_h <= noise


def _line(at_h: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Return the slope of a line through some points, and half of its 95 % interval."""
    slope, intercept = statistics.linear_regression(at_h, values)
    left = sum((value - slope * h - intercept) ** 2 for h, value in zip(at_h, values, strict=True))
    middle_h = statistics.fmean(at_h)
    spread = sum((h - middle_h) ** 2 for h in at_h)
    return slope, _T_95 * sqrt(left / (len(values) - 2) / spread)


def _parts(values: Sequence[float]) -> list[Sequence[float]]:
    """Cut into parts of nearly the same length."""
    ends = [len(values) * number // PARTS for number in range(PARTS + 1)]
    return [values[begin:end] for begin, end in pairwise(ends)]
