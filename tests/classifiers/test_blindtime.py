from hypothesis import given
from hypothesis import strategies as st

from livewatch_classifiers import BlindTime

moments = st.integers(0, 200)
intervals = st.lists(st.tuples(moments, moments), max_size=12)


@given(intervals, moments, moments)
def test_overlap_counts_each_blind_second_once(pairs: list[tuple[int, int]], start: int, end: int) -> None:
    blind_seconds = {s for a, b in pairs for s in range(a, b)}

    overlap = BlindTime.of(pairs).overlap(start, end)

    assert overlap == len(blind_seconds & set(range(start, end)))


@given(intervals, intervals)
def test_extending_is_the_same_as_building_at_once(first: list[tuple[int, int]], second: list[tuple[int, int]]) -> None:
    extended = BlindTime.of(first).extended(second, forget_before_s=-1)

    assert extended.intervals() == BlindTime.of([*first, *second]).intervals()


def test_forgetting_drops_only_what_ended_before() -> None:
    kept = BlindTime.of([(0, 10), (20, 30)]).extended([], forget_before_s=15)

    assert kept.intervals() == [(20, 30)]
