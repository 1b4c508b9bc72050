"""Bounds for counts: against tables, and against what they promise."""

from random import Random

import pytest

from livewatch.tuning.bounds import poisson_upper, quantile


@pytest.mark.parametrize(("count", "upper"), [(0, 2.9957), (1, 4.7439), (2, 6.2958), (5, 10.5130), (10, 16.9622)])
def test_the_bound_is_that_of_the_tables_and_three_for_no_event(count: int, upper: float) -> None:
    assert poisson_upper(count) == pytest.approx(upper, abs=1e-3)


def test_the_quick_bound_of_large_counts_joins_the_exact_one() -> None:
    assert poisson_upper(501) == pytest.approx(poisson_upper(500) + 1.035, abs=0.02)
    assert poisson_upper(1_000_000) == pytest.approx(1_001_646, abs=5)


def test_the_bound_holds_as_often_as_it_says() -> None:
    random, mean, trials = Random(8), 3.7, 4000
    held = sum(mean <= poisson_upper(_events(random, mean)) for _ in range(trials))
    assert held / trials >= 0.95 - 0.01


def _events(random: Random, mean: float) -> int:
    passed, count = random.expovariate(1.0), 0
    while passed < mean:
        passed, count = passed + random.expovariate(1.0), count + 1
    return count


def test_a_quantile_is_a_value_of_the_sample() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 51.0, 100.0, 100.0]
