"""Whose process is at the other end of a TCP connection on this host: any user may take a port that is free."""

import contextlib
import socket
import sys
from pathlib import Path
from typing import Any

_ESTABLISHED = "01"
_LOCAL, _REMOTE, _STATE, _UID = 1, 2, 3, 7
"""Places in a line of the kernel's table."""


def server_uid(ours: tuple[Any, ...], theirs: tuple[Any, ...], proc: Path = Path("/proc")) -> int | None:
    """Return the user whose process accepted a connection.

    Args:
        ours: our end, as `getsockname` gives it.
        theirs: the other end, as `getpeername` gives it; something must have come from there, so that it is accepted.
        proc: where the kernel's tables are.

    Returns:
        ``None`` when the other end is not in this network namespace, or the system has no such table.
    """
    ends = (_hexadecimal(theirs), _hexadecimal(ours))
    for table in ("net/tcp", "net/tcp6"):
        with contextlib.suppress(OSError), (proc / table).open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                fields = line.split(None, 10)
                if len(fields) > _UID and fields[_STATE] == _ESTABLISHED and fields[_UID].isdigit():
                    found = fields[_LOCAL].rpartition(":"), fields[_REMOTE].rpartition(":")
                    if all(
                        port == number and address.endswith(host)
                        for (address, _, port), (host, number) in zip(found, ends, strict=True)
                    ):
                        return int(fields[_UID])
    return None


def _hexadecimal(end: tuple[Any, ...]) -> tuple[str, str]:
    """Return address and port as the tables have them; an IPv4 address ends the IPv6 one that stands for it."""
    host, port = str(end[0]), int(end[1])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host.partition("%")[0])
    words = (int.from_bytes(packed[i : i + 4], sys.byteorder) for i in range(0, len(packed), 4))
    return "".join(f"{word:08X}" for word in words), f"{port:04X}"
