"""Which of many 8-byte words are not the same in two copies of an array, without a look at each."""

from collections.abc import Iterator
from itertools import compress, count
from operator import ne

_WORD = 8
_BLOCK = 32
"""Words that are compared at once; each of a block that differs is looked at."""


def differing(before: bytes, after: bytes) -> Iterator[int]:
    """Yield the indices of the words that differ, in order; words that only ``after`` has are different."""
    if before == after:
        return
    old, new = memoryview(before).cast("q"), memoryview(after).cast("q")
    common = min(len(old), len(new))
    for start in range(0, common, _BLOCK):
        end = min(start + _BLOCK, common)
        if before[start * _WORD : end * _WORD] != after[start * _WORD : end * _WORD]:
            yield from compress(count(start), map(ne, old[start:end], new[start:end]))
    yield from range(common, len(new))
