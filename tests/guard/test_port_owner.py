"""Whose process accepted a connection, from the kernel's own tables."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from livewatch.guard.port_owner import server_uid

_LISTENS = """
import os, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], 0), family=family, dualstack_ipv6=sys.argv[1] == "::") as listening:
    if os.geteuid() == 0:
        os.setuid(54321)
    print(listening.getsockname()[1], flush=True)
    connection, _ = listening.accept()
    connection.sendall(b"x")
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("listens", "asked"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "::1")]
)
def test_it_is_known_who_accepted(listens: str, asked: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _LISTENS, listens], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with socket.create_connection((asked, port), timeout=20) as asking:
            assert asking.recv(1) == b"x"
            found = server_uid(asking.getsockname(), asking.getpeername())
        server.communicate(b"")

    assert found == (os.geteuid() or 54321)


def test_what_cannot_be_seen_is_not_known(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as ours:
        assert server_uid(ours.getsockname(), ours.getpeername(), tmp_path) is None
    assert server_uid(("127.0.0.1", 1), ("192.0.2.1", 2)) is None
