"""Which of many 8-byte words are not the same in two copies of an array, without a look at each."""

import re
from collections.abc import Iterable
from itertools import chain

_WORD = 8
_ANY = re.compile(rb"[^\0]")


def differing(before: bytes, after: bytes) -> Iterable[int]:
    """Return the indices of the words that differ, in order; words that only ``after`` has are different."""
    if before == after:
        return ()
    words = len(after) // _WORD
    common = min(len(before) // _WORD, words)
    marks = _marks(before[: common * _WORD], after[: common * _WORD]) if common else b""
    return chain((mark.start() for mark in _ANY.finditer(marks)), range(common, words))


def _marks(before: bytes, after: bytes) -> bytes:
    """Return a byte for each word, zero where both are the same: all first bytes at once, all second bytes, ..."""
    marks = 0
    for place in range(_WORD):
        old, new = before[place::_WORD], after[place::_WORD]
        if old != new:
            marks |= int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return marks.to_bytes(len(before) // _WORD, "little")
