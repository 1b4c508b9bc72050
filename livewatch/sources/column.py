"""A copy of an array of 8-byte words, and which of them are others in a later copy, without a look at each."""

import re
from collections.abc import Iterable
from itertools import accumulate, chain

_WORD = 8
_up_to_a_mark = re.compile(rb"\0*+.", re.DOTALL).findall
_END = b"\x01"


class Column:
    """One copy. What was computed of it for one comparison is kept for the next."""

    __slots__ = ("_bytes", "_telling", "data", "words")

    def __init__(self, data: bytes = b"", telling: int = 2) -> None:
        """Take the words; their lowest ``telling`` bytes nearly always differ where the words do (1 for a counter)."""
        self.data = data
        self.words: memoryview[int] = memoryview(data).cast("q")
        """The words as signed numbers; the board is written in this host's own byte order."""
        self._telling = telling
        self._bytes: list[int] = []

    def differing(self, after: "Column") -> Iterable[int]:
        """Return the indices of the words that differ in ``after``, in order; words that only it has are different."""
        if self.data == after.data:
            return ()
        common = min(len(self.words), len(after.words))
        for count in (self._telling, 2 * self._telling, _WORD):
            found = self._marked(after, common, min(count, _WORD))
            if self._are_all(found, after, common):
                break
        return chain(found, range(common, len(after.words)))

    def part(self, start: int, end: int) -> "Column":
        """Return the words from ``start`` to before ``end``."""
        return Column(self.data[start * _WORD : end * _WORD], self._telling)

    def _marked(self, after: "Column", common: int, count: int) -> list[int]:
        """Return the words of which one of ``count`` bytes differs: all first bytes at once, all second bytes, ..."""
        marks = 0
        for place in range(count):
            marks |= self.byte(place) ^ after.byte(place)
        marked = marks.to_bytes(max(len(self.words), len(after.words)), "little")[:common] + _END
        return [end - 1 for end in accumulate(map(len, _up_to_a_mark(marked)))][:-1]

    def byte(self, place: int) -> int:
        """Return one byte of each word, as one large number."""
        while len(self._bytes) <= place:
            self._bytes.append(int.from_bytes(self.data[len(self._bytes) :: _WORD], "little"))
        return self._bytes[place]

    def _are_all(self, found: list[int], after: "Column", common: int) -> bool:
        """Return whether nothing but the words ``found`` differs: with those put in, the one is the other."""
        patched = bytearray(self.data)
        words, others = memoryview(patched).cast("q"), after.words
        for word in found:
            words[word] = others[word]
        return after.data.startswith(memoryview(patched)[: common * _WORD])
