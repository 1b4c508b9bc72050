"""A lazy timing wheel: putting a due time off costs one store, and a turn touches only what may be due."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import inf

GRAIN_S = 1.0
"""Width of a bucket in seconds."""


class TimingWheel:
    """Due times by key, on a clock that never goes back. Pure bookkeeping: the caller says what time it is.

    An entry stays in the bucket that it was put into first. When that bucket's time comes and the key is due later by
    now, it moves on: a session that makes progress every second is moved once in two minutes, not 120 times.
    """

    def __init__(self) -> None:
        self._due_s: dict[str, float] = {}
        self._bucket: dict[str, int] = {}
        """In which bucket a key lies; a copy of it in another bucket is out of date."""
        self._buckets: defaultdict[int, list[str]] = defaultdict(list)
        self._reached = 0

    def __len__(self) -> int:
        """Return how many keys are due at some time."""
        return len(self._due_s)

    def put(self, key: str, due_s: float) -> None:
        """Make ``key`` due at ``due_s``, instead of when it was due before; infinity is never."""
        self.put_all({key: due_s})

    def put_all(self, due_s: Mapping[str, float]) -> None:
        """`put` for many keys at once."""
        all_due_s, lies_in, reached = self._due_s, self._bucket, self._reached
        for key, moment_s in due_s.items():
            if moment_s == inf:
                all_due_s.pop(key, None)
                continue
            all_due_s[key] = moment_s
            bucket = int(moment_s // GRAIN_S)
            if bucket < lies_in.get(key, inf):
                bucket = max(reached, bucket)
                lies_in[key] = bucket
                self._buckets[bucket].append(key)

    def turn(self, now_s: float) -> list[str]:
        """Take out and return every key that is due at ``now_s``, in no particular order."""
        due: list[str] = []
        for bucket in list(self._passed(int(now_s // GRAIN_S))):
            for key in self._buckets.pop(bucket):
                if self._bucket.get(key) != bucket:
                    continue
                del self._bucket[key]
                due_s = self._due_s.get(key, inf)
                if due_s <= now_s:
                    del self._due_s[key]
                    due.append(key)
                elif due_s < inf:
                    self._again(key, due_s)
        return due

    def clear(self) -> None:
        """Forget every key."""
        self._due_s.clear()
        self._bucket.clear()
        self._buckets.clear()

    def _again(self, key: str, due_s: float) -> None:
        bucket = int(due_s // GRAIN_S)
        self._bucket[key] = bucket
        self._buckets[bucket].append(key)

    def _passed(self, until: int) -> Iterator[int]:
        """Yield the buckets whose time has come, whichever way is shorter; the last one may be only partly over."""
        first, self._reached = self._reached, max(self._reached, until)
        if until - first > len(self._buckets):
            return (bucket for bucket in sorted(self._buckets) if bucket <= until)
        return (bucket for bucket in range(first, until + 1) if bucket in self._buckets)
