"""Builds boards byte by byte from the layout, as a gateway in any language might."""

import itertools
import os
import struct
import time
from pathlib import Path

from livewatch.clock import SystemClock
from livewatch.probe.layout import HEADER, MAGIC, NONE, STALL_RING, TEXT_FIELDS, VERSION, Layout
from livewatch.sources.process_stat import ProcessStat

_UNKNOWN = ("activity", "activity_owner", "wait", "wait_delivered", "owner", "in_store", "store_says_running", "holder")
_START_S = 10.0
ASLEEP = "import sys; sys.stdin.read()"


def boot_id() -> tuple[int, int]:
    digits = Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    return int(digits[16:], 16), int(digits[:16], 16)


class Clock(SystemClock):
    """Stands still until told; real in nothing but its type."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s
        self.asleep_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s

    def boottime_s(self) -> float:
        return self.now_s + self.asleep_s


class Board:
    """A board file that a test changes in place. The writer's process is this one unless told otherwise."""

    _numbers = itertools.count()

    def __init__(self, path: Path, capacity: int = 4, pid: int | None = None, **header: int) -> None:
        self.path = path
        self.layout = Layout(capacity)
        pid = os.getpid() if pid is None else pid
        stat = ProcessStat.of(pid)
        low, high = boot_id()
        values = {
            "magic": MAGIC,
            "version": VERSION,
            "header_bytes": self.layout.header_bytes,
            "capacity": capacity,
            "pid": pid,
            "start_ticks": stat.start_ticks if stat is not None else 1,
            "boot_id_low": low,
            "boot_id_high": high,
            "pid_namespace": Path("/proc/self/ns/pid").stat().st_ino,
            "created_ns": round(_START_S * 1e9),
            "phase": 1,
            "slots_used": capacity,
        }
        data = bytearray(self.layout.total_bytes)
        for name, value in (values | header).items():
            struct.pack_into("<Q", data, HEADER[name] * 8, value)
        temporary = path.with_name(f".{path.name}.{next(self._numbers)}")
        temporary.write_bytes(data)
        temporary.rename(path)
        self.file = path.open("r+b", buffering=0)
        for name in _UNKNOWN:
            for slot in range(capacity):
                self._store(self.layout.field_at(name, slot), struct.pack("<q", NONE))

    def header(self, **values: int) -> None:
        for name, value in values.items():
            self._store(HEADER[name] * 8, struct.pack("<Q", value))

    def slot(self, slot: int, /, seq: int | None = None, **values: int | str) -> None:
        """Write one slot; ``seq`` grows by two unless given."""
        at = self.layout.field_at("seq", slot)
        before = struct.unpack("<q", os.pread(self.file.fileno(), 8, at))[0]
        for name, value in values.items():
            if isinstance(value, str):
                self.text(slot, name, value.encode())
            else:
                self._store(self.layout.field_at(name, slot), struct.pack("<q", value))
        self._store(at, struct.pack("<q", before + 2 if seq is None else seq))

    def text(self, slot: int, name: str, data: bytes) -> None:
        self._store(self.layout.text_at(name, slot), data.ljust(TEXT_FIELDS[name], b"\0"))

    def progress(self, slot: int, seconds: float) -> None:
        self._store(self.layout.field_at("progress_ns", slot), struct.pack("<q", round(seconds * 1e9)))

    def stall(self, number: int, start_s: float, end_s: float) -> None:
        at = self.layout.stalls_at + number % STALL_RING * 16
        self._store(at, struct.pack("<QQ", round(start_s * 1e9), round(end_s * 1e9)))
        self.header(stalls=number + 1)

    def delays(self, bucket: int, count: int) -> None:
        self._store(self.layout.histogram_at + bucket * 8, struct.pack("<Q", count))

    def stack(self, text: str, *, seq: int, captured_s: float, count: int = 1) -> None:
        data = text.encode()
        self._store(self.layout.stack_at, data)
        self.header(stack_seq=seq, stack_captured_ns=round(captured_s * 1e9), stack_count=count, stack_bytes=len(data))

    def close(self) -> None:
        self.file.close()

    def _store(self, offset: int, data: bytes) -> None:
        os.pwrite(self.file.fileno(), data, offset)


def until(seconds: float = 10.0) -> float:
    """Return a deadline for waiting on a condition."""
    return time.monotonic() + seconds
