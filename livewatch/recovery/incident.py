"""Incidents: the journal's rows put together into episodes that a person can read. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Any, cast

from livewatch.recovery.journal.records import Event, History, StoredIntent
from livewatch.recovery.moment_text import describe

_SICK = frozenset({"stalled", "stuck"})
_WELL_VITALS = frozenset({"starting", "responsive", "draining"})


class MomentKind(StrEnum):
    """What happened at one moment of an incident."""

    TRANSITION = "transition"
    HOLD_BEGAN = "hold_began"
    HOLD_ENDED = "hold_ended"
    HOLD_OVERDUE = "hold_overdue"
    HOLD_OVERDUE_ENDED = "hold_overdue_ended"
    VITALS = "vitals"
    CLOCK_JUMP = "clock_jump"
    GATEWAY_RESTARTED = "gateway_restarted"
    INTENT = "intent"
    OUTCOME = "outcome"
    AGENT_RESTARTED = "agent_restarted"
    OPERATOR = "operator"


_CONTEXT = frozenset({MomentKind.VITALS, MomentKind.CLOCK_JUMP, MomentKind.GATEWAY_RESTARTED, MomentKind.OPERATOR})


class Ending(StrEnum):
    """How an incident ended."""

    OPEN = "open"
    RESOLVED = "resolved"
    GONE = "gone"  # the session does not exist any more
    LOST_SIGHT = "lost_sight"  # the agent ended, and its successor did not see the sickness again


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of an incident's timeline."""

    offset_s: float
    """Seconds after the incident began, on the clock that does not jump."""
    wall_s: float
    kind: MomentKind
    text: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Incident:
    """One episode: of a session that was stalled or stuck, or of the gateway as a whole."""

    id: str
    target: str
    session: str | None
    """``None`` for an episode of the gateway's vitals."""
    began_wall_s: float
    began_monotonic_s: float
    duration_s: float
    """Up to its end, or up to the last thing that was noted while it is open."""
    ending: Ending
    labels: tuple[str, ...]
    """Every label that it had, in order of first appearance: ``stalled/blocked_tool_call``."""
    actions: tuple[str, ...]
    """Every action with its outcome: ``abort_run: recovered``."""
    timeline: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class _Note:
    """A row of any table on one time axis."""

    number: int
    life: int
    target: str
    session: str | None
    wall_s: float
    monotonic_s: float
    kind: MomentKind
    data: Mapping[str, Any]
    order: int


@dataclass(slots=True)
class _Episode:
    first: _Note
    notes: list[_Note]
    life: int
    ending: Ending = Ending.OPEN
    last: _Note | None = None


def build_incidents(history: History) -> list[Incident]:
    """Return every incident that the journal can tell, oldest first."""
    running: dict[tuple[str, str | None], _Episode] = {}
    done: list[_Episode] = []
    for note in _notes(history):
        key = (note.target, _subject(note))
        episode = running.get(key)
        if episode is not None:
            _extend(episode, note)
            if episode.ending is not Ending.OPEN:
                done.append(running.pop(key))
        elif _sickness(note) is True:
            running[key] = _Episode(note, [note], note.life)
        elif note.kind is MomentKind.OUTCOME:
            _late_outcome(done, note)
        if note.kind in _CONTEXT:
            _tell_sessions(running, note)
    _lose_sight(running.values(), history)
    return sorted((_incident(episode) for episode in (*done, *running.values())), key=lambda i: int(i.id))


def _tell_sessions(running: Mapping[tuple[str, str | None], _Episode], note: _Note) -> None:
    """Show what befell the gateway in the story of every session that was sick at that moment."""
    for (target, session), episode in running.items():
        if target == note.target and session is not None:
            episode.notes.append(note)


def _lose_sight(episodes: Iterable[_Episode], history: History) -> None:
    latest = {stored.target: stored.id for stored in history.lives}
    for episode in episodes:
        if episode.life != latest.get(episode.first.target, episode.life):
            episode.ending = Ending.LOST_SIGHT


def _subject(note: _Note) -> str | None:
    return None if note.kind is MomentKind.VITALS else note.session


def _sickness(note: _Note) -> bool | None:
    """Return whether a note says sick or well; ``None`` when it says neither."""
    if note.kind is MomentKind.VITALS:
        return note.data.get("state") not in _WELL_VITALS
    if note.kind is MomentKind.TRANSITION:
        after = cast("Mapping[str, Any]", note.data.get("after") or {})
        return after.get("attention") in _SICK
    return None


