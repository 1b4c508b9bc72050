"""The lease: of all agents that watch one gateway, one acts. A lock that dies with its holder, and a note who holds it.

The kernel's lock is the truth. What is written in the file only names the holder to people; it is believed only while
a process with that pid and start time lives, so that a note left behind by a killed agent misleads nobody.
"""

import contextlib
import fcntl
import json
import logging
import os
import socket
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from livewatch import __version__
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.vocabulary import ProcessState

LOOK_EVERY_S = 1.0
"""A holder's death frees the lock at once; a successor sees that within this time."""
_PRIVATE = 0o600
_NOTE_BYTES_MAX = 4096
_LOG = logging.getLogger("livewatch.lease")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease."""

    pid: int
    start_ticks: int
    host: str
    version: str

    @classmethod
    def this_process(cls) -> "Holder":
        """Return the identity of the running process."""
        found = ProcessStat.of(os.getpid())
        return cls(os.getpid(), found.start_ticks if found is not None else 0, socket.gethostname(), __version__)

    @property
    def alive(self) -> bool:
        """Whether exactly this process lives; true where it cannot be looked up, on another host."""
        if self.host != socket.gethostname():
            return True
        found = ProcessStat.of(self.pid)
        return found is not None and found.state is not ProcessState.GONE and found.start_ticks == self.start_ticks

    def __str__(self) -> str:
        """Return the holder in words."""
        return f"livewatch {self.version}, pid {self.pid} on {self.host}, holds the lease"


class Lease:
    """One gateway's lease. `start` tries at once and then again and again in a thread of its own, until `close`."""

    def __init__(self, path: Path, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self.path = path
        self._look_every_s = look_every_s
        self._descriptor: int | None = None
        self._held = False
        self._other = "the lease has not been asked for yet"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livewatch.lease", daemon=True)

    @property
    def held(self) -> bool:
        """Whether this agent is the one that acts; costs nothing, may be read by any thread."""
        return self._held

    @property
    def other(self) -> str:
        """Who acts instead, or why nobody can tell; empty while this agent holds the lease."""
        return "" if self._held else self._other

    def start(self) -> None:
        """Try once without waiting, then keep trying in the background; never raises for what the file system does."""
        self._look()
        self._thread.start()

    def close(self, deadline_s: float = 2.0) -> None:
        """Let go, so that another agent can follow at once. Safe before `start` and twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(deadline_s)
        self._let_go()

    def _run(self) -> None:
        while not self._stop.wait(self._look_every_s):
            self._look()

    def _look(self) -> None:
        try:
            if self._descriptor is not None and not self._still_ours(self._descriptor):
                _LOG.warning("lease: %s was removed or replaced; trying to get it again", self.path)
                self._let_go()
            if self._descriptor is None:
                self._try()
        except OSError as error:
            self._let_go()
            self._other = f"the lease {self.path} cannot be taken ({error.strerror})"

    def _try(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._other = _told(_note(descriptor))
            os.close(descriptor)
            return
        except OSError:
            os.close(descriptor)
            raise
        if not self._still_ours(descriptor):  # somebody removed the file between opening and locking it
            os.close(descriptor)
            return
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # a full disk costs the name, not the lease
            os.fchmod(descriptor, _PRIVATE)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(asdict(Holder.this_process())).encode(), 0)
        self._held = True
        _LOG.info("lease: this agent acts on the gateway (%s)", self.path)

    def _still_ours(self, descriptor: int) -> bool:
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            return False
        ours = os.fstat(descriptor)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _let_go(self) -> None:
        self._held = False
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def lease_path(control: Path | None, board: Path) -> Path:
    """Return the lease of a gateway: beside its control socket, or beside its board where it has no socket."""
    beside = (control if control is not None else board).resolve()  # one gateway, one lease, whatever leads to it
    return beside.with_name(f"{beside.name}.lease")


def holder_of(path: Path) -> Holder | None:
    """Return who is noted as the holder of a lease, without touching it; ``None`` when nobody is."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _note(descriptor)
    finally:
        os.close(descriptor)


def _note(descriptor: int) -> Holder | None:
    """Return the holder as noted in the file; ``None`` for a note that is empty, torn or not a note."""
    try:
        document: object = json.loads(os.pread(descriptor, _NOTE_BYTES_MAX, 0))
        facts = cast("dict[str, Any]", document)
        return Holder(int(facts["pid"]), int(facts["start_ticks"]), str(facts["host"]), str(facts["version"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _told(holder: Holder | None) -> str:
    return (
        str(holder)
        if holder is not None and holder.alive
        else "another livewatch, which has not said who it is, holds the lease"
    )
