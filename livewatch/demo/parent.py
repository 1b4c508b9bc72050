"""Children that end with their parent, however the parent ends."""

import os
import signal
import threading


def end_with_parent(pipe_fd: int) -> None:
    """Send SIGTERM to this process once the pipe's other end is closed, as happens when the parent dies.

    The parent keeps the write end open and writes nothing. Works where the parent was killed with SIGKILL, and on
    every POSIX system.
    """
    threading.Thread(target=_watch, args=(pipe_fd,), name="parent-watch", daemon=True).start()


def _watch(pipe_fd: int) -> None:
    try:
        while os.read(pipe_fd, 64):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
