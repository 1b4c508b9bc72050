"""Both sides of a replay as lines for people and as a document for programs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from math import isfinite
from typing import Any, cast

from livewatch.durations import format_duration
from livewatch.recovery.settings import Policy
from livewatch.replay.actions import ActionRow
from livewatch.replay.labels import Stretch
from livewatch.replay.replay import Replayed
from livewatch_classifiers.thresholds import Override, Thresholds

SCHEMA_VERSION = 1
_ROWS_SHOWN = 40
_DAY_S = 86_400.0
_SICK = ("stalled/", "stuck/")


def lines(told: Replayed, *, everything: bool = False) -> list[str]:
    """Return the comparison as lines; long lists are cut unless ``everything`` is asked for."""
    if not told.rounds:
        return ["the recording holds no round"]
    missing = f"{told.missing} missing" if told.missing else "none missing"
    head = (
        f"{told.target}: {_moment(told.since_s)} to {_moment(told.until_s)} UTC "
        f"({format_duration(told.until_s - told.since_s)}), {told.rounds} rounds of {len(told.sessions)} sessions, "
        f"{'looks around incidents only: approximate' if told.sparse else missing}"
    )
    long = told.until_s - told.since_s > _DAY_S
    limit = None if everything else _ROWS_SHOWN
    out = [head, *_settings(told)]
    out += _table(
        "action", [_action(row, long=long) for row in told.actions], ("session", "recorded", "replayed", ""), limit
    )
    out += _table(
        "label",
        [_stretch(s, long=long) for s in told.labels if everything or _serious(s)],
        ("since", "for", "recorded", "replayed"),
        limit,
    )
    out += _table(
        "state", [_stretch(s, long=long) for s in told.states], ("since", "for", "recorded", "replayed"), limit
    )
    if everything:
        out += _table(
            "hold", [_stretch(s, long=long) for s in told.holds], ("since", "for", "recorded", "replayed"), None
        )
    return [*out, "", *_summary(told, everything=everything)]


def document(told: Replayed, notes: Iterable[str]) -> dict[str, Any]:
    """Return the comparison as one JSON-ready document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "target": told.target,
        "since": told.since_s,
        "until": told.until_s,
        "rounds": told.rounds,
        "missing": told.missing,
        "sessions": len(told.sessions),
        "approximate": told.sparse,
        "same": told.same,
        "notes": list(notes),
        "settings": [
            {"key": key, "recorded": before, "replayed": after} for key, before, after in changed_settings(told)
        ],
        "actions": [_action_document(row) for row in told.actions],
        "labels": [_stretch_document(stretch) for stretch in told.labels],
        "states": [_stretch_document(stretch) for stretch in told.states],
        "holds": [_stretch_document(stretch) for stretch in told.holds],
    }


def changed_settings(told: Replayed) -> list[tuple[str, Any, Any]]:
    """Return the keys in which both sides' settings differ, with both values JSON-ready."""
    if told.recorded_settings is None or told.replayed_settings is None:
        return []
    found: list[tuple[str, Any, Any]] = []
    pairs = zip(("thresholds", "recovery"), told.recorded_settings, told.replayed_settings, strict=True)
    for section, before, after in pairs:
        for item in fields(Thresholds if section == "thresholds" else Policy):
            one, other = getattr(before, item.name), getattr(after, item.name)
            if one != other:
                found.append((f"{section}.{item.name.removesuffix('_s')}", _value(one), _value(other)))
    return found


def _settings(told: Replayed) -> list[str]:
    changed = changed_settings(told)
    if not changed:
        return ["settings as recorded"]
    durations = {
        item.name.removesuffix("_s")
        for kind in (Thresholds, Policy)
        for item in fields(kind)
        if item.name.endswith("_s")
    }
    rows = [
        (key, *(_shown(value, duration=key.split(".")[1] in durations) for value in (before, after)))
        for key, before, after in changed
    ]
    return _table("setting", rows, ("recorded", "replayed"), None)


