"""What one check found."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How what was looked at is doing."""

    OK = "ok"
    WARNING = "warning"  # it works, and something should be changed
    FAILURE = "failure"  # livewatch cannot do its work like this
    SKIPPED = "skipped"  # it could not be looked at, or does not apply


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and for what is not well the one thing to do about it."""

    health: Health
    text: str
    fix: str = ""


def ok(text: str) -> Finding:
    """Return that all is well."""
    return Finding(Health.OK, text)


def warning(text: str, fix: str) -> Finding:
    """Return that something should be changed."""
    return Finding(Health.WARNING, text, fix)


def failure(text: str, fix: str) -> Finding:
    """Return that livewatch cannot do its work like this."""
    return Finding(Health.FAILURE, text, fix)


def skipped(why: str) -> Finding:
    """Return that there was nothing to look at, and why."""
    return Finding(Health.SKIPPED, why)
