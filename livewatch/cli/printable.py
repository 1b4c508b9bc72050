"""Text from a gateway on a terminal, and moments as people read them."""

from datetime import UTC, datetime


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: keys and details come from the gateway."""
    return "".join(character if character.isprintable() else "?" for character in text)


def moment(wall_s: float) -> str:
    """Return a Unix time in UTC for people: ``2026-11-21 04:36:00``."""
    return _date(wall_s).strftime("%Y-%m-%d %H:%M:%S")


def iso_moment(wall_s: float) -> str:
    """Return a Unix time in UTC for programs."""
    return _date(wall_s).isoformat()


def _date(wall_s: float) -> datetime:
    """Return the date, or the first one for what is none: one damaged row must not hide all others."""
    try:
        return datetime.fromtimestamp(wall_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