def _extend(episode: _Episode, note: _Note) -> None:
    if note.life != episode.life and note.kind is not MomentKind.OUTCOME:
        again = replace(note, kind=MomentKind.AGENT_RESTARTED, data={}, order=-1)
        episode.notes.append(again)
        episode.life = note.life
    episode.notes.append(note)
    if _sickness(note) is False:
        gone = note.kind is MomentKind.TRANSITION and "after" not in note.data
        episode.ending = Ending.GONE if gone else Ending.RESOLVED
        episode.last = note


def _late_outcome(done: Iterable[_Episode], note: _Note) -> None:
    """Add an outcome that was seen after the episode ended to the episode that its action belongs to."""
    for episode in done:
        intents = (n for n in episode.notes if n.kind is MomentKind.INTENT)
        if episode.first.target == note.target and any(n.number == note.number for n in intents):
            episode.notes.append(note)


def _notes(history: History) -> Iterator[_Note]:
    rows = chain(
        (_from_event(stored.id, stored.life, stored.target, stored.event) for stored in history.events),
        (note for intent in history.intents for note in _from_intent(intent)),
    )
    return iter(sorted(rows, key=lambda n: (n.life, n.monotonic_s, n.order, n.number)))


def _from_event(number: int, life: int, target: str, event: Event) -> _Note:
    kind = MomentKind(event.kind.value)
    order = 2 if kind is MomentKind.HOLD_BEGAN else 1
    return _Note(number, life, target, event.session, event.wall_s, event.monotonic_s, kind, event.data, order)


def _from_intent(intent: StoredIntent) -> Iterator[_Note]:
    action = intent.action
    facts: dict[str, Any] = {"action": action.kind.value, "cause": action.cause, "reason": action.reason.value}
    if action.discards:
        facts["discards"] = action.discards
    yield _Note(
        intent.id,
        intent.life,
        intent.target,
        action.session,
        intent.wall_s,
        intent.monotonic_s,
        MomentKind.INTENT,
        facts,
        3,
    )
    if intent.how is None or intent.settled_wall_s is None or intent.settled_monotonic_s is None:
        return
    facts = {
        "action": action.kind.value,
        "outcome": None if intent.outcome is None else intent.outcome.value,
        "how": intent.how.value,
        "detail": intent.detail,
        "reply": None if intent.reply is None else intent.reply.status.value,
    }
    yield _Note(
        intent.id,
        intent.settled_life or intent.life,
        intent.target,
        action.session,
        intent.settled_wall_s,
        intent.settled_monotonic_s,
        MomentKind.OUTCOME,
        facts,
        0,
    )


def _incident(episode: _Episode) -> Incident:
    first = episode.first
    moments = [_moment(note, first) for note in episode.notes]
    end = _offset_s(episode.last, first) if episode.last is not None else max(m.offset_s for m in moments)
    return Incident(
        id=str(first.number),
        target=first.target,
        session=first.session,
        began_wall_s=first.wall_s,
        began_monotonic_s=first.monotonic_s,
        duration_s=round(end, 3),
        ending=episode.ending,
        labels=tuple(dict.fromkeys(label for note in episode.notes if (label := _label(note, first)) is not None)),
        actions=tuple(
            f"{note.data['action']}: {note.data['outcome'] or note.data['how']}"
            for note in episode.notes
            if note.kind is MomentKind.OUTCOME
        ),
        timeline=tuple(moments),
    )


def _moment(note: _Note, first: _Note) -> Moment:
    offset_s = round(_offset_s(note, first), 3)
    return Moment(offset_s, note.wall_s, note.kind, describe(note.kind.value, note.data), note.data)


def _offset_s(note: _Note, first: _Note) -> float:
    monotonic_s = note.monotonic_s - first.monotonic_s
    rebooted = note.life != first.life and monotonic_s < 0
    return note.wall_s - first.wall_s if rebooted else monotonic_s


def _label(note: _Note, first: _Note) -> str | None:
    if _sickness(note) is not True or (note.kind is MomentKind.VITALS) is (first.session is not None):
        return None
    if note.kind is MomentKind.VITALS:
        return str(note.data["state"])
    return f"{note.data['after']['attention']}/{note.data['after']['reason']}"
