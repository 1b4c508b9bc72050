"""The recorder: takes every round through a bounded queue and writes it on its own thread, within a bound of bytes."""

import logging
import os
import queue
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from livewatch.guard.private_folder import private_folder
from livewatch.recordings.files import file_name, files_of
from livewatch.recordings.lines import LineWriter, Remembered
from livewatch.recovery.rounds import Moment

LOG = logging.getLogger("livewatch.recording")
MIB = 1 << 20
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """The recorder's bounds."""

    bytes_max: int = 64 * MIB
    """All files of one gateway together; the oldest go first."""
    files: int = 8
    """Into how many files that is divided: so much is lost at once when the oldest goes."""
    queue_rounds: int = 256
    flush_s: float = 5.0
    """How much a killed agent may lose."""
    retry_s: float = 30.0
    """How long to leave a disk alone that refuses."""


@dataclass(frozen=True, slots=True)
class _Item:
    moment: Moment
    before: Remembered
    missing: int


class Recorder:
    """A `Witness` that writes rounds to files in a folder. Call `start` first and `close` last; nothing raises."""

    def __init__(
        self,
        folder: Path,
        target: str,
        settings: RecorderSettings | None = None,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self.written = 0
        self.problem = ""
        self._target = target
        self._settings = settings or RecorderSettings()
        self._monotonic_s = monotonic_s
        self._queue: queue.Queue[_Item | None] = queue.Queue(self._settings.queue_rounds)
        self._before = Remembered()
        self._missing = 0
        """Rounds since the last one that the queue took."""
        self._unwritten = 0
        """Rounds since the last one that the disk took."""
        self._refused = 0  # counted by the caller
        self._lost = 0  # counted by the thread
        self._lines = LineWriter()
        self._file: _PackedFile | None = None
        self._retry_at_s = 0.0
        self._number = 0
        self._thread = threading.Thread(target=self._run, name=f"livewatch.recording.{target}", daemon=True)

    @property
    def dropped(self) -> int:
        """Rounds that were not recorded, because the queue was full or the disk refused."""
        return self._refused + self._lost

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def on_moment(self, moment: Moment) -> None:
        """Queue one round without waiting; a full queue loses it, which is counted and told in the recording."""
        item = _Item(moment, self._before, self._missing)
        self._before = Remembered(moment.memory, moment.report.vitals)
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._missing += 1
            self._refused += 1
        else:
            self._missing = 0

    def close(self, deadline_s: float = 2.0) -> bool:
        """Write what is queued and end within ``deadline_s`` seconds; return whether that worked. Safe to repeat."""
        if not self._thread.is_alive():
            return True
        ends_s = time.monotonic() + deadline_s
        try:
            self._queue.put(None, timeout=deadline_s)
        except queue.Full:
            return False
        self._thread.join(max(0.0, ends_s - time.monotonic()))
        return not self._thread.is_alive()

    def listed(self) -> dict[str, object]:
        """Return how the recording is doing, for `status`."""
        return {
            "folder": str(self.folder), "written": self.written, "dropped": self.dropped, "problem": self.problem
        }  # fmt: skip

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._settings.flush_s)
            except queue.Empty:
                self._guarded(self._flush)
                continue
            if item is None:
                self._guarded(self._end)
                return
            self._guarded(self._write, item)

    def _guarded(self, work: Callable[..., None], *item: _Item) -> None:
        try:
            work(*item)
        except Exception as error:  # noqa: BLE001 -- a recording is never worth more than the agent
            if not self.problem:
                LOG.warning(
                    "recording: %s cannot be written (%s); rounds are left out until it can", self.folder, error
                )
            self.problem = str(error) or type(error).__name__
            file, self._file = self._file, None  # what it holds stays readable; the next one tells everything anew
            if file is not None:
                file.abandon()
            self._retry_at_s = self._monotonic_s() + self._settings.retry_s

    def _write(self, item: _Item) -> None:
        if self._file is None and self._monotonic_s() < self._retry_at_s:
            self._unwritten += 1 + item.missing
            self._lost += 1
            return
        missing = item.missing + self._unwritten
        self._unwritten = missing + 1  # until it is written
        self._lost += 1
        file = self._current(item.moment.round.wall_s)
        file.write(self._lines.line(item.moment, item.before, missing=missing))
        self._unwritten, self._lost = 0, self._lost - 1
        self.written += 1
        self.problem = ""
        if self._monotonic_s() - file.flushed_s >= self._settings.flush_s:
            self._flush()

    def _current(self, wall_s: float) -> "_PackedFile":
        share = self._settings.bytes_max // self._settings.files
        if self._file is not None and self._file.size_bytes >= share:
            self._end()
        if self._file is None:
            private_folder(self.folder)
            self._make_room(share)
            self._lines.head()
            self._file = _PackedFile(self._free_path(wall_s), self._monotonic_s())
        return self._file

    def _free_path(self, wall_s: float) -> Path:
        """Return a new file's path; two agents may begin in one second."""
        while True:
            self._number += 1
            path = self.folder / file_name(self._target, wall_s, self._number)
            if not path.exists():
                return path

    def _make_room(self, share: int) -> None:
        """Remove the oldest files until another full one fits."""
        files = files_of(self.folder, self._target)
        sizes = {file: file.stat().st_size for file in files}
        while files and sum(sizes[file] for file in files) + share > self._settings.bytes_max:
            files.pop(0).unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._file is not None:
            self._file.flush(self._monotonic_s())

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _PackedFile:
    """One gzip file that can be read up to the last flush whatever happens to its writer."""

    def __init__(self, path: Path, now_s: float) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file: BinaryIO = os.fdopen(os.open(path, flags, _PRIVATE), "wb", buffering=0)  # sessions' keys are in it
        self._packing = zlib.compressobj(6, zlib.DEFLATED, 31)
        self.size_bytes = 0
        self.flushed_s = now_s

    def write(self, line: bytes) -> None:
        """Pack one line; it may stay in memory until the next flush."""
        self._put(self._packing.compress(line))

    def flush(self, now_s: float) -> None:
        """Make everything so far readable."""
        self._put(self._packing.flush(zlib.Z_SYNC_FLUSH))
        self.flushed_s = now_s

    def close(self) -> None:
        """End the file properly."""
        try:
            self._put(self._packing.flush(zlib.Z_FINISH))
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Let go of a file that cannot be written any more."""
        self._file.close()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = self._file.write(view)
            self.size_bytes += count
            view = view[count:]
