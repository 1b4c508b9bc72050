"""Simpler forms of a scenario's tables: without a part, shorter, with rounder numbers. Pure; nothing is run here.

What keeps a world fair is kept: healthy work may become shorter, never more silent than it was, and a trouble may
become shorter, never endless. Otherwise the smallest failing world would be one that the right agent fails in too.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, cast

from livewatch.durations import parse_duration
from livewatch.simulation.toml_text import Raw, exact

Place = tuple[str | int, ...]
_KEPT = frozenset({"title", "duration", "at", "do", "to", "session", "script", "sessions", "repair_within", "coarse"})
"""Keys without which it would be another story, no scenario, or (``coarse``) one that takes long to run."""
_SHOWS_LIFE = frozenset({"progress", "works", "declares"})
"""Keys of a step by which healthy work can be told from dead work."""
_FIXED = frozenset({"declares", "repair_within", "duration", "coarse"})
_UNITS_S = (3600.0, 600.0, 300.0, 60.0, 30.0, 10.0, 5.0, 1.0, 0.1)
_SHORT_S = (0.0, 1.0, 10.0, 60.0, 300.0, 600.0, 3600.0)
_LONGER = 1.2
"""How much longer a scenario may be than needed, so as to be of round length."""
_PAIR = 2


def without_chunks(raw: Raw, key: str) -> Callable[[int], Iterator[Raw]]:
    """Return what yields the scenario without each run of so many neighbours of a list, latest first."""

    def candidates(size: int) -> Iterator[Raw]:
        items = cast("list[Raw]", raw.get(key, []))
        for end in range(len(items), 0, -size):
            yield {**raw, key: [*items[: max(0, end - size)], *items[end:]]}

    return candidates


def only_sessions(raw: Raw, keep: Sequence[str]) -> Raw:
    """Return the scenario with these sessions alone, and with what the script says about them or about nobody."""
    sessions = {key: plan for key, plan in cast("dict[str, Raw]", raw["sessions"]).items() if key in keep}
    script = [
        entry for entry in cast("list[Raw]", raw["script"]) if entry.get("to", entry.get("session", keep[0])) in keep
    ]
    return {**raw, "sessions": sessions, "script": script}


def ending_at(raw: Raw, end_s: float) -> Raw:
    """Return the scenario cut off at a moment in seconds; what would happen later is left out."""
    script = [entry for entry in cast("list[Raw]", raw["script"]) if parse_duration(str(entry["at"])) <= end_s]
    return {**raw, "duration": exact(end_s), "script": script}


def earlier(raw: Raw) -> Iterator[Raw]:
    """Yield the scenario with each stretch before an entry of the script cut out, longest first."""
    script = cast("list[Raw]", raw["script"])
    moments = [0.0, *(parse_duration(str(entry["at"])) for entry in script)]
    gaps = sorted(((after - before, n) for n, (before, after) in enumerate(pairwise(moments))), reverse=True)
    for gap_s, first in gaps:
        for cut_s in (gap_s, gap_s - 1, gap_s - 60, gap_s - 600, gap_s / 2):
            if cut_s > 1:
                yield _shifted(raw, first, cut_s)


def _shifted(raw: Raw, first: int, by_s: float) -> Raw:
    script = [
        entry if number < first else {**entry, "at": exact(parse_duration(str(entry["at"])) - by_s)}
        for number, entry in enumerate(cast("list[Raw]", raw["script"]))
    ]
    return {**raw, "duration": exact(parse_duration(str(raw["duration"])) - by_s), "script": script}


def without_parts(raw: Raw) -> Iterator[Raw]:
    """Yield the scenario without each key or list item that is not its story, largest parts first."""
    for place, value in sorted(_walk(raw), key=lambda item: len(item[0])):
        last = place[-1]
        if last in _KEPT or (place[0] == "script" and len(place) <= _PAIR) or last == "agent" or _fairness(raw, place):
            continue
        if isinstance(last, int) and _span(_at(raw, place[:-1])):
            continue
        yield _replaced(raw, place, None)
        yield from (_replaced(raw, place, end) for end in _span(value))


def with_rounder_numbers(raw: Raw) -> Iterator[Raw]:
    """Yield the scenario with each number and duration simpler than it is: shorter to write, or as long and smaller."""
    for place, value in _walk(raw):
        names = [key for key in place if isinstance(key, str)]
        if names[-1] in _FIXED:
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            yield from (_replaced(raw, place, less) for less in (1, value // 2) if 1 <= less < value)
        elif isinstance(value, str) and (seconds := _duration(value)) is not None:
            yield from (_replaced(raw, place, text) for text in _rounder(seconds, value))


def _fairness(raw: Raw, place: Place) -> bool:
    """Return whether the world would be unfair without the key at this place."""
    if place[-1] == "for":
        return True
    return place[-1] in _SHOWS_LIFE and not _at(raw, place[:-1]).get("hangs")


def looked_at_every_second(raw: Raw) -> Raw:
    """Return the scenario under an agent that looks as often as in production, also while everybody is well."""
    agent = {key: value for key, value in cast("Raw", raw.get("agent", {})).items() if key != "coarse"}
    rest = {key: value for key, value in raw.items() if key != "agent"}
    return {**rest, "agent": agent} if agent else rest


def round_above(seconds: float) -> float:
    """Return the length that is shortest to write, not much longer than so many seconds."""
    above = [(seconds // unit + 1) * unit for unit in _UNITS_S]
    return min((value for value in above if value <= seconds * _LONGER + 1), key=lambda value: _rank(exact(value)))


def _rounder(seconds: float, text: str) -> list[str]:
    """Return simpler durations, none of them longer: every step makes the world smaller, so there is a last one."""
    shorter = [exact(value) for value in _SHORT_S if value < seconds]
    rounded = [exact(seconds // unit * unit) for unit in _UNITS_S]
    return [new for new in dict.fromkeys((*shorter, *rounded)) if _rank(new) < _rank(text)]


def _rank(text: str) -> tuple[int, float]:
    return len(text), parse_duration(text)


def _duration(text: str) -> float | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def _span(value: object) -> list[str]:
    """Return the two ends of a span; nothing for any other value."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    ends = [item for item in items if isinstance(item, str) and _duration(item) is not None]
    return ends if len(items) == len(ends) == _PAIR else []


def _walk(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value below the tables with its place; later items of a list first, so that places stay true."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(cast("Raw", value).items())
    elif isinstance(value, list):
        items = cast("list[object]", value)
        inner = [(number, items[number]) for number in range(len(items) - 1, -1, -1)]
    for key, item in inner:
        yield (*place, key), item
        yield from _walk(item, (*place, key))


def _at(raw: Any, place: Place) -> Any:
    for key in place:
        raw = raw[key]
    return raw


def _replaced(raw: Any, place: Place, new: Any) -> Any:
    """Return the tables with another value at a place; ``None`` takes it out. What is around it is copied."""
    key, rest = place[0], place[1:]
    copy = dict(cast("Raw", raw)) if isinstance(raw, dict) else list(cast("list[Any]", raw))
    if rest:
        copy[key] = _replaced(copy[key], rest, new)  # type: ignore[index]  # a key or an index, as the place says
    elif new is None:
        del copy[key]  # type: ignore[arg-type]  # likewise
    else:
        copy[key] = new  # type: ignore[index]  # likewise
    return copy
