"""Looks at session write-lock files off the loop and judges them; it never removes one.

A lock file is JSON: ``pid`` (int), the owner's start time (``starttime`` or ``start_time``: start ticks of
``/proc/PID/stat``, or a text with the boot id before it), ``createdAt`` or ``created`` (ISO 8601 or Unix milliseconds)
and, where the writer knows it, ``pid_namespace`` (as ``readlink /proc/self/ns/pid`` prints it) and ``run_id``.
"""

import asyncio
import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from livewatch.clock import Clock
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.lock import Lock, LockVerdict, Process, Processes, classify_lock
from livewatch_classifiers.vocabulary import Presence

_PAYLOAD_BYTES = 4096
_MILLISECONDS_ABOVE = 1e11
_LARGEST = 1e15
"""No moment in milliseconds is larger; JSON may tell whole numbers that no float can hold."""
_Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LockSettings:
    """Where locks are and what may be concluded from them."""

    directory: Path
    pattern: str = "**/*.jsonl.lock"
    one_namespace: bool = False
    """The operator's word that no other pid namespace writes here; without it or a namespace in the payload, no
    dead pid is proof."""
    files_max: int = 10_000
    proc: Path = Path("/proc")


class LockInspector:
    """Judges every lock of a directory. Each round looks a process up once; the loop never waits for a file."""

    def __init__(
        self,
        settings: LockSettings,
        clock: Clock,
        *,
        holder: Callable[[str], Presence] = lambda _path: Presence.UNKNOWN,
    ) -> None:
        self.skipped = 0
        """Files beyond ``files_max`` in the last round: counted, never silently lost."""
        self._settings = settings
        self._clock = clock
        self._holder = holder
        self._seen: dict[str, tuple[_Identity, float]] = {}
        self._namespace = _link(settings.proc / "self/ns/pid")
        self._boot = _text(settings.proc / "sys/kernel/random/boot_id")

    async def inspect(self, blind: BlindTime | None = None) -> list[LockVerdict]:
        """Return a verdict for each lock file, sorted by path; runs in a thread, one round at a time."""
        return await asyncio.to_thread(self.inspect_now, blind or BlindTime())

    def inspect_now(self, blind: BlindTime) -> list[LockVerdict]:
        """Do one round in the calling thread."""
        now_s, wall_s = self._clock.monotonic_s(), self._clock.wall_s()
        locks = [lock for path in self._paths() if (lock := self._read(path, now_s, wall_s)) is not None]
        self._seen = {lock.path: self._seen[lock.path] for lock in locks}
        known: dict[int, Process] = {}
        for lock in locks:
            if lock.pid is not None and lock.pid not in known:
                known[lock.pid] = self._process(lock.pid)
        processes = Processes(
            now_s,
            MappingProxyType(known),
            pid_namespace=self._namespace,
            one_namespace=self._settings.one_namespace,
            blind=blind,
        )
        return [classify_lock(lock, processes) for lock in locks]

    def _paths(self) -> list[Path]:
        found = sorted(self._settings.directory.glob(self._settings.pattern))
        self.skipped = max(0, len(found) - self._settings.files_max)
        return found[: self._settings.files_max]

    def _read(self, path: Path, now_s: float, wall_s: float) -> Lock | None:
        """Return the lock, or ``None`` when it is gone or no regular file."""
        name = str(path)
        try:
            status = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        identity = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if name not in self._seen or self._seen[name][0] != identity:
            self._seen[name] = (identity, now_s)
        seen_s = self._seen[name][1]
        try:
            payload = _payload(path)
        except FileNotFoundError:
            return None
        except OSError:
            return Lock(name, seen_s, Presence.UNKNOWN)
        if payload is None:
            return Lock(name, seen_s, Presence.ABSENT)
        pid = payload.get("pid")
        if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
            return Lock(name, seen_s, Presence.UNKNOWN)
        created_s = _unix_s(payload.get("createdAt", payload.get("created")))
        return Lock(
            name,
            seen_s,
            Presence.PRESENT,
            pid=pid,
            start_time=self._start_time(payload.get("starttime", payload.get("start_time"))),
            pid_namespace=_optional(payload.get("pid_namespace")),
            acquired_s=None if created_s is None else now_s - max(0.0, wall_s - created_s),
            run_id=_optional(payload.get("run_id")),
            holder=self._holder(name),
        )

    def _process(self, pid: int) -> Process:
        try:
            content = (self._settings.proc / str(pid) / "stat").read_text("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            return Process(Presence.ABSENT)
        except OSError:
            return Process(Presence.UNKNOWN)
        fields = content.rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            return Process(Presence.ABSENT)
        return Process(Presence.PRESENT, self._start_time(fields[19]))

    def _start_time(self, value: object) -> str | None:
        """Return start ticks with the boot they count from, so that no boot's ticks equal another's."""
        if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        if isinstance(value, float):
            if not isfinite(value):
                return None
            value = int(value)
        text = str(value)
        return text if ":" in text else f"{self._boot or ''}:{text}"


def _payload(path: Path) -> Mapping[str, Any] | None:
    """Return what the file says, ``None`` when it is empty or torn, and nothing at all when it is no lock of ours."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = os.read(descriptor, _PAYLOAD_BYTES)
    finally:
        os.close(descriptor)
    try:
        payload: object = json.loads(content)
    except (ValueError, RecursionError):
        torn = len(content) < _PAYLOAD_BYTES and content.strip()[:1] in (b"", b"{")
        return None if torn else {}
    return cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}


def _unix_s(value: object) -> float | None:
    if isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value).timestamp()
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _LARGEST:
        return None
    return value / 1000.0 if value > _MILLISECONDS_ABOVE else float(value)


def _optional(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _link(path: Path) -> str | None:
    try:
        return str(path.readlink())
    except OSError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return None
