"""The board's session slots: only what changed is decoded, and a torn slot is never believed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from livewatch.probe import layout as board
from livewatch.probe.layout import NONE, Layout
from livewatch_classifiers.model import Activity, Run, Session, Wait
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    LaneKind,
    Presence,
    SessionState,
    TerminalMark,
    WaitKind,
)

Reader = Callable[[int, int], bytes]
"""Copies ``size`` bytes from ``offset`` of the board."""

_WORD = 8
_RETRIES = 3
_ENUM = TypeVar("_ENUM", bound=StrEnum)
_VALUE_FIELDS = tuple(name for name in board.SLOT_FIELDS if name not in ("seq", "progress_ns"))


@dataclass(slots=True)
class _Slot:
    """What was decoded from a slot, and from which values."""

    seq: int
    progress_ns: int
    session: Session | None
    child_pid: int


class BoardSlots:
    """The sessions of one board, across looks. An unchanged session stays the same object."""

    def __init__(self) -> None:
        self.torn = 0
        """Slots that stayed torn through every retry, over all looks; they keep what was last known."""
        self.unreadable = 0
        """Fields with impossible values, over all looks; they are taken as unknown."""
        self._slots: dict[int, _Slot] = {}

    def look(self, read: Reader, layout: Layout, used: int) -> None:
        """Read the slots below ``used``.

        Raises:
            SourceError: when ``read`` does.
        """
        used = min(used, layout.capacity)
        for slot in [slot for slot in self._slots if slot >= used]:
            del self._slots[slot]
        torn = self._look_at(read, layout, range(used))
        for slot in torn:
            for _ in range(_RETRIES):
                if not self._look_at(read, layout, range(slot, slot + 1)):
                    break
            else:
                self._stays_torn(read, layout, slot)

    def sessions(self, working_s: Mapping[int, float]) -> Mapping[str, Session]:
        """Return the sessions by key. ``working_s`` tells for a child's pid when it was last seen working."""
        found: dict[str, Session] = {}
        for slot in self._slots.values():
            session = slot.session
            if session is None:
                continue
            if slot.child_pid and session.activity is not None:
                seen_s = working_s.get(slot.child_pid)
                if seen_s is not None and seen_s != session.activity.working_s:
                    slot.session = session = replace(session, activity=replace(session.activity, working_s=seen_s))
            found[session.key] = session
        return MappingProxyType(found)

    def children(self) -> frozenset[int]:
        """Return the pids of the child processes that sessions wait for."""
        return frozenset(slot.child_pid for slot in self._slots.values() if slot.child_pid)

    def _look_at(self, read: Reader, layout: Layout, slots: range) -> list[int]:
        """Decode what changed among some slots; return those that were being written meanwhile."""
        if not slots:
            return []
        before = _column(read, layout, "seq", slots)
        progress = _column(read, layout, "progress_ns", slots)
        stale = [
            index
            for index, slot in enumerate(slots)
            if (known := self._slots.get(slot)) is None or known.seq != before[index]
        ]
        columns = _Columns(read, layout, slots, self._count) if stale else None
        after = _column(read, layout, "seq", slots)
        torn: list[int] = []
        decoded = set(stale)
        for index, slot in enumerate(slots):
            if before[index] != after[index] or before[index] & 1:
                torn.append(slot)
            elif index in decoded and columns is not None:
                self._slots[slot] = _decoded(columns, index, before[index], progress[index])
            else:
                self._progressed(self._slots[slot], progress[index])
        return torn

    def _stays_torn(self, read: Reader, layout: Layout, slot: int) -> None:
        """Keep what was known, but believe progress: it lies outside the lock, and newer only means more alive."""
        self.torn += 1
        known = self._slots.get(slot)
        (progress_ns,) = _column(read, layout, "progress_ns", range(slot, slot + 1))
        if known is not None and progress_ns > known.progress_ns:
            self._progressed(known, progress_ns)

    def _progressed(self, slot: _Slot, progress_ns: int) -> None:
        if slot.progress_ns != progress_ns:
            slot.progress_ns = progress_ns
            if slot.session is not None:
                slot.session = replace(slot.session, progress_s=_moment(progress_ns, self._count))

    def _count(self) -> None:
        self.unreadable += 1


