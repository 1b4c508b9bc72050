"""The journal's own thread: takes notes from a bounded queue, commits them, and carries on in memory when it cannot."""

import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from livewatch.recovery.journal.records import Life, Note, StoredIntent
from livewatch.recovery.journal.rows import Statement, statement
from livewatch.recovery.journal.schema import NewerJournalError
from livewatch.recovery.journal.store import Retention, Store, corrupt, move_aside

_REFUSED_VALUES = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError)
_RETRY_GROWTH = 30
_REPLACE_EVERY_S = 60.0
"""A disk that damages every file must not fill itself with what was moved aside."""
_BATCH_PARCELS = 64
_CHUNK_NOTES = 32
"""Notes per commit: between two commits, intents that somebody waits for overtake everything else."""
LOG = logging.getLogger("livewatch.journal")


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Bounds of the writer."""

    queue_items: int = 4_096
    backlog_items: int = 20_000
    """How many notes are kept in memory while the file cannot be written; the oldest go first."""
    busy_s: float = 0.2
    """How long to wait for another connection's lock before carrying on in memory."""
    retry_s: float = 1.0
    """How long to leave a failing file alone; doubles up to 30 times this."""
    maintain_every_s: float = 60.0
    retention: Retention = field(default_factory=Retention)


@dataclass(slots=True)
class Parcel:
    """Notes that belong together, and whom to tell once they are committed (or known not to be)."""

    notes: Sequence[Note]
    told: Callable[[bool], None] | None = None


@dataclass(slots=True)
class _Entry:
    """One note in memory, ready to be written."""

    statement: Statement
    told: Callable[[bool], None] | None = None

    def tell(self, *, committed: bool) -> None:
        """Tell whoever waits, once."""
        told, self.told = self.told, None
        if told is not None:
            told(committed)


