"""The words that differ between two copies of an array."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from livewatch.sources.differing import differing

VALUES = st.integers(0, 3) | st.sampled_from([-1, 1 << 30, (1 << 30) + 1, 1 << 62])
"""Some differ in their low bytes, some only in high ones."""


@given(
    st.lists(VALUES, max_size=700),
    st.dictionaries(st.integers(0, 699), VALUES),
    st.integers(0, 9),
)
def test_it_finds_what_a_look_at_each_finds(before: list[int], changes: dict[int, int], more: int) -> None:
    after = [changes.get(index, value) for index, value in enumerate(before)] + [1] * more

    found = list(differing(array("q", before).tobytes(), array("q", after).tobytes()))

    same = range(len(before))
    assert found == [i for i in same if before[i] != after[i]] + list(range(len(before), len(after)))
