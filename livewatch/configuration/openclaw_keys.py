"""OpenClaw's own limits, in milliseconds, as keys of `livewatch.toml`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from livewatch.configuration.load import ConfigError
from livewatch.durations import write_duration

KEYS: Mapping[str, str] = {
    "stuckSessionWarnMs": "thresholds.warn_after",
    "stuckSessionAbortMs": "thresholds.abort_after",
}
"""Keys below ``diagnostics`` that OpenClaw had between its pull requests 31032 and 76115 and 2026.9, and ours."""


def read_limits(path: Path) -> dict[str, str]:
    """Return ``section.key`` to duration for each limit that a file of OpenClaw sets.

    Raises:
        ConfigError: when the file cannot be read, is not plain JSON, or a limit is no number of milliseconds.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name OpenClaw's openclaw.json") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not plain JSON ({error}); take comments out of a copy and name that") from error
    diagnostics = cast("dict[str, Any]", document).get("diagnostics") if isinstance(document, dict) else None
    found = cast("dict[str, Any]", diagnostics) if isinstance(diagnostics, dict) else {}
    return {ours: _duration(path, theirs, found[theirs]) for theirs, ours in KEYS.items() if theirs in found}


def _duration(path: Path, key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ConfigError(f"{path}: diagnostics.{key} is {value!r}, not a number of milliseconds")
    return write_duration(value / 1000)
