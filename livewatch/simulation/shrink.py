"""Cuts a failing world down to the smallest one in which the same thing still goes wrong (after Zeller's ddmin)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from livewatch.durations import format_duration, parse_duration
from livewatch.simulation.scenario import Failure
from livewatch.simulation.simpler import (
    earlier,
    ending_at,
    looked_at_every_second,
    only_sessions,
    round_above,
    with_rounder_numbers,
    without_chunks,
    without_parts,
)
from livewatch.simulation.toml_text import Raw

Try = Callable[[Raw], tuple[Failure, ...]]
"""Runs a scenario and returns what failed; nothing for one that cannot be run."""
_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much a scenario says."""

    lines: int
    """Entries of the script."""
    sessions: int
    duration_s: float

    @classmethod
    def of(cls, raw: Raw) -> "Size":
        """Return the size of a scenario's tables."""
        return cls(len(raw["script"]), len(raw["sessions"]), parse_duration(str(raw["duration"])))

    def __str__(self) -> str:
        """Return the size in words."""
        return f"{self.lines} lines of script, {self.sessions} sessions, {format_duration(self.duration_s)}"


class Shrinker:
    """Shrinks one world. `raw` is the smallest one so far and always fails in the same way as the first."""

    def __init__(
        self,
        raw: Raw,
        failure: Failure,
        attempt: Try,
        *,
        over: Callable[[], bool] = lambda: False,
        progress: Callable[["Shrinker"], None] = lambda _shrinker: None,
    ) -> None:
        """Take a world in which ``attempt`` finds ``failure``.

        Args:
            raw: its tables.
            failure: what went wrong; anything with the same symptom counts as the same.
            attempt: runs a candidate.
            over: asked before each run; once it says true, the smallest so far is the result.
            progress: told after each run.
        """
        self.raw = raw
        self.failure = failure
        self.before = Size.of(raw)
        self.runs = 0
        self._attempt = attempt
        self._over = over
        self._progress = progress

    @property
    def size(self) -> Size:
        """The size of the smallest so far."""
        return Size.of(self.raw)

    def shrink(self) -> Raw:
        """Return the smallest world that was found before the time was over."""
        self._cut_the_end()
        self._sessions()
        before: Raw | None = None
        while before is not self.raw and not self._over():
            before = self.raw
            self._script()
            self._first_of(lambda: earlier(self.raw))
            self._first_of(lambda: without_parts(self.raw))
            self._first_of(lambda: with_rounder_numbers(self.raw))
            self._cut_the_end()
        self._take(looked_at_every_second(self.raw))
        return self.raw

    def _cut_the_end(self) -> None:
        at_s = self.failure.at_s
        end_s = None if at_s is None else round_above(at_s + _MARGIN_S)
        if end_s is not None and end_s < self.size.duration_s:
            self._take(ending_at(self.raw, end_s))

    def _sessions(self) -> None:
        """Try the sick session alone, then leave out one after the other."""
        sick = self.failure.session
        keys = list(cast("dict[str, Raw]", self.raw["sessions"]))
        if sick in keys and self._take(only_sessions(self.raw, [sick])):
            return
        for key in keys:
            left = [other for other in cast("dict[str, Raw]", self.raw["sessions"]) if other != key]
            if left:
                self._take(only_sessions(self.raw, left))

    def _script(self) -> None:
        """Leave out halves of the script, then quarters, down to single entries."""
        size = max(1, len(self.raw["script"]) // 2)
        while size >= 1 and not self._over():
            self._first_of(lambda: without_chunks(self.raw, "script")(size))  # noqa: B023 -- used at once
            size //= 2

    def _first_of(self, candidates: Callable[[], Iterable[Raw]]) -> None:
        """Take what still fails, again and again, until nothing does; goes on behind what was taken last."""
        skip = 0
        while True:
            taken = False
            for number, candidate in enumerate(_from(candidates(), skip), start=skip):
                if self._over():
                    return
                if self._take(candidate):
                    taken, skip = True, number
                    break
            if not taken:
                return

    def _take(self, candidate: Raw) -> bool:
        """Make a candidate the smallest so far if it fails in the same way."""
        if self._over():
            return False
        self.runs += 1
        found = next((f for f in self._attempt(candidate) if f.symptom == self.failure.symptom), None)
        if found is not None:
            self.raw, self.failure = candidate, found
        self._progress(self)
        return found is not None


def _from(candidates: Iterable[Raw], skip: int) -> Iterator[Raw]:
    for number, candidate in enumerate(candidates):
        if number >= skip:
            yield candidate
