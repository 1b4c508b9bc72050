"""Folders in which sockets and private files lie: made for this user alone, and looked at before they are used."""

import errno
import os
import stat
from pathlib import Path

from livewatch.users import user_name

_ROOT = 0
_OTHERS_WRITE = 0o022
_PRIVATE = 0o700


class UnsafeFolder(OSError):  # noqa: N818 -- reads as what it is
    """A folder in which somebody else could replace what we put there. The text says what to do."""

    def __init__(self, problem: str) -> None:
        super().__init__(errno.EPERM, problem)

    def __str__(self) -> str:
        """Return the line without the number that other errors of the system begin with."""
        return str(self.strerror)


def private_folder(folder: Path) -> None:
    """Make the folder, mode 0700, with all that leads to it; or find that nobody else can replace what lies in it.

    A folder that others may read is not refused: what lies in it has mode 0600 itself.

    Raises:
        UnsafeFolder: when it, or the link that names it, is somebody else's, or others may replace things in it.
        OSError: when it cannot be made or looked at, or is no folder.
    """
    try:
        link = folder.lstat()
    except FileNotFoundError:
        _make(folder)
        link = folder.lstat()
    ours = (_ROOT, os.geteuid())
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in ours:
        raise UnsafeFolder(f"{folder} is a symbolic link of {user_name(link.st_uid)}; name the real folder")
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder; name another", str(folder))
    if found.st_uid not in ours:
        raise UnsafeFolder(f"the folder {folder} belongs to {user_name(found.st_uid)}; use one of your own, mode 0700")
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        raise UnsafeFolder(f"others may replace what lies in {folder} ({mode}); chmod go-w {folder}, or use another")


def _make(folder: Path) -> None:
    """Make every missing part private: ``mkdir(parents=True)`` would leave all but the last to the umask."""
    missing = [part for part in (folder, *folder.parents) if not part.exists() and not part.is_symlink()]
    for part in reversed(missing):
        part.mkdir(mode=_PRIVATE, exist_ok=True)
