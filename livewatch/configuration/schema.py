"""Every key of the configuration, described by the settings dataclasses themselves.

A field is the key, its type the form, its default the default, and the string below it the description.
"""

import ast
import inspect
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from enum import Enum
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

from livewatch.configuration.sections import DURATIONS_BY, SECTIONS, key_of
from livewatch.configuration.values import plain
from livewatch_classifiers.thresholds import Override
from livewatch_classifiers.vocabulary import WaitKind

LIVE_SECTIONS = ("thresholds", "recovery")
"""What changes while the agent runs; everything else with its next start."""

_DURATION = {"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*)+$"}
_TEXT = {"type": "string"}
_NAMED = re.compile(r"``([^`]+?)(?:(?<=[a-z])_s)?``")
"""A name in a description; the key of a duration has no unit."""
_PLAIN: Mapping[Any, tuple[str, dict[str, Any]]] = {
    bool: ("true or false", {"type": "boolean"}),
    int: ("whole number", {"type": "integer"}),
    int | None: ("whole number", {"type": "integer"}),
    float: ("number", {"type": "number"}),
    str: ("text", _TEXT),
    str | None: ("text", _TEXT),
    Path | None: ("path", _TEXT),
    tuple[str, ...]: ("list of words", {"type": "array", "items": _TEXT}),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration."""

    section: str
    name: str
    form: str
    """In words: ``duration``, ``path``, ``whole number``, ``one of a, b`` and the like."""
    shape: Mapping[str, Any]
    """JSON Schema of its value."""
    default: Any
    """As TOML has it; ``None`` when there is none."""
    about: str
    """What it means, in Markdown."""

    @property
    def path(self) -> str:
        """The key with its section."""
        return f"{self.section}.{self.name}"

    @property
    def live(self) -> bool:
        """Whether a change takes effect while the agent runs."""
        return self.section in LIVE_SECTIONS


@cache
def schema() -> tuple[Key, ...]:
    """Return every key, by section, in the order in which the settings declare them."""
    return tuple(_key(section, item) for section, kind in SECTIONS.items() for item in fields(kind))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `livewatch.toml`, for editors and checkers."""
    properties: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key in schema():
        default = {} if key.default is None else {"default": key.default}
        properties[key.section][key.name] = {**key.shape, "description": key.about, **default}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "livewatch.toml",
        **_table({name: _table(keys) | {"description": about(name)} for name, keys in properties.items()}),
    }


def about(section: str) -> str:
    """Return what a section is about."""
    return (inspect.getdoc(SECTIONS[section]) or "").splitlines()[0]


def _key(section: str, item: "Field[Any]") -> Key:
    kind, name = SECTIONS[section], key_of(item.name)
    form, shape = _form(name, item)
    default = plain(getattr(kind(), item.name), duration=item.name.endswith("_s"))
    return Key(section, name, form, shape, default, _descriptions(kind).get(item.name, ""))


def _form(name: str, item: "Field[Any]") -> tuple[str, dict[str, Any]]:
    if name in DURATIONS_BY:
        return "table of durations", _table(dict.fromkeys((str(kind.value) for kind in DURATIONS_BY[name]), _DURATION))
    if name == "overrides":
        parts = {key_of(part.name): _part(part) for part in fields(Override)}
        return "list of tables", {"type": "array", "items": _table(parts)}
    if name == "abort_waits":
        return "list of words", {"type": "array", "items": _one_of(WaitKind)}
    if item.name.endswith("_s"):
        return "duration", _DURATION
    kind: Any = item.type
    if isinstance(kind, type) and issubclass(kind, Enum):
        words = _one_of(kind)
        return f"one of {', '.join(words['enum'])}", words
    return _PLAIN[kind]


def _part(item: "Field[Any]") -> dict[str, Any]:
    """Return the shape of one selector or limit of an override."""
    if item.name.endswith("_s"):
        return _DURATION
    kinds = [kind for kind in getattr(item.type, "__args__", ()) if isinstance(kind, type) and issubclass(kind, Enum)]
    return _one_of(kinds[0]) if kinds else _TEXT


def _one_of(kind: type[Enum]) -> dict[str, Any]:
    return {"type": "string", "enum": [str(member.value) for member in kind]}


def _table(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _descriptions(kind: type[Any]) -> dict[str, str]:
    """Return field to the string that stands below it."""
    body = ast.parse(dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for declared, below in zip(body.body, body.body[1:], strict=False):
        if not isinstance(declared, ast.AnnAssign) or not isinstance(declared.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found[declared.target.id] = _NAMED.sub(r"`\1`", inspect.cleandoc(below.value.value))
    return found
