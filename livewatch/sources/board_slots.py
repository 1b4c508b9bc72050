"""The board's session slots: only what changed is decoded, and a torn slot is never believed."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from types import MappingProxyType

from livewatch.probe.layout import RECORD_BYTES, Layout
from livewatch.sources.board_record import decode, moment_s
from livewatch.sources.differing import differing
from livewatch_classifiers.model import Delta, Session

Reader = Callable[[int, int], bytes]
"""Copies ``size`` bytes from ``offset`` of the board."""

_WORD = 8
_RETRIES = 3
_BATCH = 4096
_BRIDGE = 8
"""Slots between two that changed."""
_FIELDS = tuple(field.name for field in fields(Session))
_BEFORE_PROGRESS = attrgetter(*_FIELDS[: _FIELDS.index("progress_s")])
_AFTER_PROGRESS = attrgetter(*_FIELDS[_FIELDS.index("progress_s") + 1 :])
_SESSION: Callable[..., Session] = Session


@dataclass(slots=True)
class _Slot:
    """What was decoded from a slot, and from which values."""

    seq: int
    progress_ns: int
    session: Session | None


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
        self._forget_beyond(used)
        seqs = read(layout.column_at("seq"), used * _WORD)
        progress = read(layout.column_at("progress_ns"), used * _WORD)
        # a run that began meanwhile: its progress is not that of the one before
        torn = set(differing(seqs, read(layout.column_at("seq"), used * _WORD)))
        changed = self._unsettled.union(differing(self._seqs, seqs)) - torn
        moments = memoryview(progress).cast("q")
        for slot in differing(self._progress, progress):
            if slot not in changed and slot not in torn:
                self._progressed(slot, moments[slot])
        # Should a read fail from here on, the next look goes through every slot again.
        self._seqs = self._progress = b""
        words = memoryview(seqs).cast("q")
        for batch in _batches(sorted(slot for slot in changed if slot < used)):
            torn.update(self._read(read, layout, batch, (words, moments)))
        for slot in torn:
            self._settle(read, layout, slot)
        self._unsettled = torn  # what was believed of them is newer than the copied column
        self._seqs, self._progress = seqs, progress

    def _forget_beyond(self, used: int) -> None:
        """Forget the slots of a board that has fewer than it had."""
        for slot in [slot for slot in self._slots if slot >= used] if len(self._slots) > used else ():
            del self._slots[slot]
            self._children.pop(slot, None)
            self._touched.discard(slot)
            self._only_progressed.discard(slot)
            self._doubtful = True

    def _read(
        self, read: Reader, layout: Layout, slots: list[int], columns: tuple["memoryview[int]", "memoryview[int]"]
    ) -> list[int]:
        """Decode what changed among some slots, against columns copied before; return those written meanwhile."""
        (seqs, moments), first = columns, slots[0]
        runs = [(run.start, read(layout.record_at(run.start), len(run) * RECORD_BYTES)) for run in _runs(slots)]
        after = _words(read(layout.column_at("seq") + first * _WORD, (slots[-1] + 1 - first) * _WORD))
        starts, torn = [start for start, _ in runs], list[int]()
        for slot in slots:
            if seqs[slot] != after[slot - first] or seqs[slot] & 1:
                torn.append(slot)
                continue
            start, data = runs[bisect_right(starts, slot) - 1]
            self._believe(slot, seqs[slot], moments[slot], (data, (slot - start) * RECORD_BYTES))
        return torn

    def _settle(self, read: Reader, layout: Layout, slot: int) -> None:
        """Read one slot alone, again until it is whole. If it stays torn, what was known stays.

        But progress is believed: it lies outside the lock, and newer only means more alive.
        """
        seq_at, progress_at = layout.field_at("seq", slot), layout.field_at("progress_ns", slot)
        for _ in range(_RETRIES):
            (seq,), (progress_ns,) = _words(read(seq_at, _WORD)), _words(read(progress_at, _WORD))
            data = read(layout.record_at(slot), RECORD_BYTES)
            if _words(read(seq_at, _WORD))[0] == seq and not seq & 1:
                self._believe(slot, seq, progress_ns, (data, 0))
                return
        self.torn += 1
        known = self._slots.get(slot)
        (progress_ns,) = _words(read(progress_at, _WORD))
        if known is not None and progress_ns > known.progress_ns:
            self._progressed(slot, progress_ns)

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

    def _believe(self, slot: int, seq: int, progress_ns: int, record: tuple[bytes, int]) -> None:
        """Take over a slot that was whole: all of it, or its progress if nothing else is new."""
        known = self._slots.get(slot)
        if known is not None and known.seq == seq:
            self._progressed(slot, progress_ns)
            return
        session, child_pid = decode(*record, progress_ns, self._count)
        self._slots[slot] = _Slot(seq, progress_ns, session)
        before = known.session.key if known is not None and known.session is not None else None
        self._doubtful = self._doubtful or before != (session.key if session is not None else None)
        self._touched.add(slot)
        if child_pid:
            self._children[slot] = child_pid
        else:
            self._children.pop(slot, None)

    def _progressed(self, slot: int, progress_ns: int) -> None:
        known = self._slots[slot]
        if known.progress_ns != progress_ns:
            known.progress_ns = progress_ns
            if known.session is not None:
                before_s, progress_s = known.session.progress_s, moment_s(progress_ns, self._count)
                known.session = _SESSION(*_BEFORE_PROGRESS(known.session), progress_s, *_AFTER_PROGRESS(known.session))
                later = before_s is not None and progress_s is not None and progress_s > before_s
                (self._only_progressed if later and slot not in self._touched else self._touched).add(slot)

    def _count(self) -> None:
        self.unreadable += 1


def _batches(slots: list[int]) -> Iterator[list[int]]:
    """Cut slots into batches that are read at once: bounded memory, however many changed."""
    for start in range(0, len(slots), _BATCH):
        yield slots[start : start + _BATCH]


def _runs(slots: list[int]) -> Iterator[range]:
    """Cover ascending slots with ranges: a gap is bridged where copying it is cheaper than one more read."""
    start = end = slots[0]
    for slot in slots:
        if slot - end > _BRIDGE:
            yield range(start, end)
            start = slot
        end = slot + 1
    yield range(start, end)


def _words(data: bytes) -> "memoryview[int]":
    """Return numbers; the board is written in this host's own byte order."""
    return memoryview(data).cast("q")
