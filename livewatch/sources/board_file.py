"""The board as a file: opened with suspicion, verified at each look, read with bounded copies."""

import contextlib
import os
import stat
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from livewatch.guard.owner import GatewayOwner
from livewatch.probe.layout import HEADER_FIELDS, MAGIC, VERSION, Layout
from livewatch.sources.base import SourceError
from livewatch.sources.process_stat import ProcessStat
from livewatch.users import user_name
from livewatch_classifiers.model import GatewayIdentity
from livewatch_classifiers.vocabulary import ProcessState

_BOOT_ID, _PID_NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
_MAX_CAPACITY = 1 << 20
_ROOT = 0
_HEADER = struct.Struct(f"<{len(HEADER_FIELDS)}Q")
_RESTARTED = "the gateway ended without removing it; it is read again once the gateway has restarted"


class BoardFile:
    """One opened board, copied with ``pread`` and never mapped: a file that shrinks kills a mapped reader (SIGBUS)."""

    def __init__(self, path: Path, owner: GatewayOwner | None = None) -> None:
        """Open the board at ``path``; nothing in it is believed until `look`.

        Raises:
            SourceError: when it is missing, not a regular file, or somebody else's.
        """
        self.path = path
        self._descriptor = -1
        try:
            # O_NONBLOCK: a FIFO in the board's place must not hold the agent.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            found = os.fstat(self._descriptor)
        except FileNotFoundError as error:
            raise SourceError(f"no board at {path}", "start the gateway, or name its board in target.board") from error
        except OSError as error:
            self.close()
            hint = "the board must be a regular file that this user may read"
            raise SourceError(f"cannot open the board {path} ({error.strerror})", hint) from error
        self.file_id = (found.st_dev, found.st_ino)
        self.owner_uid = found.st_uid
        try:
            _check_owner(path, found, owner or GatewayOwner())
        except SourceError:
            self.close()
            raise

    def replaced(self) -> bool:
        """Return whether another file lies at the path now, or none."""
        try:
            found = self.path.stat(follow_symlinks=False)
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self.file_id

    def look(self) -> tuple[Mapping[str, int], Layout]:
        """Read and verify the header.

        Raises:
            SourceError: when this is not a whole board of a version that this build reads.
        """
        header: dict[str, int] = dict(zip(HEADER_FIELDS, _HEADER.unpack(self.read(0, _HEADER.size)), strict=True))
        if header["magic"] == 0:
            raise SourceError(f"the board {self.path} is being written", "it is read again at the next tick")
        if header["magic"] != MAGIC:
            raise SourceError(f"{self.path} is not a board", "name the gateway's board in target.board")
        if header["version"] != VERSION:
            problem = f"the board {self.path} has version {header['version']}, this livewatch reads {VERSION}"
            raise SourceError(problem, "use the same livewatch release in agent and gateway")
        capacity = header["capacity"]
        if not 0 < capacity <= _MAX_CAPACITY:
            problem = f"the board {self.path} claims {capacity} slots"
            raise SourceError(problem, f"a board has 1 to {_MAX_CAPACITY}; restart the gateway")
        layout = Layout(capacity)
        size = os.fstat(self._descriptor).st_size
        if size != layout.total_bytes or header["header_bytes"] != layout.header_bytes:
            raise self._truncated(size, layout.total_bytes)
        return header, layout

    def read(self, offset: int, size: int) -> bytes:
        """Copy ``size`` bytes.

        Raises:
            SourceError: when the file is shorter, or cannot be read.
        """
        try:
            data = os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise SourceError(f"cannot read the board {self.path} ({error.strerror})", "restart the gateway") from error
        if len(data) != size:
            raise self._truncated(offset + len(data), offset + size)
        return data

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _truncated(self, size: int, expected: int) -> SourceError:
        problem = f"the board {self.path} is truncated or damaged: {size} bytes where {expected} belong"
        return SourceError(problem, "restart the gateway so that it writes a new board")


def writer_of(path: Path, header: Mapping[str, int]) -> ProcessStat:
    """Return what is known about the process that writes this board.

    Raises:
        SourceError: with ``gone`` when that process has ended: its pid is dead, was recycled, or the host booted since.
    """
    pid, ticks = header["pid"], header["start_ticks"]
    if _boot_id() not in ((0, 0), (header["boot_id_low"], header["boot_id_high"])):
        raise SourceError(f"the board {path} is from before the last boot", _RESTARTED, gone=True)
    if not same_namespace(header):
        return ProcessStat(ProcessState.UNKNOWN)  # its pid names somebody else here; only the heartbeats can tell
    found = ProcessStat.of(pid)
    if found is None:
        raise SourceError(f"the gateway (pid {pid}) of the board {path} is gone", _RESTARTED, gone=True)
    if ticks and found.start_ticks and ticks != found.start_ticks:
        problem = f"pid {pid} of the board {path} is another process now"
        raise SourceError(problem, _RESTARTED, gone=True)
    return found


def writer_ended(path: Path, header: Mapping[str, int]) -> bool:
    """Return whether the process that writes this board has ended, also when nobody has waited for it (a zombie)."""
    try:
        return writer_of(path, header).state is ProcessState.GONE
    except SourceError as error:
        return error.gone


def same_namespace(header: Mapping[str, int]) -> bool:
    """Return whether the board's pid means the same process to its writer and to us."""
    try:
        return header["pid_namespace"] in (0, _own_pid_namespace())
    except OSError:
        return True


def identity_of(header: Mapping[str, int]) -> GatewayIdentity:
    """Return the identity of the process that writes this board."""
    start = header["start_ticks"] or header["created_ns"]
    return GatewayIdentity(header["pid"], f"{header['boot_id_high']:016x}{header['boot_id_low']:016x}:{start}")


def check_writer(path: Path, owner_uid: int, pid: int) -> None:
    """Refuse a board that names somebody else's process as its writer: root would judge the one and act on the other.

    Raises:
        SourceError: when that process belongs neither to the board's owner nor to root.
    """
    try:
        uid = Path("/proc", str(pid)).stat().st_uid
    except OSError:
        return
    if owner_uid != _ROOT and uid not in (owner_uid, _ROOT):
        problem = f"the board {path} of {user_name(owner_uid)} names a process of {user_name(uid)} (pid {pid})"
        raise SourceError(problem, "name the gateway's own board in target.board")


def _check_owner(path: Path, found: os.stat_result, owner: GatewayOwner) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path} is not a regular file", "name the gateway's board in target.board")
    if not owner.trusts(found.st_uid):
        raise SourceError(f"the board {path} belongs to uid {found.st_uid}", owner.hint)


@cache
def _own_pid_namespace() -> int:
    """Return its inode, which a process never changes for itself."""
    return _PID_NAMESPACE.stat().st_ino


def _boot_id() -> tuple[int, int]:
    """Return the boot id's low and high half as the writer stores them; zeros where there is none."""
    try:
        return _known_boot_id()
    except (OSError, ValueError):
        return 0, 0


@cache
def _known_boot_id() -> tuple[int, int]:
    """Read it once; a failure is not remembered."""
    digits = _BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")
    return int(digits[16:], 16), int(digits[:16], 16)
