"""The board's session slots: only what changed is decoded, and a torn slot is never believed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

from livewatch.probe import layout as board
from livewatch.probe.layout import NONE, NS_MAX, Layout
from livewatch.sources.differing import differing
from livewatch_classifiers.model import Activity, Delta, Run, Session, Wait
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
_BRIDGE = 64
"""Slots between two that changed."""
_ENUM = TypeVar("_ENUM", bound=StrEnum)
_FIELDS = tuple(field.name for field in fields(Session))
_BEFORE_PROGRESS = attrgetter(*_FIELDS[: _FIELDS.index("progress_s")])
_AFTER_PROGRESS = attrgetter(*_FIELDS[_FIELDS.index("progress_s") + 1 :])
_SESSION: Callable[..., Session] = Session
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
        self.delta: Delta | None = None
        """What `sessions` returned last, against what it returned before."""
        self._slots: dict[int, _Slot] = {}
        self._seqs = self._progress = b""
        """The two columns as they were copied last."""
        self._twice = False
        """Whether a key stands in two slots; then the later one counts."""
        self._unsettled: set[int] = set()
        """Slots that were torn at the last look: their column may be the same and its values not yet believed."""
        self._touched: set[int] = set()
        self._only_progressed: set[int] = set()
        """Slots of which nothing but a later progress is new, unless they are among the touched too."""
        self._doubtful = True
        """Whether a slot got or lost a key, so that the sessions must be gathered anew."""
        self._children: dict[int, int] = {}
        """Pid of the child process by slot."""
        self._plain: dict[str, Session] = {}
        """Replaced, never written to; a plain dict, because a proxy is twenty times as slow to copy."""
        self._found: Mapping[str, Session] = MappingProxyType(self._plain)

    def look(self, read: Reader, layout: Layout, used: int) -> None:
        """Read the slots below ``used``.

        Raises:
            SourceError: when ``read`` does.
        """
        used = min(used, layout.capacity)
        if len(self._slots) > used:
            for slot in [slot for slot in self._slots if slot >= used]:
                del self._slots[slot]
                self._children.pop(slot, None)
                self._touched.discard(slot)
                self._only_progressed.discard(slot)
                self._doubtful = True
        seqs = read(layout.slots_at("seq"), used * _WORD)
        progress = read(layout.slots_at("progress_ns"), used * _WORD)
        changed = self._unsettled.union(differing(self._seqs, seqs))
        # a run that began meanwhile: its progress is not that of the one before
        changed.update(differing(seqs, read(layout.slots_at("seq"), used * _WORD)))
        moments = memoryview(progress).cast("q")
        for slot in differing(self._progress, progress):
            if slot not in changed:
                self._progressed(slot, moments[slot])
        # Should a read fail from here on, the next look goes through every slot again.
        self._seqs = self._progress = b""
        self._unsettled = {slot for slots in _ranges(changed, used) for slot in self._settle(read, layout, slots)}
        self._seqs, self._progress = seqs, progress

    def _settle(self, read: Reader, layout: Layout, slots: range) -> Iterator[int]:
        """Decode what changed among some slots; yield those that stay torn."""
        for slot in self._look_at(read, layout, slots):
            for _ in range(_RETRIES):
                if not self._look_at(read, layout, range(slot, slot + 1)):
                    break
            else:
                self._stays_torn(read, layout, slot)
            yield slot  # what was believed of it is newer than the copied column

    def sessions(self, working_s: Mapping[int, float]) -> Mapping[str, Session]:
        """Return the sessions by key. ``working_s`` tells for a child's pid when it was last seen working.

        The same object as before when nothing changed; never written to again.
        """
        for slot, pid in self._children.items():
            known, seen_s = self._slots[slot], working_s.get(pid)
            session = known.session
            if session is None or session.activity is None or seen_s in (None, session.activity.working_s):
                continue
            known.session = replace(session, activity=replace(session.activity, working_s=seen_s))
            self._touched.add(slot)
        before = self._found
        progressed = self._fresh(self._only_progressed - self._touched)
        fresh = progressed | self._fresh(self._touched)
        unsure = self._twice
        if self._doubtful or self._twice:
            held = [session for slot in self._slots.values() if (session := slot.session) is not None]
            self._plain = {session.key: session for session in held}
            self._found = MappingProxyType(self._plain)
            self._twice = len(self._found) < len(held)
            unsure = unsure or self._twice
            gone = frozenset(before.keys() - self._found.keys())
        else:
            gone = frozenset[str]()
            if fresh:
                self._plain = self._plain | fresh
                self._found = MappingProxyType(self._plain)
        self.delta = None if unsure else Delta(before, frozenset(fresh), gone, frozenset(progressed))
        self._doubtful = False
        self._touched.clear()
        self._only_progressed.clear()
        return self._found

    def _fresh(self, slots: AbstractSet[int]) -> dict[str, Session]:
        return {session.key: session for slot in slots if (session := self._slots[slot].session) is not None}

    def children(self) -> frozenset[int]:
        """Return the pids of the child processes that sessions wait for."""
        return frozenset(self._children.values())

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
                self._take(slot, _decoded(columns, index, before[index], progress[index]))
            else:
                self._progressed(slot, progress[index])
        return torn

    def _take(self, slot: int, found: _Slot) -> None:
        """Believe what was decoded."""
        known = self._slots.get(slot)
        self._slots[slot] = found
        keys = [held.session.key if held is not None and held.session is not None else None for held in (known, found)]
        self._doubtful = self._doubtful or keys[0] != keys[1]
        self._touched.add(slot)
        if found.child_pid:
            self._children[slot] = found.child_pid
        else:
            self._children.pop(slot, None)

    def _stays_torn(self, read: Reader, layout: Layout, slot: int) -> None:
        """Keep what was known, but believe progress: it lies outside the lock, and newer only means more alive."""
        self.torn += 1
        known = self._slots.get(slot)
        (progress_ns,) = _column(read, layout, "progress_ns", range(slot, slot + 1))
        if known is not None and progress_ns > known.progress_ns:
            self._progressed(slot, progress_ns)

    def _progressed(self, slot: int, progress_ns: int) -> None:
        known = self._slots[slot]
        if known.progress_ns != progress_ns:
            known.progress_ns = progress_ns
            if known.session is not None:
                before_s, progress_s = known.session.progress_s, _moment(progress_ns, self._count)
                known.session = _SESSION(*_BEFORE_PROGRESS(known.session), progress_s, *_AFTER_PROGRESS(known.session))
                later = before_s is not None and progress_s is not None and progress_s > before_s
                (self._only_progressed if later and slot not in self._touched else self._touched).add(slot)

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


def _ranges(slots: AbstractSet[int], used: int) -> Iterator[range]:
    """Cover some slots with ranges: a gap is bridged where reading it is cheaper than one more read of each array."""
    start = end = -1
    for slot in sorted(slot for slot in slots if slot < used):
        if start >= 0 and slot - end > _BRIDGE:
            yield range(start, end)
            start = -1
        start, end = (slot if start < 0 else start), slot + 1
    if start >= 0:
        yield range(start, end)


def _column(read: Reader, layout: Layout, name: str, slots: range) -> memoryview:
    """Copy one array's values; the board is written in this host's own byte order."""
    return memoryview(read(layout.slots_at(name) + slots.start * _WORD, len(slots) * _WORD)).cast("q")


def _moment(value_ns: int, unreadable: Callable[[], None]) -> float | None:
    if 0 < value_ns <= NS_MAX:
        return value_ns / 1e9
    if value_ns:
        unreadable()
    return None
