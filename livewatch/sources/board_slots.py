"""The board's session slots: only what changed is read, and a torn slot is never believed."""

import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress, repeat

from livewatch.probe.layout import NS_MAX, RECORD_BYTES, TEXT_FIELDS, Layout
from livewatch.sources.board_record import KEY, decode, key_of, moment_s
from livewatch.sources.board_sessions import BoardSessions, Columns, Made
from livewatch.sources.column import Column
from livewatch.sources.record_glance import RESTING_NS, UNTOLD_NS, glances
from livewatch.versions import Versions, View
from livewatch_classifiers.model import Delta, Session

Reader = Callable[[int, int], bytes]
"""Copies ``size`` bytes from ``offset`` of the board."""

_WORD = 8
_COUNTER = 1
"""Bytes that tell a count from another one."""
_RETRIES = 3
_BATCH = 4096
_RUN = 128
"""Slots that are read at once at most: 61 kB, which the allocator need not ask the kernel for."""
_DENSE = 4
"""Changed slots in so many from which on they are read at once; fewer cost less one by one."""
_FREE = ""
"""Stands for the key in a slot that is free."""


class BoardSlots:
    """The sessions of one board, across looks. An unchanged session stays the same object."""

    def __init__(self) -> None:
        self.torn = 0
        """Slots that stayed torn through every retry, over all looks; they keep what was last known."""
        self.unreadable = 0
        """Fields with impossible values, over all looks; they are taken as unknown."""
        self.delta: Delta | None = None
        """What `sessions` returned last, against what it returned before."""
        self._keys: list[str] = []
        """Key by slot."""
        self._names: list[bytes] = []
        """The same as it stands in a record."""
        self._seqs = self._progress = Column()
        """The two columns as they were copied last; of a torn slot stands there what is believed."""
        self._unsettled: set[int] = set()
        """Slots that were torn at the last look: their column may be the same and its values not yet believed."""
        self._touched: dict[int, str] = {}
        """Slots of which more is new than that somebody became younger, and the key that each had before."""
        self._renewed: set[int] = set()
        """Slots of which `Delta.renewed` speaks; none of them is among the touched ones."""
        self._seen_ns = array("q")
        """By slot, what a glance said of the record there."""
        self._progressed: list[int] = []
        """Slots with a later progress, some of the touched and renewed ones among them."""
        self._taken: dict[int, bytes] = {}
        """Records that `sessions` has not returned yet."""
        self._glances: dict[int, int] = {}
        """What a glance says of those of them that are touched."""
        self._records = Versions[int, bytes]()
        self._by_key = Versions[str, int]()
        self._children: dict[int, int] = {}
        """Pid of the child process by slot."""
        self._working_s: Mapping[int, float] = {}
        """When the child of a slot was last seen working; replaced, never written to."""
        self._twice = False
        """Whether a key stands in two slots; then the later one counts."""
        self._made: dict[int, Made] = {}
        self._found: Mapping[str, Session] = BoardSessions(View({}), Columns(View({}), Column(), {}, {}, {}))

    def look(self, read: Reader, layout: Layout, used: int) -> None:
        """Read the slots below ``used``.

        Raises:
            SourceError: when ``read`` does.
        """
        used = min(used, layout.capacity)
        self._resize(used)
        seqs = Column(read(layout.column_at("seq"), used * _WORD), _COUNTER)
        progress = Column(read(layout.column_at("progress_ns"), used * _WORD))
        if seqs.data == self._seqs.data and progress.data == self._progress.data and not self._unsettled:
            return
        # a run that began meanwhile: its progress is not that of the one before
        torn = set(seqs.differing(Column(read(layout.column_at("seq"), used * _WORD), _COUNTER)))
        changed = self._unsettled.union(self._seqs.differing(seqs)) - torn
        # Should a read fail from here on, the next look goes through every slot again.
        before, self._seqs, self._progress = self._progress, Column(), Column()
        for batch in _batches(sorted(changed)):
            torn |= self._read(read, layout, batch, seqs, progress.words)
        if torn:
            believed = bytearray(progress.data)
            for slot in torn:
                known_ns = before.words[slot] if slot < len(before.words) else 0
                struct.pack_into("=q", believed, slot * _WORD, self._settle(read, layout, slot, known_ns))
            progress = Column(bytes(believed))
        self._unsettled = torn  # what was believed of them is newer than the copied column
        self._note_progress(before, progress)
        self._seqs, self._progress = seqs, progress

    def _resize(self, used: int) -> None:
        """Forget the slots of a board that has fewer than it had, and make room for those of one that has more."""
        lost = range(used, len(self._keys))
        self._put([*lost], [_FREE for _ in lost], [b"" for _ in lost], [UNTOLD_NS for _ in lost])
        if used != len(self._keys):
            self._keys[used:] = [_FREE] * (used - len(self._keys))
            self._names[used:] = [_name(_FREE)] * (used - len(self._names))
            del self._seen_ns[used:]
            self._seen_ns.frombytes(bytes((used - len(self._seen_ns)) * _WORD))
            self._unsettled = {slot for slot in self._unsettled if slot < used}
            self._seqs, self._progress = self._seqs.part(0, used), self._progress.part(0, used)

    def _read(
        self, read: Reader, layout: Layout, slots: list[int], seqs: Column, moments: "memoryview[int]"
    ) -> set[int]:
        """Take over what changed among some slots, against columns copied before; return those written meanwhile."""
        first, end, records, records_at = slots[0], slots[-1] + 1, list[bytes](), layout.record_at(0)
        for run in _runs(slots):
            data = read(records_at + run[0] * RECORD_BYTES, (run[-1] + 1 - run[0]) * RECORD_BYTES)
            if len(run) == 1:
                records.append(data)
            else:
                records += [data[at : at + RECORD_BYTES] for at in [(slot - run[0]) * RECORD_BYTES for slot in run]]
        after = Column(read(layout.column_at("seq") + first * _WORD, (end - first) * _WORD), _COUNTER)
        torn = {slot for slot in slots if seqs.words[slot] & 1}
        torn |= {first + index for index in seqs.part(first, end).differing(after)}.intersection(slots)
        if torn:
            whole = [slot not in torn for slot in slots]
            slots, records = list(compress(slots, whole)), list(compress(records, whole))
        self._believe(slots, records, moments)
        return torn

    def _settle(self, read: Reader, layout: Layout, slot: int, before_ns: int) -> int:
        """Read one slot alone, again until it is whole; return its progress. If it stays torn, what was known stays.

        But progress is believed: it lies outside the lock, and newer only means more alive.
        """
        seq_at, progress_at = layout.field_at("seq", slot), layout.field_at("progress_ns", slot)
        for _ in range(_RETRIES):
            seq, progress_ns = _word(read(seq_at, _WORD)), _word(read(progress_at, _WORD))
            record = read(layout.record_at(slot), RECORD_BYTES)
            if _word(read(seq_at, _WORD)) == seq and not seq & 1:
                self._believe([slot], [record], {slot: progress_ns})
                return progress_ns
        self.torn += 1
        return max(before_ns, _word(read(progress_at, _WORD)))

    def _note_progress(self, before: Column, after: Column) -> None:
        """Tell sessions whose progress is later than it was from those where it is not as simple."""
        old, new = before.words, after.words
        known = len(old)
        for slot in before.differing(after):
            progress_ns = new[slot]
            if slot < known and 0 < old[slot] < progress_ns <= NS_MAX:
                self._progressed.append(slot)
            elif key := self._keys[slot]:
                self.unreadable += not 0 <= progress_ns <= NS_MAX
                self._touched.setdefault(slot, key)
                self._renewed.discard(slot)

    def _believe(self, slots: list[int], records: list[bytes], moments: "memoryview[int] | Mapping[int, int]") -> None:
        """Take over records that were whole. Most are looked at no further than at a glance."""
        seen = glances(records)
        if not all(seen):
            for slot, record, told in zip(slots, records, seen, strict=True):
                if not told:
                    self._decode(slot, record, moments[slot])
            slots, records, seen = (
                list(compress(slots, seen)), list(compress(records, seen)), list(filter(None, seen))
            )  # fmt: skip
        same = map(bytes.startswith, records, [self._names[slot] for slot in slots], repeat(KEY.start))
        self._put(slots, [None if it_is else key_of(r) for it_is, r in zip(same, records, strict=True)], records, seen)

    def _decode(self, slot: int, record: bytes, progress_ns: int) -> None:
        """Take over a record in which something is special, or impossible, or which is free."""
        session, child_pid = decode(record, moment_s(progress_ns), self._count)
        if session is None:
            self._put([slot], [_FREE], [b""], [UNTOLD_NS])
            return
        self._put([slot], [session.key], [record], [UNTOLD_NS])
        self._made[slot] = Made(record, progress_ns, None, session)
        if child_pid:
            self._children[slot] = child_pid

    def _put(self, slots: list[int], keys: Sequence[str | None], records: list[bytes], seen: list[int]) -> None:
        """Note what stands in some slots now, and which of the sessions there only became younger.

        ``None`` for a key says that it is the one that was there.
        """
        seen_ns, touched, renewed = self._seen_ns, self._touched, self._renewed
        for slot, key, now_ns in zip(slots, keys, seen, strict=True):
            was_ns, seen_ns[slot] = seen_ns[slot], now_ns
            younger = 0 < was_ns <= now_ns and (now_ns < RESTING_NS or was_ns == RESTING_NS)
            if younger and key is None and slot not in touched:
                renewed.add(slot)
                continue
            renewed.discard(slot)
            touched.setdefault(slot, self._keys[slot])
            self._glances[slot] = now_ns
            if key is not None:
                self._keys[slot], self._names[slot] = key, _name(key)
        self._taken.update(zip(slots, records, strict=True))
        for forgotten in (self._made, self._children):
            if forgotten:
                for slot in slots:
                    forgotten.pop(slot, None)

    def children(self) -> frozenset[int]:
        """Return the pids of the child processes that sessions wait for."""
        return frozenset(self._children.values())

    def sessions(self, working_s: Mapping[int, float]) -> Mapping[str, Session]:
        """Return the sessions by key. ``working_s`` tells for a child's pid when it was last seen working."""
        self._note_work(working_s)
        keys, size, before = self._keys, len(self._keys), self._found
        now = [keys[slot] if slot < size else _FREE for slot in self._touched]
        changed = frozenset(filter(None, now))
        moved = [
            (slot, key, former) for (slot, former), key in zip(self._touched.items(), now, strict=True) if key != former
        ]
        gone = frozenset(former for _slot, _key, former in moved if former and former not in changed)
        sure = self._index([(slot, key) for slot, key, _former in moved if key], gone)
        self._records.change(self._taken)
        columns = Columns(self._records.view(), self._progress, self._glances, self._working_s, self._made)
        self._found = BoardSessions(self._by_key.view(), columns)
        renewed = frozenset([keys[slot] for slot in self._renewed])
        progressed = frozenset(keys[slot] for slot in self._progressed if slot < size)
        progressed = progressed.difference(changed, renewed, (_FREE,))
        self.delta = Delta(before, changed, gone, progressed, renewed) if sure else None
        self._touched, self._renewed, self._progressed, self._taken, self._glances = {}, set(), [], {}, {}
        return self._found

    def _index(self, got: list[tuple[int, str]], gone: frozenset[str]) -> bool:
        """Bring the slots by key up to date; return whether every key stands in one slot, before and now."""
        if self._twice or self._several(got):
            self._by_key = Versions({key: slot for slot, key in enumerate(self._keys) if key})
            self._twice = len(self._by_key.now) < sum(map(bool, self._keys))
            return False
        self._by_key.change({key: slot for slot, key in got}, gone)
        return True

    def _several(self, got: list[tuple[int, str]]) -> bool:
        """Return whether a key that is new to a slot stands in another one too."""
        return len({key for _slot, key in got}) < len(got) or any(self._held_elsewhere(key, slot) for slot, key in got)

    def _held_elsewhere(self, key: str, slot: int) -> bool:
        other = self._by_key.now.get(key, slot)
        return other != slot and other < len(self._keys) and self._keys[other] == key

    def _note_work(self, working_s: Mapping[int, float]) -> None:
        """Take over when children were seen working; one that has not worked since keeps what was seen of it."""
        before, kept = self._working_s, self._working_s.keys() - self._touched.keys()
        seen_s = {slot: before[slot] for slot in kept if slot in self._children}
        seen_s |= {slot: working_s[pid] for slot, pid in self._children.items() if pid in working_s}
        self._working_s = seen_s
        for slot, last_s in seen_s.items():
            if before.get(slot) != last_s:
                self._touched.setdefault(slot, self._keys[slot])

    def _count(self) -> None:
        self.unreadable += 1


def _batches(slots: list[int]) -> Iterator[list[int]]:
    """Cut slots into batches that are read at once: bounded memory, however many changed."""
    for start in range(0, len(slots), _BATCH):
        yield slots[start : start + _BATCH]


def _runs(slots: list[int]) -> Iterator[list[int]]:
    """Cut ascending slots into runs that are read at once."""
    start = 0
    while start < len(slots):
        limit, end = slots[start] + _RUN, start + 1
        if start + _DENSE <= len(slots) and slots[start + _DENSE - 1] < limit:
            end = bisect_left(slots, limit, start + _DENSE)
        yield slots[start:end]
        start = end


def _name(key: str) -> bytes:
    """Return a key as it stands in a record, with the zero behind it where there is room for one."""
    return f"{key}\0".encode()[: TEXT_FIELDS["key"]]


def _word(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder, signed=True)
