"""What systemd's notify protocol needs: datagrams of ``KEY=value`` lines to the socket that it names."""

import os
import socket
from collections.abc import Mapping


class NotifySocket:
    """The supervisor's end; without one, everything is said into the void. `say` neither blocks nor raises."""

    def __init__(self, address: str = "") -> None:
        """Take an address as ``NOTIFY_SOCKET`` gives it: a path, or ``@name`` for an abstract socket."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address[:1] in ("/", "@"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    @property
    def listens(self) -> bool:
        """Whether there is a supervisor that wants to be told."""
        return self._socket is not None

    def say(self, **facts: object) -> bool:
        """Send one datagram and return whether it was taken; one that would have to wait is dropped."""
        if self._socket is None:
            return False
        text = "\n".join(f"{key}={_one_line(value)}" for key, value in facts.items())
        try:
            self._socket.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of the socket; safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def watchdog_s(environ: Mapping[str, str], pid: int | None = None) -> float | None:
    """Return within how many seconds the supervisor wants a sign of life from ``pid`` (this process by default).

    ``None``: it wants none, or one from another process, or what it asks for is not a positive number.
    """
    wanted, whose = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID")
    if whose is not None and whose != str(os.getpid() if pid is None else pid):
        return None
    return int(wanted) / 1e6 if wanted.isascii() and wanted.isdigit() and int(wanted) > 0 else None


def _one_line(value: object) -> str:
    return " ".join(str(value).split())
