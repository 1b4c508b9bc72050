"""A setting's value as TOML and JSON have it, and as text."""

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

from livewatch.configuration.sections import key_of
from livewatch.durations import write_duration
from livewatch_classifiers.thresholds import Override


def plain(value: Any, *, duration: bool = False) -> Any:
    """Return a setting's value in the types that TOML and JSON have; ``None`` when it is not set."""
    if duration and isinstance(value, (int, float)):
        return write_duration(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Override):
        parts = {item.name: getattr(value, item.name) for item in fields(Override)}
        return {key_of(name): plain(part, duration=name.endswith("_s")) for name, part in parts.items() if part}
    whole = value  # what the type checkers know of `value` from here on is less than this
    if isinstance(value, Mapping):
        return {plain(kind): plain(bound, duration=duration) for kind, bound in whole.items()}
    if isinstance(value, frozenset):
        return sorted(plain(item) for item in whole)
    return [plain(item) for item in whole] if isinstance(value, tuple) else value


def toml(value: Any) -> str:
    """Return a plain value as TOML writes it, on one line."""
    whole = value
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in whole.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in whole)}]"
    return json.dumps(value, ensure_ascii=False)
