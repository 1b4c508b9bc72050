from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.probe import DropReason, layout
from livewatch_classifiers import vocabulary

MS_NS = 1_000_000


def words(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in values)  # type: ignore[attr-defined]  # enums are iterable


def test_the_codes_on_the_board_are_the_classifiers_words_in_their_order() -> None:
    assert words(vocabulary.SessionState) == layout.STATES
    assert words(vocabulary.ActivityKind) == layout.ACTIVITIES
    assert words(vocabulary.WaitKind) == layout.WAITS
    assert words(vocabulary.LaneKind) == layout.LANES
    assert words(vocabulary.TerminalMark) == layout.TERMINALS
    assert words(vocabulary.Phase) == layout.PHASES
    assert words(DropReason) == layout.DROPS


@pytest.mark.invariant(19)
def test_a_session_takes_at_most_512_bytes() -> None:
    one, two = layout.Layout(1).total_bytes, layout.Layout(2).total_bytes

    assert two - one <= 512


@given(st.integers(MS_NS, 600_000 * MS_NS))
def test_a_bucket_stands_for_its_delays_within_five_percent(delay_ns: int) -> None:
    middle_s = layout.bucket_middle_s(layout.bucket_of(delay_ns))

    assert abs(middle_s - delay_ns / 1e9) <= 0.05 * delay_ns / 1e9


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_buckets_grow_with_the_delay(first_ns: int, second_ns: int) -> None:
    low, high = sorted((first_ns, second_ns))

    assert layout.bucket_of(low) <= layout.bucket_of(high) < layout.HISTOGRAM_BUCKETS


@given(st.integers(1, 50))
def test_no_two_fields_overlap(capacity: int) -> None:
    where = layout.Layout(capacity)
    spans = [(where.field_at(name, slot), 8) for name in layout.SLOT_FIELDS for slot in range(capacity)]
    spans += [
        (where.text_at(name, slot), width) for name, width in layout.TEXT_FIELDS.items() for slot in range(capacity)
    ]
    spans += [(0, len(layout.HEADER_FIELDS) * 8), (where.stalls_at, layout.STALL_RING * 16)]
    spans += [(where.histogram_at, layout.HISTOGRAM_BUCKETS * 8), (where.stack_at, layout.STACK_BYTES)]
    spans.sort()

    assert spans[0][0] == 0
    assert all(start + size == following for (start, size), (following, _) in pairwise(spans))
    assert sum(spans[-1]) == where.total_bytes
