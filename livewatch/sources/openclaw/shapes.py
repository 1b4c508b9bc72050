"""Reading what a gateway sent: whatever is not of the expected shape is empty, never an error."""

from typing import Any, cast


def table(value: object) -> dict[str, Any]:
    """Return an object's fields; none for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def tables(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; none for anything else."""
    if not isinstance(value, list):
        return []
    items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def number(value: object) -> float | None:
    """Return a finite number, or ``None``; JSON's true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:  # noqa: PLR2004 -- any time and size
        return None
    return value
