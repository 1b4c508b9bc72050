"""One value as it was written, as the type of its setting; what cannot be used is told with what to write instead."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, cast

from livewatch.configuration.sections import DURATIONS_BY, key_of
from livewatch.durations import parse_duration
from livewatch_classifiers.thresholds import Override
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, WaitKind

_E = TypeVar("_E", bound=Enum)


def convert_value(raw: Any, kind: Any, *, duration: bool) -> Any:
    """Return what a file, a variable or a flag gives, as the type of its field.

    Raises:
        ValueError: with a text that says what to write instead.
    """
    if duration:
        return parse_duration(raw if isinstance(raw, str) else str(raw))
    if isinstance(kind, type) and issubclass(kind, Enum):
        values = [str(member.value) for member in kind]
        if raw not in values:
            raise ValueError(f"{raw!r} is not one of {', '.join(values)}{nearest(str(raw), values)}")
        return kind(raw)
    if kind is bool:
        return _boolean(raw)
    if kind in (int, float):
        return _number(raw, kind)
    if kind == int | None:
        return _number(raw, int)
    if kind == tuple[str, ...]:
        return _words(raw)
    if kind in (Path, Path | None):
        return _path(str(raw))
    return str(raw)


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError(f"{text!r} is not a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{text!r} names a user without a home; write the whole path") from error


def convert_table(key: str, raw: object) -> Any:
    """Return a table, a list of words or a list of tables as its field has it.

    Raises:
        ValueError: with a text that says what to write instead; ``TypeError`` likewise.
    """
    if key in DURATIONS_BY:
        if not isinstance(raw, dict):
            raise ValueError(f"must be a table of kinds and durations, not {raw!r}")
        kinds = DURATIONS_BY[key]
        table = cast("dict[str, object]", raw)
        return {_word(kinds, kind): parse_duration(str(value)) for kind, value in table.items()}
    if not isinstance(raw, list):
        raise ValueError(f"must be a list, not {raw!r}")  # noqa: TRY004 -- a setting's value, not a programmer's type
    items = cast("list[object]", raw)
    if key == "abort_waits":
        return frozenset(_word(WaitKind, str(kind)) for kind in items)
    return tuple(_override(item) for item in items)


def _override(raw: Any) -> Override:
    if not isinstance(raw, dict):
        raise TypeError(f"must be a table, not {raw!r}")
    raw = cast("dict[str, Any]", raw)
    known = [key_of(item.name) for item in fields(Override)]
    unknown = [key for key in raw if key not in known]
    if unknown:
        raise ValueError(f"unknown key {unknown[0]}{nearest(unknown[0], known)}")
    return Override(
        activity=_word(ActivityKind, raw["activity"]) if "activity" in raw else None,
        name=_glob(raw, "name"),
        lane=_word(LaneKind, raw["lane"]) if "lane" in raw else None,
        session=_glob(raw, "session"),
        warn_after_s=parse_duration(str(raw["warn_after"])) if "warn_after" in raw else None,
        abort_after_s=parse_duration(str(raw["abort_after"])) if "abort_after" in raw else None,
    )


def _glob(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} must be a glob such as 'agent:*', not {value!r}")
    return value


def _word(vocabulary: type[_E], raw: str) -> _E:
    return cast("_E", convert_value(raw, vocabulary, duration=False))


def _words(raw: Any) -> tuple[str, ...]:
    """Return an argument list; a string is refused because splitting it would be a shell's work."""
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        raw = json.loads(raw)  # a variable or flag gives the list as JSON
    words = cast("list[object]", raw) if isinstance(raw, list) else []
    if not isinstance(raw, list) or not all(isinstance(word, str) and word for word in words):
        raise ValueError(f'{raw!r} is not a list of words such as ["systemctl", "restart", "gateway"]')
    return tuple(str(word) for word in words)


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(raw).lower() not in words:
        raise ValueError(f"{raw!r} is neither true nor false")
    return words[str(raw).lower()]


def _number(raw: Any, kind: type[int] | type[float]) -> int | float:
    try:
        number = kind(raw)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{raw!r} is not a {'whole ' if kind is int else ''}number") from None
    if isinstance(raw, bool) or (isinstance(raw, float) and number != raw):
        raise ValueError(f"{raw!r} is not a {'whole ' if kind is int else ''}number")
    return number


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint: the word that was probably meant, or all that there are."""
    known = list(known)
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
