"""A candidate: thresholds and recovery settings from a file, laid over those in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from livewatch.configuration.load import ConfigError, read_file
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds

_S = TypeVar("_S", Thresholds, Policy)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a file sets in ``[thresholds]`` and ``[recovery]``; all other sections of it are left aside."""

    source: str = ""
    thresholds: Mapping[str, Any] = field(default_factory=dict[str, Any])
    recovery: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it sets, as they stand in the file."""
        return (*(f"thresholds.{key}" for key in self.thresholds), *(f"recovery.{key}" for key in self.recovery))

    def over(self, thresholds: Thresholds, policy: Policy) -> tuple[Thresholds, Policy]:
        """Return both with what the file sets; a table adds to the one in force, a list takes its place.

        Raises:
            ConfigError: when the result contradicts itself.
        """
        changed = _fields(thresholds, self.thresholds)
        derived = thresholds.abort_after_s == Thresholds(warn_after_s=thresholds.warn_after_s).abort_after_s
        if "warn_after_s" in changed and "abort_after_s" not in changed and derived:
            changed["abort_after_s"] = 0.0  # it followed from warn_after, and does so again
        return _replaced(self.source, "thresholds", thresholds, changed), _replaced(
            self.source, "recovery", policy, _fields(policy, self.recovery)
        )


def read_candidate(path: Path) -> Candidate:
    """Return the candidate of a file in the form of `livewatch.toml`.

    Raises:
        ConfigError: with one line that says where and what to write instead.
    """
    values = read_file(path)
    candidate = Candidate(str(path), values["thresholds"], values["recovery"])
    if not candidate.keys:
        raise ConfigError(f"{path}: sets nothing in [thresholds] or [recovery]; write what should be other there")
    candidate.over(Thresholds(), Policy())
    return candidate


def _fields(settings: Thresholds | Policy, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name.removesuffix("_s"): item.name for item in fields(settings)}
    changed: dict[str, Any] = {}
    for key, value in given.items():
        old = getattr(settings, names[key])
        table = isinstance(value, dict) and isinstance(old, Mapping)
        changed[names[key]] = {**cast("Mapping[Any, Any]", old), **value} if table else value
    return changed


def _replaced(source: str, section: str, settings: _S, changed: Mapping[str, Any]) -> _S:
    try:
        return replace(settings, **changed)
    except ValueError as error:
        raise ConfigError(f"{source}: [{section}] {error}") from error
