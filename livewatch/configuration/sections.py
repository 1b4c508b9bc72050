"""Which sections and keys there are: the fields of the settings dataclasses."""

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

from livewatch.configuration.settings import AgentSettings, TargetSettings, TelemetryOptions
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, Gate, WaitKind

SECTIONS: Mapping[str, type[Any]] = {
    "target": TargetSettings,
    "thresholds": Thresholds,
    "recovery": Policy,
    "telemetry": TelemetryOptions,
    "agent": AgentSettings,
}
TABLES_OF: Mapping[str, tuple[str, ...]] = {
    "thresholds": ("allowances", "wait_bounds", "abort_waits", "overrides"),
    "recovery": ("hold_bounds",),
}
TABLES = tuple(table for tables in TABLES_OF.values() for table in tables)
DURATIONS_BY: Mapping[str, type[Enum]] = {"allowances": ActivityKind, "wait_bounds": WaitKind, "hold_bounds": Gate}


def keys(section: str) -> dict[str, Any]:
    """Return the keys of a section with their field types; durations have no unit in their key."""
    return {key_of(item.name): item.type for item in fields(SECTIONS[section]) if key_of(item.name) not in TABLES}


def key_of(name: str) -> str:
    """Return the key of a settings field: a duration is written with its unit, so that its key has none."""
    return name.removesuffix("_s")


def section_of(key: str) -> str:
    """Return the section of a key; no two have one of the same name."""
    return next(section for section in SECTIONS if key in keys(section))
