"""A TOML document read key by key; every error names file, line and key, and the nearest key that exists."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from livewatch.durations import parse_duration
from livewatch.simulation.plan import Span

Place = tuple[str | int, ...]
"""Keys and positions from the top of the document to a value."""
_E = TypeVar("_E", bound=Enum)


class ScenarioError(Exception):
    """A scenario file that cannot be used. The text is one line that says where and what to write instead."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint: the nearest known word, or all of them."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"


class Document:
    """One file: its text, for line numbers, and its tables."""

    def __init__(self, path: Path, text: str, raw: Mapping[str, Any] | None = None) -> None:
        """Read a text, or take the tables of ``raw`` as they are."""
        self.path = path
        self.text = text
        self.names: dict[str, set[str]] = {}
        """Names that were declared, by kind (``sessions``, ``lanes``, ...)."""
        try:
            raw = tomllib.loads(text) if raw is None else raw
        except (ValueError, RecursionError) as error:  # also numbers and dates that no Python value can hold
            raise ScenarioError(f"{path}: not valid TOML: {error}") from error
        self.top = Table(self, (), raw)

    def error(self, place: Place, problem: str) -> ScenarioError:
        """Return the error about a value."""
        key = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
        return ScenarioError(f"{self.path}:{line_of(self.text, place)}: {key}: {problem}")


