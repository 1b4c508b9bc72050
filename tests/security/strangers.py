"""Somebody else at the other end of a socket: a real process of another user where this one may change users."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from livewatch.guard.peer import Peer

UID, GID = 54321, 54322
"""A user and a group that have no name here."""
_PROGRAM = """
import json, os, socket, sys
path, uid, groups, request = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.stdin.buffer.read()
os.setgroups(groups)
os.setgid(uid)
os.setuid(uid)
with socket.socket(socket.AF_UNIX) as asking:
    asking.settimeout(20)
    try:
        asking.connect(path)
        asking.sendall(request)
        while data := asking.recv(65536):
            sys.stdout.buffer.write(data)
    except (PermissionError, ConnectionError) as error:
        sys.stdout.write(type(error).__name__)
"""


class Stranger:
    """Asks as another user."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.real = os.geteuid() == 0
        """Whether another process can be asked as another user; else only servers of this process can be told so."""

    def ask(self, path: Path, request: bytes, groups: tuple[int, ...] = ()) -> bytes:
        """Return the raw answer, or the name of the error that the system gave."""
        if self.real:
            command = [sys.executable, "-c", _PROGRAM, str(path), str(UID), json.dumps(groups)]
            return subprocess.run(command, input=request, capture_output=True, check=True).stdout
        return self._as_the_kernel_would_say(path, request, groups)

    def _as_the_kernel_would_say(self, path: Path, request: bytes, groups: tuple[int, ...]) -> bytes:
        if not path.stat().st_mode & 0o002:
            return b"PermissionError"
        with self._monkeypatch.context() as patch, socket.socket(socket.AF_UNIX) as asking:
            patch.setattr(Peer, "of", classmethod(lambda cls, _connection: cls(UID, frozenset(groups), 1)))
            asking.connect(str(path))
            asking.sendall(request)
            answer = b""
            while data := asking.recv(65536):
                answer += data
            return answer
