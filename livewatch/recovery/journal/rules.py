"""The rules in force, for the audit: with which an agent began, and what changed in them while it ran."""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields

from livewatch.durations import format_duration
from livewatch.recovery.journal.records import Asked
from livewatch.recovery.settings import Policy
from livewatch.users import user_name
from livewatch_classifiers.decision import GATEWAY, Person, ReplyStatus
from livewatch_classifiers.thresholds import Thresholds

CONFIGURATION = "configuration"
"""Stands for whoever changed the configuration: a signal does not say who sent it."""
_UNTOLD = frozenset({"restart_command"})
"""Settings whose values may hold what does not belong into a journal."""

Rules = tuple[Policy, Thresholds]


class RulesWatch:
    """Asked at every tick; costs two comparisons of identity while nothing changes."""

    def __init__(self, current: Callable[[], Rules]) -> None:
        self._current = current
        self._before: Rules | None = None

    def take(self) -> Asked | None:
        """Return what there is to note; ``None`` while the rules are those of before."""
        now, before = self._current(), self._before
        self._before = now
        if before is None:
            uid = os.geteuid()
            return _asked(Person(user_name(uid), uid), "start", f"start with {_summary(*now)}")
        if now[0] is before[0] and now[1] is before[1]:
            return None
        changes = [*_changes(before[0], now[0]), *_changes(before[1], now[1])]
        return _asked(Person(CONFIGURATION), "configure", f"configure {', '.join(changes)}") if changes else None


def _asked(who: Person, verb: str, what: str) -> Asked:
    return Asked(who, verb, what, session=GATEWAY, outcome=ReplyStatus.DONE.value)


def _summary(policy: Policy, thresholds: Thresholds) -> str:
    warn, abort = format_duration(thresholds.warn_after_s), format_duration(thresholds.abort_after_s)
    dry = ", dry run" if policy.dry_run else ""
    return f"mode {policy.mode.value}{dry}, warn_after {warn}, abort_after {abort}"


def _changes(old: Policy | Thresholds, new: Policy | Thresholds) -> Iterator[str]:
    for item in fields(old):
        was, is_now = getattr(old, item.name), getattr(new, item.name)
        if was == is_now:
            continue
        name = item.name.removesuffix("_s")
        if item.name in _UNTOLD or not isinstance(was, (bool, int, float, str)):
            yield f"{name} changed"
        elif name != item.name and isinstance(was, float):
            yield f"{name} {format_duration(was)} -> {format_duration(is_now)}"
        else:
            yield f"{name} {was} -> {is_now}"
