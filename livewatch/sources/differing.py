"""Which of many 8-byte words are not the same in two copies of an array, without a look at each."""

import re
from collections.abc import Iterable
from itertools import chain

_WORD = 8
_FEW = 3
"""Bytes of a word that are compared first. They nearly always tell: counters and nanoseconds move in their low ones."""
_ANY = re.compile(rb"[^\0]")


def differing(before: bytes, after: bytes) -> Iterable[int]:
    """Return the indices of the words that differ, in order; words that only ``after`` has are different."""
    if before == after:
        return ()
    words = len(after) // _WORD
    common = min(len(before) // _WORD, words)
    old, new = before[: common * _WORD], after[: common * _WORD]
    found = _marked(old, new, _FEW)
    if not _are_all(found, old, new):
        found = _marked(old, new, _WORD)
    return chain(found, range(common, words))


def _marked(before: bytes, after: bytes, count: int) -> list[int]:
    """Return the words of which one of ``count`` bytes differs: all first bytes at once, all second bytes, ..."""
    marks = 0
    for place in range(count):
        old, new = before[place::_WORD], after[place::_WORD]
        if old != new:
            marks |= int.from_bytes(old, "little") ^ int.from_bytes(new, "little")
    return [mark.start() for mark in _ANY.finditer(marks.to_bytes(len(before) // _WORD, "little"))]


def _are_all(found: list[int], before: bytes, after: bytes) -> bool:
    """Return whether nothing but the words ``found`` differs: with those put in, the one is the other."""
    patched = bytearray(before)
    words, others = memoryview(patched).cast("q"), memoryview(after).cast("q")
    for word in found:
        words[word] = others[word]
    return bytes(patched) == after
