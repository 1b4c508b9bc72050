"""The seconds in which nothing could run or report, and how much of an interval they cover."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlindTime:
    """Disjoint, sorted intervals (start, end) in monotonic seconds during which progress was impossible."""

    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    totals: tuple[float, ...] = ()
    """Blind seconds up to and including the interval of the same index."""

    @classmethod
    def of(cls, intervals: Iterable[tuple[float, float]]) -> "BlindTime":
        """Build from intervals in any order; overlapping ones are merged, empty and reversed ones ignored."""
        merged: list[tuple[float, float]] = []
        for start, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        totals: list[float] = []
        for start, end in merged:
            totals.append((totals[-1] if totals else 0.0) + end - start)
        return cls(tuple(s for s, _ in merged), tuple(e for _, e in merged), tuple(totals))

    def intervals(self) -> list[tuple[float, float]]:
        """Return the intervals, oldest first."""
        return list(zip(self.starts, self.ends, strict=True))

    def extended(self, intervals: Iterable[tuple[float, float]], *, forget_before_s: float) -> "BlindTime":
        """Return this timeline with more intervals, without those that ended before ``forget_before_s``."""
        kept = [pair for pair in (*self.intervals(), *intervals) if pair[1] >= forget_before_s]
        return BlindTime.of(kept)

    def overlap(self, start_s: float, end_s: float) -> float:
        """Return how many seconds of ``start_s .. end_s`` were blind."""
        if not self.starts or end_s <= start_s:
            return 0.0
        return self._until(end_s) - self._until(start_s)

    def uncovered(self, other: "BlindTime", end_s: float) -> float:
        """Return how many of this timeline's seconds before ``end_s`` are not blind in ``other``.

        No age at ``end_s`` is more than that much larger by ``other`` than by this one.
        """
        if self.starts == other.starts and self.ends == other.ends:
            return 0.0
        theirs = set(other.intervals())
        mine = [(start, min(end, end_s)) for start, end in self.intervals() if (start, end) not in theirs]
        return sum(max(0.0, end - start - other.overlap(start, end)) for start, end in mine if end > start)

    def _until(self, moment_s: float) -> float:
        index = bisect_right(self.starts, moment_s) - 1
        if index < 0:
            return 0.0
        return self.totals[index] - max(0.0, self.ends[index] - moment_s)
