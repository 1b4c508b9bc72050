"""Which of many 8-byte words are not the same in two copies of an array, without a look at each."""

from collections.abc import Iterator
from itertools import compress, count
from operator import ne

_WORD = 8
_COARSE, _FINE = 128, 8
"""Words in a block: a coarse one is compared at once, and only one that differs is cut into fine ones."""


def differing(before: bytes, after: bytes) -> Iterator[int]:
    """Yield the indices of the words that differ, in order; words that only ``after`` has are different."""
    if before == after:
        return
    old, new = memoryview(before).cast("q"), memoryview(after).cast("q")
    common = min(len(old), len(new))
    for start in _blocks(before, after, range(0, common, _COARSE), _COARSE):
        inside = range(start, min(start + _COARSE, common), _FINE)
        for fine in _blocks(before, after, inside, _FINE):
            end = min(fine + _FINE, common)
            yield from compress(count(fine), map(ne, old[fine:end], new[fine:end]))
    yield from range(common, len(new))


def _blocks(before: bytes, after: bytes, starts: range, words: int) -> Iterator[int]:
    for start in starts:
        begin, end = start * _WORD, (start + words) * _WORD
        if before[begin:end] != after[begin:end]:
            yield start
