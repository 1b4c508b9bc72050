"""How often something may happen that was seen so many times: exact bounds for counts. Pure."""

from collections.abc import Sequence
from math import exp, fsum, lgamma, log, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
WEEK_S = 7 * 86_400.0
_EXACT_MAX = 500


def poisson_upper(count: int, confidence: float = CONFIDENCE) -> float:
    """Return the largest mean under which ``count`` events or fewer are still seen with ``1 - confidence``.

    For no event at all that is 3.0 at 95 %: the rule of three. The bound is the exact (Garwood) one; it holds for
    events that do not depend on each other.
    """
    if count > _EXACT_MAX:  # Wilson and Hilferty's cube root, within a thousandth there
        more = count + 1
        return more * (1 - 1 / (9 * more) + NormalDist().inv_cdf(confidence) / (3 * sqrt(more))) ** 3
    low, high = float(count), count + 10.0 + 5.0 * sqrt(count + 1)
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of an ordered, non-empty sample lies; the larger neighbour at ties."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _at_most(count: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    return fsum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))
