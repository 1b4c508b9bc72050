from hypothesis import given
from hypothesis import strategies as st

from livewatch.recovery.backoff import backoff_s


@given(st.integers(-5, 5000), st.floats(0.1, 100), st.floats(100, 10_000), st.floats(0, 1), st.text(max_size=5))
def test_a_wait_stays_inside_its_band(
    attempt: int, initial_s: float, maximum_s: float, jitter: float, seed: str
) -> None:
    wait_s = backoff_s(attempt, initial_s=initial_s, maximum_s=maximum_s, jitter=jitter, seed=seed)

    if attempt < 1:
        assert wait_s == 0
    else:
        ideal_s = min(maximum_s, initial_s * 2.0 ** min(attempt - 1, 62))
        assert ideal_s * (1 - jitter) <= wait_s * (1 + 1e-9)
        assert wait_s <= ideal_s * (1 + jitter) * (1 + 1e-9)


@given(st.integers(1, 100), st.text(max_size=5))
def test_the_same_seed_and_attempt_always_wait_the_same(attempt: int, seed: str) -> None:
    first, second = (backoff_s(attempt, initial_s=1, maximum_s=60, jitter=0.5, seed=seed) for _ in range(2))

    assert first == second
