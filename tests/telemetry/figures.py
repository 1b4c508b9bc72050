"""Numbers, colours and thresholds as Grafana shows them; enough for a preview."""

import math
import re
from typing import Any

COLOURS = {
    "green": "#56a64b",
    "blue": "#3d71d9",
    "yellow": "#e0b400",
    "orange": "#e5871f",
    "red": "#d63649",
    "dark-red": "#8e1826",
    "purple": "#8f5fbf",
    "transparent": "none",
}
PALETTE = ("#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#37872d", "#8ab8ff", "#ffb357", "#fa6400", "#ca95e5")


def colour(name: str) -> str:
    """Return a colour that SVG knows."""
    return COLOURS.get(name, name)


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """Return a value with its unit, short."""
    if math.isnan(value):
        return "-"
    if unit == "percentunit":
        return f"{100 * value:.0f}%"
    if unit == "bytes":
        return next(
            (
                f"{value / size:.0f} {word}"
                for word, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
                if value >= size
            ),
            f"{value:.0f} B",
        )
    if unit == "s":
        return _duration(value)
    if decimals == 0:
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:.1f}"


def ceiling(value: float) -> float:
    """Return a round number that is not below a value, for the top of an axis with four parts."""
    size = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(step * size for step in (1, 2, 4, 6, 8, 10) if step * size >= value * 0.999)


def _duration(value_s: float) -> str:
    if abs(value_s) < 0.0005:
        return "0 s"
    if abs(value_s) < 1:
        return f"{1000 * value_s:.0f} ms"
    if abs(value_s) < 120:
        return f"{value_s:.0f} s" if value_s >= 10 or value_s == int(value_s) else f"{value_s:.1f} s"
    return f"{value_s / 60:.1f} min" if value_s < 7200 else f"{value_s / 3600:.1f} h"


def legend(form: str, labels: dict[str, str]) -> str:
    """Return a series' name as its legend says."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), form).strip() or "value"


def step_colour(steps: list[dict[str, Any]], value: float) -> str:
    """Return the colour of the highest threshold that a value reaches."""
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return colour(reached[-1]) if reached else "none"


def properties(panel: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a panel's overrides say about a field with this name, over its defaults."""
    defaults = panel["fieldConfig"]["defaults"]
    told: dict[str, Any] = {
        key: defaults[key] for key in ("unit", "thresholds", "mappings", "decimals") if key in defaults
    }
    for override in panel["fieldConfig"].get("overrides", []):
        matcher = override["matcher"]
        exact = matcher["id"] == "byName" and matcher["options"] == name
        if exact or (matcher["id"] == "byRegexp" and re.fullmatch(matcher["options"], name)):
            told |= {one["id"]: one["value"] for one in override["properties"]}
    return told


def word(told: dict[str, Any], value: float) -> tuple[str, str] | None:
    """Return text and colour that a value is mapped to, if it is."""
    for mapping in told.get("mappings", []):
        found = mapping["options"].get(str(int(value))) if not math.isnan(value) else None
        if found is not None:
            return found["text"], colour(found["color"])
    return None
