"""The writing side of the vitals board: a file that another process can read while this one is blocked or dead."""

import contextlib
import ctypes
import mmap
import os
import struct
import time
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path

from livewatch.guard.private_folder import private_folder
from livewatch.probe.layout import (
    HEADER,
    MAGIC,
    NONE,
    RECORD_BYTES,
    RECORD_FIELDS,
    SLOT_FIELDS,
    TEXT_FIELDS,
    VERSION,
    Layout,
    shown,
)

_RECORD_WORDS = RECORD_BYTES // 8
_MAYBE = ("activity", "wait", "owner", "activity_owner", "in_store", "store_says_running", "holder")
_UNKNOWN = struct.pack(
    f"={len(RECORD_FIELDS)}q{sum(TEXT_FIELDS.values())}x", *(NONE if name in _MAYBE else 0 for name in RECORD_FIELDS)
)
"""The record of a slot of which nothing is known."""
_MAP_FIXED = 0x10
"""The same on Linux, macOS and the BSDs; Python's mmap module does not name it."""


class BoardWriter:
    """Owns the mapping. Only the gateway's loop thread writes slots; the probe's thread writes its own header words."""

    def __init__(self, path: Path, capacity: int) -> None:
        """Create the board at ``path`` (mode 0600, by rename, so that nobody ever sees half of it).

        Raises:
            OSError: when the file cannot be created.
            ValueError: when ``capacity`` is not positive.
        """
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self.path = path
        self.layout = Layout(capacity)
        self._map, self._inode = _create(path, self.layout)
        self.words = memoryview(self._map).cast("q")
        self._free = deque(range(capacity))  # oldest first: a freed slot rests before it is used again
        self._abandoned: deque[int] = deque()
        self._used_once = 0
        self._at = {name: self.layout.field_at(name, 0) // 8 for name in SLOT_FIELDS}
        """Words of slot 0; a record's are `_RECORD_WORDS` apart, a column's are neighbours."""
        self._texts_at = {name: self.layout.text_at(name, 0) for name in TEXT_FIELDS}
        self._forget_in_child()

    def set(self, field: str, value: int) -> None:
        """Store one header word."""
        self.words[HEADER[field]] = value

    def add(self, field: str, value: int = 1) -> None:
        """Add to one header word; one thread per word."""
        self.words[HEADER[field]] += value

    def acquire(self) -> int | None:
        """Return a free slot, or ``None`` when the board is full (which is counted)."""
        self.reap()
        if not self._free:
            self.add("sessions_overflowed")
            return None
        slot = self._free.popleft()
        if slot < self._used_once:
            self.add("slots_reused")
        else:
            at = self.layout.record_at(slot)
            self._map[at : at + RECORD_BYTES] = _UNKNOWN
            self._used_once = slot + 1
            self.set("slots_used", self._used_once)
        return slot

    def release(self, slot: int) -> None:
        """Give a slot back; readers see it unused at once."""
        self.write(slot, {"used": 0})
        self._free.append(slot)

    def abandon(self, slot: int) -> None:
        """Give a slot back from any thread, as garbage collection does; it is unused after the next `reap`."""
        self._abandoned.append(slot)

    def reap(self) -> None:
        """Release what was abandoned; on the loop's thread, which alone writes slots."""
        while self._abandoned:
            self.release(self._abandoned.popleft())

    def stamp(self, slot: int, now_ns: int) -> None:
        """Store the moment of progress; outside the sequence lock."""
        self.words[self._at["progress_ns"] + slot] = now_ns

    def stamped(self, slot: int) -> int:
        """Return the moment of the last progress, 0 for none."""
        return self.words[self._at["progress_ns"] + slot]

    def write(self, slot: int, values: dict[str, int], texts: dict[str, str] | None = None) -> None:
        """Store fields of one slot's record under its sequence lock: a reader believes all of them or none."""
        words, at, record = self.words, self._at, slot * _RECORD_WORDS
        seq = at["seq"] + slot
        words[seq] += 1
        try:
            for name, value in values.items():
                words[at[name] + record] = value
            if texts:
                for name, text in texts.items():
                    self._text(name, slot, text)
        finally:
            words[seq] += 1  # whatever happens: an odd number left behind would invert the lock

    def progress_of(self, slot: int) -> Callable[..., None]:
        """Return the function that stamps progress: one clock read and one 8-byte store, no lock."""
        word, now = ctypes.c_int64.from_buffer(self._map, self.layout.field_at("progress_ns", slot)), time.monotonic_ns

        # A plain function over a closure: keyword-only parameters would keep the interpreter from its fast call, at a
        # fifth of the cost; a store into a memoryview would take another ninth. The kind names the call site for
        # readers; only the moment is stored.
        def progress(kind: str = "token") -> None:  # noqa: ARG001 -- see above
            word.value = now()

        return progress

    def put_text(self, offset: int, data: bytes) -> None:
        """Store raw bytes, for the stack area."""
        self._map[offset : offset + len(data)] = data

    def close(self) -> None:
        """Remove the board, unless another gateway has put its own there; safe to call twice."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()

    def _text(self, name: str, slot: int, text: str) -> None:
        width = TEXT_FIELDS[name]
        data = text.encode("utf-8", "replace")
        if len(data) > width:
            data = shown(name, text).encode()
            self.add("names_truncated")
        offset = self._texts_at[name] + slot * RECORD_BYTES
        self._map[offset : offset + width] = data.ljust(width, b"\0")

    def _forget_in_child(self) -> None:
        """After a fork the child keeps the addresses but writes into private memory, never onto the parent's board."""
        mapping = weakref.ref(self._map)  # whoever may still write keeps it alive; a freed address is somebody else's
        os.register_at_fork(after_in_child=lambda: _make_private(mapping()))


def _make_private(mapping: mmap.mmap | None) -> None:
    if mapping is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        pinned = ctypes.c_char.from_buffer(mapping)
        address, size = ctypes.addressof(pinned), len(mapping)
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *([ctypes.c_int] * 3), ctypes.c_long]
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
        libc.mmap(address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)


def _create(path: Path, layout: Layout) -> tuple[mmap.mmap, int]:
    private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        _allocate(descriptor, layout.total_bytes)
        mapping = mmap.mmap(descriptor, layout.total_bytes)
        inode = os.fstat(descriptor).st_ino
    except OSError:
        temporary.unlink()
        raise
    finally:
        os.close(descriptor)
    _write_header(mapping, layout)
    temporary.rename(path)
    return mapping, inode


def _allocate(descriptor: int, size: int) -> None:
    """Take the space now: a store into a hole for which a full file system has no page kills the gateway (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    written = 0
    while written < size:
        written += os.pwrite(descriptor, bytes(min(size - written, 1 << 20)), written)


def _write_header(mapping: mmap.mmap, layout: Layout) -> None:
    boot_low, boot_high = _boot_id()
    values = {
        "version": VERSION,
        "header_bytes": layout.header_bytes,
        "capacity": layout.capacity,
        "pid": os.getpid(),
        "start_ticks": _start_ticks(),
        "boot_id_low": boot_low,
        "boot_id_high": boot_high,
        "pid_namespace": _pid_namespace(),
        "created_ns": time.monotonic_ns(),
        "magic": MAGIC,
    }
    for name, value in values.items():
        struct.pack_into("<Q", mapping, HEADER[name] * 8, value)


def _start_ticks() -> int:
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])


def _boot_id() -> tuple[int, int]:
    try:
        digits = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return 0, 0
    return int(digits[16:], 16), int(digits[:16], 16)


def _pid_namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
