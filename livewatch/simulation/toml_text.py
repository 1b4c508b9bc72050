"""Scenarios written as TOML, in the way in which people write them: sections, one block per line of the script."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

Raw = dict[str, Any]
"""A scenario as plain tables, lists, strings and numbers, before anything is checked."""
_GROUPS = ("lanes", "sessions", "locks", "turns")
"""Tables of named tables."""
_WIDE = 110
"""Longest line, in characters, on which a list of steps still stands as one."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def exact(seconds: float) -> str:
    """Return a duration as files write it, exact to the millisecond: ``500ms``, ``7.25s``, ``2m10s``, ``1h30m``."""
    ms = round(seconds * 1000)
    if ms < 1000:  # noqa: PLR2004 -- a second
        return f"{ms}ms"
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    rest = f"{rest_ms / 1000:.3f}".rstrip("0").rstrip(".")
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{rest}s" if rest_ms else "")
    return "".join(parts)


def toml_text(raw: Raw) -> str:
    """Return the text of a scenario file; reading it gives the same tables again."""
    return "\n".join(_lines(raw)) + "\n"


def _lines(raw: Raw) -> Iterator[str]:
    plain = {key: value for key, value in raw.items() if not _section(value)}
    yield from _pairs(plain)
    for name, value in raw.items():
        if name in plain:
            continue
        if isinstance(value, list):
            for row in cast("list[Raw]", value):
                yield from ("", f"[[{name}]]", *_pairs(row))
        elif name in _GROUPS:
            for key, row in cast("dict[str, Raw]", value).items():
                yield from ("", f"[{name}.{_key(key)}]", *_pairs(row))
        else:
            yield from ("", f"[{name}]", *_pairs(cast("Raw", value)))


def _section(value: object) -> bool:
    rows = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        line = f"{_key(key)} = {_value(value)}"
        if len(line) > _WIDE and isinstance(value, list):
            items = cast("list[object]", value)
            yield from (f"{_key(key)} = [", *(f"    {_value(item)}," for item in items), "]")
        else:
            yield line


def _value(value: object) -> str:
    if isinstance(value, dict):
        pairs = (f"{_key(key)} = {_value(item)}" for key, item in cast("Raw", value).items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in cast('list[object]', value))}]"
    return _json(value)


def _json(value: object) -> str:
    """Strings, numbers and booleans look the same in both, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _json(key)
