"""The words that differ between two copies of an array."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from livewatch.sources.column import Column

VALUES = st.integers(0, 3) | st.sampled_from([-1, 1 << 30, (1 << 30) + 1, 1 << 62])
"""Some differ in their low bytes, some only in high ones."""


@given(
    st.lists(VALUES, max_size=700),
    st.dictionaries(st.integers(0, 699), VALUES),
    st.integers(0, 9),
    st.integers(1, 8),
)
def test_it_finds_what_a_look_at_each_finds(
    before: list[int], changes: dict[int, int], more: int, telling: int
) -> None:
    changed = {index % len(before): value for index, value in changes.items()} if before else {}
    after = [changed.get(index, value) for index, value in enumerate(before)] + [1] * more

    first, second = (Column(array("q", words).tobytes(), telling) for words in (before, after))
    found, backwards = list(first.differing(second)), list(second.differing(first))

    same = range(len(before))
    others = [i for i in same if before[i] != after[i]]
    assert found == others + list(range(len(before), len(after)))
    assert backwards == others
