"""The silences that a journal knows: those beyond the warning limit, from labels that came and went. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from livewatch.recovery.journal.records import EventKind, History, StoredEvent
from livewatch.tuning.silences import Sample, Silences, in_order
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, Reason

_SILENT = frozenset(
    {Reason.ACTIVE_MODEL_CALL_WITHOUT_PROGRESS, Reason.ACTIVE_WORK_WITHOUT_PROGRESS, Reason.BLOCKED_TOOL_CALL}
)


@dataclass(slots=True)
class _Open:
    kind: ActivityKind
    name: str
    silence_s: float
    since_s: float
    acted: bool = False


def journal_silences(history: History, target: str, thresholds: Thresholds) -> Silences:
    """Return the long silences of one gateway.

    A label of silence says how long the session was silent when it began; the silence ended with the label. How many
    silences were shorter is not known, and those that livewatch was not there to see are missing.

    Args:
        history: the journal.
        target: the gateway.
        thresholds: the limits that were in force; silences are complete only beyond ``warn_after``.
    """
    events = [stored for stored in history.events if stored.target == target]
    acts: dict[str, list[float]] = {}
    for intent in history.intents:
        if intent.target == target:
            acts.setdefault(intent.action.session, []).append(intent.wall_s)
    samples: dict[tuple[ActivityKind, str], Sample] = {}
    silent: dict[str, _Open] = {}
    for stored in events:
        event = stored.event
        if event.kind is not EventKind.TRANSITION or event.session is None:
            continue
        known, after = silent.get(event.session), _silence(stored)
        if known is not None:
            on_it = acts.get(event.session, ())
            known.acted = known.acted or any(known.since_s <= wall_s <= event.wall_s for wall_s in on_it)
        if after is not None and known is not None and after.silence_s > known.silence_s:
            continue  # the same silence under the next label
        if known is not None:
            _add(samples, known, event.session, event.wall_s)
            del silent[event.session]
        if after is not None:
            silent[event.session] = after
    last_s = max((stored.event.wall_s for stored in events), default=0.0)
    for key, known in silent.items():
        known.acted = True
        _add(samples, known, key, last_s)
    since_s = min((stored.life.wall_s for stored in history.lives if stored.target == target), default=0.0)
    exposure_s = _watched_s(history, target)
    return Silences(
        in_order(samples.values()), exposure_s, thresholds, since_s, last_s, floor_s=thresholds.warn_after_s
    )


def _silence(stored: StoredEvent) -> _Open | None:
    after = cast("Mapping[str, Any]", stored.event.data.get("after") or {})
    evidence = cast("Mapping[str, Any]", after.get("evidence") or {})
    if after.get("reason") not in _SILENT or "silence_s" not in evidence or "activity" not in evidence:
        return None
    try:
        activity, silence_s = ActivityKind(evidence["activity"]), float(evidence["silence_s"])
    except (ValueError, TypeError):
        return None  # of another version, or damaged
    return _Open(activity, str(evidence.get("activity_name", "")), silence_s, stored.event.wall_s)


def _add(samples: dict[tuple[ActivityKind, str], Sample], known: _Open, key: str, wall_s: float) -> None:
    length_s = known.silence_s + max(0.0, wall_s - known.since_s)
    for name in {"", known.name}:
        sample = samples.setdefault((known.kind, name), Sample(known.kind, name))
        (sample.unknown if known.acted else sample.alive).append(length_s)
        sample.sessions.add(key)


def _watched_s(history: History, target: str) -> float:
    """Return for how long agents watched; one that was killed counts up to the last thing that it wrote."""
    watched_s = 0.0
    for stored in history.lives:
        if stored.target != target:
            continue
        life = stored.life
        wrote_s = [e.event.wall_s for e in history.events if e.life == stored.id]
        ended_s = life.ended_wall_s if life.ended_wall_s is not None else max(wrote_s, default=life.wall_s)
        watched_s += max(0.0, ended_s - life.wall_s)
    return watched_s