def _summary(told: Replayed, *, everything: bool) -> list[str]:
    both = [row for row in told.actions if row.both]
    ours = [row for row in told.actions if row.replayed_s is None]
    new = [row for row in told.actions if row.recorded_s is None]
    wrong = sum(row.false for row in new)
    doubt = f", {wrong} of them on sessions that went on by themselves" if wrong else ""
    moved = sum(bool(row.earlier_s) for row in both)
    told_s = sum(stretch.until_s - stretch.since_s for stretch in told.labels)
    acted = f"actions: {len(both)} on both sides ({moved} at another moment), {len(ours)} only recorded, "
    words = f"labels: {len(told.labels)} differences, {format_duration(told_s)} of session time"
    mild = len(told.labels) - sum(_serious(stretch) for stretch in told.labels)
    more = f"; {mild} of them between labels that ask for nothing (--all shows them)" if mild and not everything else ""
    out = [f"{acted}{len(new)} only replayed{doubt}", f"{words}{more}"]
    if told.holds and not everything:
        out.append(f"holds: {len(told.holds)} differences; --all shows them")
    if told.same:
        out.append("nothing differs")
    return out


def _serious(stretch: Stretch) -> bool:
    """Return whether one side called the session stalled or stuck."""
    return any(word.startswith(_SICK) for word in (stretch.recorded, stretch.replayed))


def _action(row: ActionRow, *, long: bool) -> tuple[str, ...]:
    notes: list[str] = []
    earlier_s = row.earlier_s
    if earlier_s:
        notes.append(f"{format_duration(abs(earlier_s))} {'earlier' if earlier_s > 0 else 'later'}")
    if row.outcome is not None:
        notes.append(row.outcome.value)
    if row.note:
        notes.append(f"WRONG: {row.note}" if row.false else f"not replayed: {row.note}" if row.recorded_s else row.note)
    return (
        row.action.kind.value,
        row.action.session,
        _at(row.recorded_s, long),
        _at(row.replayed_s, long),
        "; ".join(notes),
    )


def _stretch(stretch: Stretch, *, long: bool) -> tuple[str, ...]:
    lasted = format_duration(stretch.until_s - stretch.since_s)
    return (stretch.subject, _at(stretch.since_s, long), lasted, stretch.recorded, stretch.replayed)


def _table(title: str, rows: Sequence[tuple[str, ...]], names: tuple[str, ...], limit: int | None) -> list[str]:
    if not rows:
        return []
    shown = rows[:limit]
    whole = [(title, *names), *shown]
    widths = [max(len(row[column]) for row in whole) for column in range(len(names) + 1)]
    out = [
        "",
        *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in whole),
    ]
    if len(shown) < len(rows):
        out.append(f"... {len(rows) - len(shown)} more; --all shows them")
    return out


def _action_document(row: ActionRow) -> dict[str, Any]:
    return {
        "session": row.action.session,
        "action": row.action.kind.value,
        "run": row.action.run_id,
        "cause": row.action.cause,
        "recorded": row.recorded_s,
        "replayed": row.replayed_s,
        "earlier_s": None if row.earlier_s is None else round(row.earlier_s, 3),
        "outcome": None if row.outcome is None else row.outcome.value,
        "would_have_been_wrong": row.false,
        "note": row.note,
    }


def _stretch_document(stretch: Stretch) -> dict[str, Any]:
    return {
        "subject": stretch.subject,
        "since": stretch.since_s,
        "until": stretch.until_s,
        "recorded": stretch.recorded,
        "replayed": stretch.replayed,
    }


def _value(value: object) -> Any:
    if isinstance(value, Mapping):
        table = cast("Mapping[object, object]", value)
        return {str(getattr(k, "value", k)): _value(v) for k, v in table.items()}
    if isinstance(value, (tuple, frozenset, list)):
        return [_value(item) for item in cast("Iterable[object]", value)]
    if isinstance(value, Override):
        chosen = {item.name: getattr(value, item.name) for item in fields(value)}
        return {name.removesuffix("_s"): _value(part) for name, part in chosen.items() if part is not None}
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, (int, bool)) or value is None:
        return value
    return str(value)


def _shown(value: Any, *, duration: bool) -> str:
    if duration and isinstance(value, (int, float)):
        return format_duration(value)
    if isinstance(value, list):
        return f"{len(cast('list[object]', value))} in the list"
    return str(value)


def _moment(wall_s: float) -> str:
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%d %H:%M:%S}"


def _at(wall_s: float | None, long: bool) -> str:  # noqa: FBT001 -- one private fact
    if wall_s is None:
        return "-"
    return f"{datetime.fromtimestamp(wall_s, UTC):{'%m-%d %H:%M:%S' if long else '%H:%M:%S'}}"
