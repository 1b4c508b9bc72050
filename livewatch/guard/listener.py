"""Taking a place on the file system to listen at, without taking it from anybody."""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Generator
from pathlib import Path

from livewatch.guard.peer import Peer, peers_are_known
from livewatch.guard.private_folder import private_folder
from livewatch.users import user_name

UNIX_PATH_BYTES_MAX = 107
"""Longest UNIX socket path that Linux takes, without the closing zero byte."""
_PRIVATE = 0o600
_BACKLOG = 64
_TRIES, _TRY_EVERY_S = 100, 0.01


class PlaceTaken(OSError):  # noqa: N818 -- reads as what it is
    """The place cannot be listened at. The text is one line that says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(errno.EADDRINUSE, problem)

    def __str__(self) -> str:
        """Return the line without the number that other errors of the system begin with."""
        return str(self.strerror)


class Listener:
    """A listening UNIX socket, open to nobody else for no moment; `close` removes it if it is still ours."""

    def __init__(self, path: Path, *, mode: int = _PRIVATE) -> None:
        """Listen at ``path``; what a process that ended left there is replaced.

        Raises:
            PlaceTaken: when the path is too long, or something that is not ours to remove is there.
            UnsafeFolder: when others could replace the socket.
            OSError: when the file system does not take it.
        """
        length = len(os.fsencode(path))
        if length > UNIX_PATH_BYTES_MAX:
            raise PlaceTaken(f"{path}: {length} bytes, a socket's path is at most {UNIX_PATH_BYTES_MAX}; use a shorter")
        private_folder(path.parent)
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _alone_in(path.parent):
                _make_room(path)
                _bind(self.socket, path)
                self.socket.listen(_BACKLOG)  # before it did, it would look like one that nobody listens at
                self._file_id = _file_id(path)
            if mode != _PRIVATE:
                path.chmod(mode)  # only ever wider than it was made
        except BaseException:
            self.socket.close()
            raise

    def close(self) -> None:
        """Stop listening, and remove the socket unless somebody else's lies there now; safe to call twice."""
        self.socket.close()
        with contextlib.suppress(OSError):
            if _file_id(self.path) == self._file_id:
                self.path.unlink()


def _bind(listening: socket.socket, path: Path) -> None:
    """Bind so that the file is private from its first moment.

    Linux gives it the mode of the socket itself. The umask belongs to the whole process: changed, it would change
    what other threads of a gateway make in that moment.
    """
    if peers_are_known():
        os.fchmod(listening.fileno(), _PRIVATE)
        listening.bind(str(path))
        return
    mask = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(mask)


def _make_room(path: Path) -> None:
    """Remove a socket of ours that nobody listens at any more; refuse for everything else.

    Raises:
        PlaceTaken: when it is not a socket, somebody else's, or in use.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise PlaceTaken(f"{path}: a symbolic link, left alone; name the real path")
    if not stat.S_ISSOCK(found.st_mode):
        raise PlaceTaken(f"{path}: not a socket, left alone; name another path")
    if found.st_uid != os.geteuid():
        raise PlaceTaken(f"{path}: a socket of {user_name(found.st_uid)}, left alone; name another path")
    who = listener_at(path)
    if who is not None:
        raise PlaceTaken(f"{path}: {who} answers there; stop it, or name another path")
    path.unlink()


def listener_at(path: Path) -> str | None:
    """Return in words who listens at a socket; ``None`` when nobody does. Never waits.

    A process that was forked by a listener, and outlived it, keeps the socket open and answers nobody: that is nobody.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(0.0)
        try:
            asking.connect(str(path))
            peer = Peer.of(asking) if peers_are_known() else Peer(os.geteuid())
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except OSError:
            return "somebody"  # its queue is full, for example: it is busy or stopped, not gone
    if not peer.pid:
        return "somebody"
    return f"process {peer.pid}" if _lives(peer.pid) else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _alone_in(folder: Path) -> Generator[None]:
    """Keep two starters from replacing one stale socket at once: the later would remove what the earlier just made.

    Raises:
        PlaceTaken: when somebody else keeps the folder to himself for longer than opening a socket takes.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_TRY_EVERY_S)
    raise PlaceTaken(f"{folder}: locked by another process; use a folder of your own, mode 0700")


def _file_id(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
