"""Who is at the other end of a UNIX socket, as the kernel says."""

import os
import socket
import struct
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
_GROUPS_OPTION = 59
"""``SO_PEERGROUPS``, Linux 4.13; Python has no name for it."""
_GROUPS_MAX = 256  # the most that Python asks the kernel for


@dataclass(frozen=True, slots=True)
class Peer:
    """A process at the other end, with the rights that it had when it connected or began to listen."""

    uid: int
    groups: frozenset[int] = frozenset()
    pid: int = 0
    """0 when it is not known, also for a process of another pid namespace."""

    @classmethod
    def of(cls, connection: socket.socket) -> "Peer":
        """Return who is there; on a system that cannot tell, only the socket's mode kept others out: then ourselves.

        Raises:
            OSError: when the connection is gone.
        """
        option = getattr(socket, "SO_PEERCRED", None)
        if option is None:
            return cls(os.geteuid())
        raw = connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size)
        pid, uid, gid = _CREDENTIALS.unpack(raw)
        return cls(uid, frozenset({gid}) | _further_groups(connection), pid)


def peers_are_known() -> bool:
    """Return whether this system tells who connects; where it does not, the socket's mode is the only barrier."""
    return hasattr(socket, "SO_PEERCRED")


def _further_groups(connection: socket.socket) -> frozenset[int]:
    try:
        raw = connection.getsockopt(socket.SOL_SOCKET, _GROUPS_OPTION, 4 * _GROUPS_MAX)
    except OSError:
        return frozenset()
    return frozenset(struct.unpack(f"{len(raw) // 4}I", raw[: len(raw) // 4 * 4]))
