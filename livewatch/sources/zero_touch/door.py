"""Where a process may be knocked at: a loopback address that it alone listens on."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_LOOPBACK = {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::1": "::1", "::": "::1"}  # noqa: S104 -- looked up, never bound


@dataclass(frozen=True, slots=True)
class Door:
    """A loopback TCP address on which one process listens."""

    host: str
    port: int

    @property
    def family(self) -> socket.AddressFamily:
        """Address family to knock with."""
        return socket.AF_INET6 if ":" in self.host else socket.AF_INET


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket; ``pid`` is unknown where another user's process keeps that to itself."""

    pid: int | None
    host: str
    port: int


def listeners() -> list[Listener]:
    """Return what listens on TCP in this network namespace; empty where that may not be read."""
    try:
        return list(_listening(psutil.net_connections("tcp")))
    except (psutil.Error, OSError):
        return []


def door_of(pid: int, port: int | None, found: Iterable[Listener]) -> Door | None:
    """Return a door of process ``pid``, on ``port`` if that is given, or ``None`` where a knock would prove nothing.

    A port that several processes share is no door: another one may answer. Nor is one that the loopback does not
    reach, or one whose owner cannot be seen, unless it was named.
    """
    at: dict[tuple[str, int], set[int | None]] = {}
    for one in found:
        if one.host in _LOOPBACK and port in (None, one.port):
            at.setdefault((one.host, one.port), set()).add(one.pid)
    owners = {pid} if port is None else {pid, None}
    shared = {number for (_, number), pids in at.items() if not pids <= owners}
    doors = sorted(key for key in at if key[1] not in shared)
    return Door(_LOOPBACK[doors[0][0]], doors[0][1]) if doors else None


def same_network(pid: int, proc: Path = Path("/proc")) -> bool | None:
    """Return whether our loopback is the process's too, or ``None`` where another user's process hides it."""
    try:
        return (proc / str(pid) / "ns/net").readlink() == (proc / "self/ns/net").readlink()
    except OSError:
        return None


def _listening(connections: Iterable[Any]) -> Iterable[Listener]:
    for c in connections:
        if c.status == psutil.CONN_LISTEN and c.laddr:
            yield Listener(c.pid, str(c.laddr.ip), int(c.laddr.port))