class Table:
    """One table of a document; `done` refuses the keys that nobody asked for."""

    def __init__(self, document: Document, place: Place, raw: Mapping[str, Any]) -> None:
        self.document = document
        self.place = place
        self._raw = raw
        self._asked: set[str] = set()

    def error(self, key: str, problem: str) -> ScenarioError:
        """Return the error about one key of this table."""
        return self.document.error((*self.place, key), problem)

    def has(self, key: str) -> bool:
        """Return whether the key is given; asking makes it a known key."""
        self._asked.add(key)
        return key in self._raw

    def any(self, key: str, default: Any = None) -> Any:
        """Return the raw value."""
        return self._raw[key] if self.has(key) else default

    def need(self, key: str) -> Any:
        """Return the raw value of a key that must be there."""
        if not self.has(key):
            raise self.document.error(self.place, f"needs the key {key!r}")
        return self._raw[key]

    def text(self, key: str, default: str = "") -> str:
        """Return a string."""
        value = self.any(key, default)
        if not isinstance(value, str):
            raise self.error(key, f"must be a string, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; one string stands for a list of one."""
        value = self.any(key, [])
        values = cast("list[object]", value if isinstance(value, list) else [value])
        if not all(isinstance(item, str) for item in values):
            raise self.error(key, f"must be a string or a list of strings, not {value!r}")
        return tuple(str(item) for item in values)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.any(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, not {value!r}")
        return value

    def tri(self, key: str, default: bool | None) -> bool | None:  # noqa: FBT001 -- a default, not a switch
        """Return true, false, or ``None`` for ``"unknown"``."""
        value = self.any(key, default)
        if value == "unknown":
            return None
        if value is not None and not isinstance(value, bool):
            raise self.error(key, f'must be true, false or "unknown", not {value!r}')
        return value

    def count(self, key: str, default: int | None = None) -> int | None:
        """Return a whole number."""
        value = self.any(key, default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.error(key, f"must be a whole number, not {value!r}")
        return value

    def number(self, key: str, default: float | None = None) -> float | None:
        """Return a number without a unit."""
        value = self.any(key, default)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise self.error(key, f"must be a number, not {value!r}")
        return None if value is None else float(value)

    def duration(self, key: str, default: float | None = None) -> float | None:
        """Return a duration in seconds."""
        return self._duration(key, self._raw[key]) if self.has(key) else default

    def interval(self, key: str) -> float | None:
        """Return a duration after which something happens again, in seconds: never 0, or time would stand still."""
        value = self.duration(key)
        if value is not None and value <= 0:
            raise self.error(key, "must be longer than 0")
        return value

    def needed_duration(self, key: str) -> float:
        """Return a duration that must be there, in seconds."""
        return self._duration(key, self.need(key))

    def span(self, key: str, default: Span | None = None) -> Span | None:
        """Return one duration or a pair [lowest, highest], in seconds."""
        if not self.has(key):
            return default
        value = self._raw[key]
        if not isinstance(value, list):
            seconds = self._duration(key, value)
            return (seconds, seconds)
        pair = cast("list[object]", value)
        if len(pair) != 2:  # noqa: PLR2004 -- a pair
            raise self.error(key, "must be a duration or a pair [lowest, highest]")
        low_s, high_s = (self._duration(key, item) for item in pair)
        if low_s > high_s:
            raise self.error(key, "the lowest value comes first")
        return (low_s, high_s)

    def word(self, key: str, vocabulary: type[_E], default: _E) -> _E:
        """Return a word of a closed vocabulary."""
        return self.as_word(key, self._raw[key], vocabulary) if self.has(key) else default

    def as_word(self, key: str, value: Any, vocabulary: type[_E]) -> _E:
        """Return ``value`` as a word of a closed vocabulary."""
        words = [str(member.value) for member in vocabulary]
        if value not in words:
            raise self.error(key, f"unknown word {value!r}{nearest(str(value), words)}")
        return vocabulary(value)

    def name(self, key: str, kind: str) -> str:
        """Return a name that must have been declared among ``kind``."""
        value = self.need(key)
        known = self.document.names.get(kind, set())
        if not isinstance(value, str) or value not in known:
            hint = nearest(str(value), known) if known else f"; the file declares no {kind}"
            raise self.error(key, f"no {kind[:-1]} is called {value!r}{hint}")
        return value

    def table(self, key: str) -> "Table":
        """Return a table below this one; an empty one when it is not given."""
        value = self.any(key, {})
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Table(self.document, (*self.place, key), cast("dict[str, Any]", value))

    def tables(self, key: str) -> list["Table"]:
        """Return a list of tables."""
        value = self.any(key, [])
        rows = cast("list[object]", value if isinstance(value, list) else [None])
        if not all(isinstance(row, dict) for row in rows):
            raise self.error(key, "must be a list of tables")
        return [
            Table(self.document, (*self.place, key, index), cast("dict[str, Any]", row))
            for index, row in enumerate(rows)
        ]

    def named_tables(self) -> list[tuple[str, "Table"]]:
        """Return every entry of this table as a table with its name."""
        self._asked.update(self._raw)
        return [(name, self.table(name)) for name in self._raw]

    def keys(self) -> list[str]:
        """Return the keys that are given."""
        return list(self._raw)

    def rest(self) -> dict[str, Any]:
        """Return everything as it stands, to be checked elsewhere."""
        self._asked.update(self._raw)
        return dict(self._raw)

    def done(self) -> None:
        """Refuse keys that nobody asked for.

        Raises:
            ScenarioError: with the nearest key that would have been asked for.
        """
        for key in self._raw:
            if key not in self._asked:
                raise self.error(key, f"unknown key{nearest(key, self._asked)}")

    def _duration(self, key: str, value: Any) -> float:
        if not isinstance(value, str):
            raise self.error(key, f'must be a duration such as "30s" or "2m10s", not {value!r}')
        try:
            return parse_duration(value)
        except ValueError as error:
            raise self.error(key, str(error)) from error


def line_of(text: str, place: Place) -> int:
    """Return the line of a value, as near as it can be found; 1 for the document itself."""
    lines = text.splitlines()
    start, rest = _header(lines, place)
    for part in rest:
        if isinstance(part, int):
            continue
        found = _key_line(lines, start, part)
        if found is None:
            break
        start = found
    return max(1, start + 1)


def _header(lines: list[str], place: Place) -> tuple[int, Place]:
    """Return the index of the header that is nearest above the place, and what of the place is left below it."""
    best, left, counts = 0, place, dict[str, int]()
    for number, line in enumerate(lines):
        found = re.match(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$", line)
        if found is None or "=" in line.split("#")[0].split("]")[0]:
            continue
        names: list[str | int] = [part.strip("\"' ") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", found[2])]
        if found[1] == "[[":
            index = counts.get(found[2], 0)
            counts[found[2]] = index + 1
            names.append(index)
        if tuple(names) == place[: len(names)] and len(place) - len(names) < len(left):
            best, left = number, place[len(names) :]
    return best, left


def _key_line(lines: list[str], start: int, key: str) -> int | None:
    pattern = re.compile(rf"(^|[\s{{,\"']){re.escape(key)}[\"']?\s*=")
    for number in range(start, len(lines)):
        if number > start and re.match(r"\s*\[\[?[A-Za-z\"']", lines[number]) and "=" not in lines[number]:
            return None
        if pattern.search(lines[number].split("#")[0]):
            return number
    return None
