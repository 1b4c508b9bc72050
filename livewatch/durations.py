"""Durations as people write them: ``500ms``, ``30s``, ``5m``, ``1h30m``, ``2d``."""

import re

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SECOND_MICROS = 1_000_000
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> float:
    """Return the duration in seconds.

    Raises:
        ValueError: with a text that suggests how to write it; a bare number has no unit and is refused.
    """
    compact = text.strip().lower().replace(" ", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", compact):
        raise ValueError(f"{text!r} has no unit; write {compact}s or {compact}ms")
    parts = _PART.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise ValueError(f"{text!r} is not a duration; write it like 500ms, 30s, 5m or 1h30m")
    return sum(float(number) * UNITS_S[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """Return a short text for people: ``350ms``, ``4.2s``, ``2m05s``, ``1h30m``, ``3d04h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:  # noqa: PLR2004 -- a minute
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + "s"
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02d}h"
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest_s:02d}s"


def write_duration(seconds: float) -> str:
    """Return the duration as `parse_duration` reads it, exact to the microsecond: ``250ms``, ``2m``, ``1h15m``."""
    micros = round(seconds * 1e6)
    if micros < _SECOND_MICROS:
        return f"{micros / 1000:g}ms" if micros else "0s"
    parts: list[str] = []
    for unit in ("d", "h", "m"):
        count, micros = divmod(micros, round(UNITS_S[unit]) * _SECOND_MICROS)
        parts += [f"{count}{unit}"] if count else []
    whole, rest = divmod(micros, _SECOND_MICROS)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return "".join([*parts, f"{whole}{fraction}s"] if micros else parts)