class _Columns:
    """Copies of every value array, for a range of slots."""

    def __init__(self, read: Reader, layout: Layout, slots: range, unreadable: Callable[[], None]) -> None:
        self._values = {name: _column(read, layout, name, slots) for name in _VALUE_FIELDS}
        self._texts = {
            name: read(layout.text_at(name, slots.start), width * len(slots))
            for name, width in board.TEXT_FIELDS.items()
        }
        self.unreadable = unreadable

    def value(self, name: str, index: int) -> int:
        return self._values[name][index]

    def text(self, name: str, index: int) -> str:
        width = board.TEXT_FIELDS[name]
        data = self._texts[name][index * width : (index + 1) * width]
        return data.partition(b"\0")[0].decode(errors="replace")

    def moment(self, name: str, index: int) -> float | None:
        return _moment(self.value(name, index), self.unreadable)

    def count(self, name: str, index: int) -> int | None:
        value = self.value(name, index)
        if value >= 0:
            return value
        if value != NONE:
            self.unreadable()
        return None

    def presence(self, name: str, index: int) -> Presence:
        return self.member(name, index, board.PRESENCES, Presence) or Presence.UNKNOWN

    def member(self, name: str, index: int, words: Sequence[str], kind: type[_ENUM]) -> _ENUM | None:
        code = self.value(name, index)
        if 0 <= code < len(words):
            return kind(words[code])
        if code != NONE:
            self.unreadable()
        return None


def _decoded(columns: _Columns, index: int, seq: int, progress_ns: int) -> _Slot:
    used = columns.value("used", index) == 1
    key = columns.text("key", index) if used else ""
    if used and not key:
        columns.unreadable()
    session = _session(columns, index, key, _moment(progress_ns, columns.unreadable)) if key else None
    child = columns.count("child_pid", index) or 0 if session is not None and session.activity is not None else 0
    return _Slot(seq, progress_ns, session, child)


def _session(columns: _Columns, index: int, key: str, progress_s: float | None) -> Session:
    return Session(
        key=key,
        id=columns.text("id", index) or None,
        generation=columns.count("generation", index),
        state=columns.member("state", index, board.STATES, SessionState),
        state_since_s=columns.moment("state_since_ns", index),
        lane_kind=columns.member("lane_kind", index, board.LANES, LaneKind) or LaneKind.OTHER,
        queued=columns.count("queued", index),
        oldest_queued_s=columns.moment("oldest_queued_ns", index),
        owner=columns.presence("owner", index),
        run=_run(columns, index),
        activity=_activity(columns, index),
        progress_s=progress_s,
        terminal=columns.member("terminal", index, board.TERMINALS, TerminalMark) or TerminalMark.NONE,
        repeats=columns.count("repeats", index) or 0,
        repeating_since_s=columns.moment("repeating_since_ns", index),
        wait=_wait(columns, index),
        in_store=columns.presence("in_store", index),
        store_says_running=columns.presence("store_says_running", index),
        holder=columns.presence("holder", index),
    )


def _run(columns: _Columns, index: int) -> Run | None:
    run_id = columns.text("run_id", index)
    if not run_id:
        return None
    return Run(
        id=run_id,
        started_s=columns.moment("run_started_ns", index),
        timeout_s=columns.moment("run_timeout_ns", index),
        handle=columns.text("handle", index) or None,
        abort_requested_s=columns.moment("abort_requested_ns", index),
    )


def _activity(columns: _Columns, index: int) -> Activity | None:
    if columns.value("activity", index) == NONE:
        return None
    return Activity(
        kind=columns.member("activity", index, board.ACTIVITIES, ActivityKind),
        owner=columns.presence("activity_owner", index),
        run_id=columns.text("activity_run", index) or None,
        since_s=columns.moment("activity_since_ns", index),
        name=columns.text("activity_name", index),
        allowance_s=columns.moment("activity_allowance_ns", index),
    )


def _wait(columns: _Columns, index: int) -> Wait | None:
    kind = columns.member("wait", index, board.WAITS, WaitKind)
    if kind is None:
        return None
    return Wait(
        kind=kind,
        since_s=columns.moment("wait_since_ns", index),
        deadline_s=columns.moment("wait_deadline_ns", index),
        delivered=columns.presence("wait_delivered", index),
    )


def _column(read: Reader, layout: Layout, name: str, slots: range) -> memoryview:
    """Copy one array's values; the board is written in this host's own byte order."""
    return memoryview(read(layout.slots_at(name) + slots.start * _WORD, len(slots) * _WORD)).cast("q")


def _moment(value_ns: int, unreadable: Callable[[], None]) -> float | None:
    if value_ns > 0:
        return value_ns / 1e9
    if value_ns < 0:
        unreadable()
    return None
