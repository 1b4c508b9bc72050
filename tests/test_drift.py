"""What the soak says about growth: noise is none, a step is told from a slope, and how small a slope it can see."""

import os
import random
import sys

import psutil
import pytest

from tests.bench.drift import Verdict, drift
from tests.bench.soak_rest import Resident

HOURS = [second / 3600 for second in range(960)]
"""The second half of a soak of 32 minutes."""


def _noise(sigma: float, kept: float, seed: int = 9) -> list[float]:
    """Return fluctuations of which each keeps a share of the one before, as resident memory does."""
    chance, level, values = random.Random(seed), 0.0, list[float]()
    for _ in HOURS:
        level = kept * level + chance.gauss(0, sigma)
        values.append(level)
    return values


def test_nothing_but_fluctuation_is_hardly_ever_a_drift() -> None:
    found = [drift(HOURS, [61.0 + value for value in _noise(0.01, 0.95, seed)]).verdict for seed in range(100)]

    assert found.count(Verdict.WITHIN_NOISE) >= 95


def test_what_never_changes_does_not_drift() -> None:
    found = drift(HOURS, [61.0] * len(HOURS))

    assert (found.verdict, found.slope_per_h, found.slope_error_per_h) == (Verdict.WITHIN_NOISE, 0.0, 0.0)


def test_a_slope_is_found_below_the_noise_of_one_measurement() -> None:
    found = drift(HOURS, [61.0 + 3.0 * h + value for h, value in zip(HOURS, _noise(0.1, 0.0), strict=True)])

    assert found.verdict is Verdict.DRIFTS
    assert found.slope_per_h == pytest.approx(3.0, abs=found.slope_error_per_h)
    assert found.slope_error_per_h < 0.5


def test_one_step_is_not_taken_for_a_slope() -> None:
    found = drift(HOURS, [61.0 + (h > 0.1) + value for h, value in zip(HOURS, _noise(0.02, 0.5), strict=True)])

    assert found.verdict is Verdict.ONE_STEP
    assert found.step == pytest.approx(1.0, abs=0.1)
    assert found.slope_per_h > found.slope_error_per_h


def test_steps_that_go_on_are_a_drift() -> None:
    found = drift(HOURS, [61.0 + int(h / 0.05) + value for h, value in zip(HOURS, _noise(0.02, 0.5), strict=True)])

    assert found.verdict is Verdict.DRIFTS


def test_less_memory_at_the_end_is_no_drift() -> None:
    found = drift(HOURS, [61.0 - h for h in HOURS])

    assert found.verdict is Verdict.WITHIN_NOISE


def test_too_few_measurements_say_nothing() -> None:
    with pytest.raises(ValueError, match="16 are needed"):
        drift(HOURS[:15], HOURS[:15])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what resident memory is made of")
def test_resident_memory_is_told_by_its_parts() -> None:
    found = Resident.of(os.getpid())

    assert found.rss_mib == pytest.approx(psutil.Process().memory_info().rss / 2**20, abs=1.0)
    assert min(found.anonymous_mib, found.file_mib) > 1.0
