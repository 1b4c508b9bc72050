"""OpenClaw's own limits, in milliseconds, as keys of `livewatch.toml`."""

import os
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
        ConfigError: when the file cannot be read, is not JSON5, or a limit is no number of milliseconds.
    """
    from livewatch.sources.openclaw.configuration.reader import read_configuration  # noqa: PLC0415 -- only for this

    configuration = read_configuration(os.environ, path)
    if configuration.problem:
        raise ConfigError(f"{configuration.problem}; name OpenClaw's openclaw.json")
    diagnostics = configuration.document.get("diagnostics")
    found = cast("dict[str, Any]", diagnostics) if isinstance(diagnostics, dict) else {}
    return {ours: _duration(path, theirs, found[theirs]) for theirs, ours in KEYS.items() if theirs in found}


def _duration(path: Path, key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ConfigError(f"{path}: diagnostics.{key} is {value!r}, not a number of milliseconds")
    return write_duration(value / 1000)
