"""The board: a `SourceError` or sessions that stand in it come out, and then all is well again."""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random

from livewatch.probe.layout import (
    ACTIVITIES,
    HEADER,
    HEADER_FIELDS,
    NS_MAX,
    SLOT_FIELDS,
    STATES,
    TEXT_FIELDS,
    WAITS,
    Layout,
)
from livewatch.sources.base import SourceError
from livewatch.sources.board import BoardSource
from livewatch.sources.host import HostSampler
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.model import Snapshot
from tests.fuzz.mutator import Mutator
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.config import one_line
from tests.fuzz.targets.rounds import round_of
from tests.sources.board_on_disk import Board, Clock, boot_id

_CAPACITY = 4
_WHO = ("pid", "start_ticks", "boot_id_low", "boot_id_high", "pid_namespace")
_INTERESTING = (
    0,
    1,
    2,
    3,
    64,
    2**31,
    2**32,
    NS_MAX,
    NS_MAX + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    2**64 - 2,
    10**12,
    999 * 10**9,
)


class BoardTarget(Target):
    """A whole file. Where it says nothing of its writer (zeros), this process is."""

    name = "board"
    brief = 250

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._host = HostSampler()
        self._healthy = _who(self.seeds()[0])
        self._rounds = 0

    def close(self) -> None:
        """End the measuring thread."""
        self._host.close()

    def seeds(self) -> list[bytes]:
        """Return boards of a healthy, a busy, and a blocked gateway."""
        return [_made(self.folder / "seed", kind) for kind in ("healthy", "busy", "blocked")]

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Change words where words are, and now and then anything."""
        return mutated_board(random, data, pool)

    def run(self, data: bytes) -> str:
        """Look at it afresh, then as what a good board turned into, cut, and made good again."""
        data = _who(data)
        path = self.folder / "board"
        fresh = self._source(path, data)
        try:
            outcome, first = self._look(fresh)
            if first is not None:
                _believed(first, data)
        finally:
            fresh._detach()
        source = self._source(path, self._healthy)
        try:
            good = self._look(source)[1]
            self._overwrite(path, data)
            second = self._look(source)[1]
            if second is not None and not set(second.sessions) <= _keys(data) | _keys(self._healthy):
                raise Finding(f"sessions that stand nowhere: {sorted(second.sessions)}")
            os.truncate(path, zlib.crc32(data) % len(self._healthy))
            if self._look(source)[1] is not None:
                raise Finding("a board that was cut is believed")
            self._overwrite(path, self._healthy)
            again = self._look(source)[1]
            if good is None or again is None or dict(again.sessions) != dict(good.sessions):
                raise Finding("a board that is good again is not read as before")
        finally:
            source._detach()
        self._rounds += 1
        if first is not None and self._rounds % 4 == 0:
            outcome += round_of(good, first, *([second] if second is not None else []))
        return outcome

    def _source(self, path: Path, data: bytes) -> BoardSource:
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        source = BoardSource(path, None, Clock())
        source._host.close()
        source._host = self._host  # starting its thread would be most of the time
        return source

    @staticmethod
    def _look(source: BoardSource) -> tuple[str, Snapshot | None]:
        try:
            snapshot = source._sample(1000.0)
        except SourceError as error:
            return one_line(error), None
        damaged = [snapshot.counters[name] > 0 for name in ("unreadable_fields", "torn_slots")]
        return f"{len(snapshot.sessions)} {damaged}", snapshot

    @staticmethod
    def _overwrite(path: Path, data: bytes) -> None:
        with path.open("r+b") as file:
            file.write(data)
            file.truncate(len(data))


def mutated_board(random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    """Return another board: change words where words are, and now and then anything."""
    if random.random() < 0.3 or len(data) < 8 * len(HEADER_FIELDS):
        return Mutator(random).mutated(data, pool)
    changed = bytearray(data)
    layout = Layout(_CAPACITY)
    for _ in range(random.randint(1, 6)):
        places = [
            random.randrange(len(HEADER_FIELDS)) * 8,
            layout.stalls_at + random.randrange(128) * 8,
            layout.header_bytes + random.randrange(len(SLOT_FIELDS) * _CAPACITY) * 8,
            layout.histogram_at + random.randrange(321) * 8,
        ]
        at = random.choice(places)
        if random.random() < 0.1:
            at, text = (
                layout.text_at("key", random.randrange(_CAPACITY)) + random.randrange(sum(TEXT_FIELDS.values())),
                random.randbytes(8),
            )
        else:
            text = struct.pack("<Q", random.choice((*_INTERESTING, random.getrandbits(64))))
        if at + 8 <= len(changed):
            changed[at : at + 8] = text
    return bytes(changed)


def _believed(snapshot: Snapshot, data: bytes) -> None:
    """Compare with what an independent look at the bytes finds."""
    keys = _keys(data)
    if set(snapshot.sessions) - keys:
        raise Finding(f"invented: {sorted(set(snapshot.sessions) - keys)}")
    if keys - set(snapshot.sessions):
        raise Finding(f"overlooked: {sorted(keys - set(snapshot.sessions))}")
    most_s = NS_MAX / 1e9
    for session in snapshot.sessions.values():
        moments = (session.progress_s, session.state_since_s, session.oldest_queued_s, session.repeating_since_s)
        if any(moment is not None and not 0 < moment <= most_s for moment in moments):
            raise Finding(f"a moment that the board cannot hold: {str(session)[:300]}")


def _keys(data: bytes) -> set[str]:
    """Return the names of the slots in use that nobody was writing."""
    layout = Layout(_CAPACITY)
    if len(data) != layout.total_bytes:
        return set()
    used = min(_CAPACITY, struct.unpack_from("<Q", data, HEADER["slots_used"] * 8)[0])
    keys = set[str]()
    for slot in range(_CAPACITY):
        seq, in_use = (struct.unpack_from("<q", data, layout.field_at(name, slot))[0] for name in ("seq", "used"))
        at = layout.text_at("key", slot)
        key = data[at : at + TEXT_FIELDS["key"]].partition(b"\0")[0].decode(errors="replace")
        if slot < used and not seq & 1 and in_use == 1 and key:
            keys.add(key)
    return keys


def _who(data: bytes) -> bytes:
    """Name this process as the writer where the board names none."""
    low, high = boot_id()
    stat = ProcessStat.of(os.getpid())
    assert stat is not None
    ours = (os.getpid(), stat.start_ticks, low, high, Path("/proc/self/ns/pid").stat().st_ino)
    changed = bytearray(data)
    for name, value in zip(_WHO, ours, strict=True):
        at = HEADER[name] * 8
        if changed[at : at + 8] == bytes(8):
            changed[at : at + 8] = struct.pack("<Q", value)
    return bytes(changed)


def _made(path: Path, kind: str) -> bytes:
    board = Board(path, capacity=_CAPACITY)
    moment = 990 * 10**9
    board.header(
        loop_heartbeat_ns=moment,
        thread_heartbeat_ns=moment,
        ready_ns=10**9,
        loop_samples=9,
        loop_busy_ns=5,
        loop_idle_ns=7,
    )
    board.slot(0, used=1, key="agent:main", state=STATES.index("idle"), state_since_ns=moment, queued=0, in_store=1)
    board.slot(
        1,
        used=1,
        key="agent:böse",
        state=STATES.index("processing"),
        state_since_ns=moment,
        queued=2,
        oldest_queued_ns=moment,
        owner=1,
        run_id="r1",
        handle="h1",
        run_started_ns=moment,
        generation=4,
    )
    board.progress(1, 985.0)
    if kind == "busy":
        board.slot(
            1,
            activity=ACTIVITIES.index("tool_call"),
            activity_owner=1,
            activity_run="r1",
            activity_name="exec",
            activity_since_ns=moment,
            activity_allowance_ns=10**10,
        )
        board.slot(
            2,
            used=1,
            key="agent:waits",
            wait=WAITS.index("approval"),
            wait_since_ns=moment,
            wait_deadline_ns=2 * moment,
            wait_delivered=1,
            state=STATES.index("waiting"),
            repeats=3,
            repeating_since_ns=moment,
        )
    if kind == "blocked":
        board.stall(0, 900.0, 950.0)
        board.stack("a.py:1 f", seq=2, captured_s=980.0)
        board.delays(50, 3)
    board.close()
    data = bytearray(path.read_bytes())
    for name in _WHO:
        data[HEADER[name] * 8 : HEADER[name] * 8 + 8] = bytes(8)
    return bytes(data)
