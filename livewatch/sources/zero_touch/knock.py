"""One connection to a gateway's port, and whether its loop has taken it. Nothing is ever sent.

The kernel completes a connection without the program. Only when the program accepts it does its server side get an
inode, so ``/proc/PID/net/tcp`` tells a loop that turns from one that does not, whatever else the thread is doing:
computing, asleep in a call, or handing the interpreter's lock to and fro.
"""

import contextlib
import socket
from pathlib import Path

from livewatch.sources.zero_touch.door import Door

CONNECT_WITHIN_S = 0.2
_ESTABLISHED = "01"
_SYN_RECEIVED = "03"
_INODE = 9
"""Place of the inode in a line of the table."""


class Knock:
    """An open connection, until `close`.

    Raises:
        OSError: when nobody listens there. A queue that is full counts as a connection not taken.
    """

    def __init__(self, pid: int, door: Door, *, proc: Path = Path("/proc")) -> None:
        self._table = proc / str(pid) / ("net/tcp6" if door.family is socket.AF_INET6 else "net/tcp")
        self._socket = socket.socket(door.family, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(CONNECT_WITHIN_S)
            self._queued = True
            try:
                self._socket.connect((door.host, door.port))
            except TimeoutError:
                self._queued = False  # the kernel goes on trying
            self._socket.settimeout(0.0)
            ours = self._socket.getsockname()[1]
        except OSError:
            self._socket.close()
            raise
        self._ends = (f":{door.port:04X}", f":{ours:04X}")

    def taken(self) -> bool | None:
        """Return whether the gateway has accepted the connection; ``None`` where that cannot be seen."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return self._accepted()
        except ConnectionResetError:
            return True  # somebody did that
        except OSError:
            return None
        return True  # it was answered, or closed

    def close(self) -> None:
        """Drop the connection; safe to call twice."""
        self._socket.close()

    def _accepted(self) -> bool | None:
        local, remote = self._ends
        with contextlib.suppress(OSError), self._table.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                fields = line.split(None, 10)
                if len(fields) > _INODE and fields[1].endswith(local) and fields[2].endswith(remote):
                    if fields[3] == _SYN_RECEIVED:
                        return None  # the listener defers until data comes
                    return fields[3] != _ESTABLISHED or fields[_INODE] != "0"
        return None if self._queued else False