class Writer:
    """Owns the file and the thread. Counters are written by the thread and may be read by anybody."""

    def __init__(self, path: Path, target: str, life: Life, settings: WriterSettings) -> None:
        self.degraded = False
        self.problem = ""
        self.episodes = 0
        self.written = 0
        self.ready = threading.Event()
        """Set after the first attempt to open the file, whether it worked or not."""
        self.found_open: list[StoredIntent] = []
        """Open intents of earlier lives; complete once ``ready`` is set."""
        self._path = path
        self._target = target
        self._life = life
        self._settings = settings
        self._queue: queue.Queue[Parcel | None] = queue.Queue(settings.queue_items)
        self._urgent: queue.SimpleQueue[Parcel] = queue.SimpleQueue()
        self._backlog: deque[_Entry] = deque()
        self._store: Store | None = None
        self._refused = 0  # counted by callers
        self._lost = 0  # counted by the thread
        self._failures = 0
        self._retry_at_s = 0.0
        self._maintain_at_s = 0.0
        self._replace_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"livewatch.journal.{target}", daemon=True)

    @property
    def dropped(self) -> int:
        """Notes lost so far, because queue or memory were full."""
        return self._refused + self._lost

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, parcel: Parcel) -> bool:
        """Queue notes without waiting; return false when the queue is full, which is counted.

        A parcel that somebody waits for overtakes the others.
        """
        if parcel.told is not None:
            return self._put_urgent(parcel)
        try:
            self._queue.put_nowait(parcel)
        except queue.Full:
            self._refused += len(parcel.notes)
            return False
        return True

    def _put_urgent(self, parcel: Parcel) -> bool:
        if self._urgent.qsize() >= self._settings.queue_items:
            self._refused += len(parcel.notes)
            return False
        self._urgent.put(parcel)
        with suppress(queue.Full):  # a thread with a full queue needs no waking
            self._queue.put_nowait(Parcel(()))
        return True

    def stop(self, deadline_s: float) -> bool:
        """Write what is queued and end within ``deadline_s`` seconds; return whether the thread has ended."""
        if not self._thread.is_alive():
            return True
        ends_s = time.monotonic() + deadline_s
        try:
            self._queue.put(None, timeout=deadline_s)
        except queue.Full:
            return False
        self._thread.join(max(0.0, ends_s - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._open()
        self.ready.set()
        stopping = False
        while not stopping:
            parcels, stopping = self._collect()
            self._round(parcels)
        self._end()

    def _collect(self) -> tuple[list[Parcel], bool]:
        """Wait for something to do, then take what is queued, within a bound: a flood must not put off the commit."""
        parcels: list[Parcel] = []
        try:
            item = self._queue.get(timeout=self._settings.retry_s)
            while item is not None:
                parcels.append(item)
                if len(parcels) >= _BATCH_PARCELS:
                    return parcels, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return parcels, False
        return parcels, True

    def _round(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._keep(self._entries(parcel))
        self._flush()
        self._maintain()

    def _entries(self, parcel: Parcel) -> list[_Entry]:
        """Return what is to be written; a single note that cannot be told must not end the journal."""
        entries: list[_Entry] = []
        for note in parcel.notes:
            try:
                entries.append(_Entry(statement(note, self._target), parcel.told))
            except Exception:
                self._lost += 1
                LOG.exception("journal: a note could not be written down and is dropped")
                if parcel.told is not None:
                    parcel.told(False)  # noqa: FBT003 -- the one fact of this callback
        return entries

    def _keep(self, entries: Sequence[_Entry], *, first: bool = False) -> None:
        if first:
            self._backlog.extendleft(reversed(entries))
        else:
            self._backlog.extend(entries)
        while len(self._backlog) > self._settings.backlog_items:
            self._lost += 1
            self._backlog.popleft().tell(committed=False)

    def _take_urgent(self) -> None:
        entries: list[_Entry] = []
        while not self._urgent.empty():
            entries += self._entries(self._urgent.get_nowait())
        self._keep(entries, first=self._store is not None)

    def _flush(self) -> None:
        """Commit the backlog chunk by chunk, what somebody waits for first; stop at the first lasting failure."""
        if self._store is None and time.monotonic() >= self._retry_at_s:
            self._open()
        self._take_urgent()
        while self._backlog and self._store is not None:
            self._commit(self._store)
            self._take_urgent()
        if self._store is not None:
            self._recover()
        for entry in self._backlog:
            entry.tell(committed=False)

    def _commit(self, store: Store) -> None:
        chunk = list(islice(self._backlog, _CHUNK_NOTES))
        try:
            store.write([entry.statement for entry in chunk])
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, _REFUSED_VALUES):
                self._discard(chunk, error)
            else:
                self._fail(error)
        except Exception as error:  # noqa: BLE001 -- values that SQLite cannot take; keeping them would fail for ever
            self._discard(chunk, error)
        else:
            self._settle(chunk, committed=True)
            self.written += len(chunk)

    def _settle(self, chunk: Sequence[_Entry], *, committed: bool) -> None:
        for entry in chunk:
            self._backlog.popleft()
            entry.tell(committed=committed)

    def _discard(self, chunk: Sequence[_Entry], error: BaseException) -> None:
        self._settle(chunk, committed=False)
        self._lost += len(chunk)
        LOG.error("journal: notes that the file cannot take are dropped: %s", error)

    def _open(self) -> None:
        for _ in range(2):
            try:
                self._store = Store(self._path, self._target, self._life, busy_s=self._settings.busy_s)
                if not self.ready.is_set():
                    self.found_open = self._store.open_intents()
            except (sqlite3.Error, OSError, NewerJournalError) as error:
                if not self._replace(error):
                    self._degrade(error)
                    return
            except Exception as error:  # noqa: BLE001 -- a thread that ends here would lose every note without a word
                self._degrade(error)
                return
            else:
                return

    def _fail(self, error: BaseException) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
        if self._replace(error):
            self._open()
        else:
            self._degrade(error)

    def _replace(self, error: BaseException) -> bool:
        """Move a damaged file aside; return whether the way is free for a new one."""
        now_s = time.monotonic()
        if not corrupt(error) or now_s < self._replace_at_s:
            return False
        self._replace_at_s = now_s + _REPLACE_EVERY_S
        if self._store is not None:
            self._store.close()
            self._store = None
        try:
            aside = move_aside(self._path, time.time())
        except OSError:
            return False
        LOG.error("journal: %s is damaged (%s); kept as %s, a new one is started", self._path, error, aside.name)
        return True

    def _degrade(self, error: BaseException) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
        self._retry_at_s = time.monotonic() + self._settings.retry_s * min(2**self._failures, _RETRY_GROWTH)
        self._failures = min(self._failures + 1, _RETRY_GROWTH)
        self.problem = f"{type(error).__name__}: {error}"
        if not self.degraded:
            self.degraded = True
            self.episodes += 1
            LOG.error("journal: cannot write %s (%s); carrying on in memory, recovery goes on", self._path, error)

    def _recover(self) -> None:
        self._failures = 0
        if self.degraded:
            self.degraded = False
            self.problem = ""
            LOG.warning("journal: %s can be written again; %d notes were lost so far", self._path, self.dropped)

    def _maintain(self) -> None:
        now_s = time.monotonic()
        if self._store is None or now_s < self._maintain_at_s:
            return
        self._maintain_at_s = now_s + self._settings.maintain_every_s
        try:
            if self._store.displaced():
                self._store.close()
                self._store = None
                self._open()
            else:
                self._store.retain(self._settings.retention, time.time())
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def _end(self) -> None:
        if self._store is None:
            return
        try:
            self._store.end(time.time())
        except (sqlite3.Error, OSError) as error:
            LOG.warning("journal: the end of this run could not be noted: %s", error)
        self._store.close()
