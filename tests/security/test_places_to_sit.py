"""Whoever may only look cannot take every place at a server, so that nobody gets to act."""

import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from livewatch.guard.peer import Peer
from tests.security.servers import Server, serving
from tests.security.strangers import UID

MANY = 300


def by_name(connection: Any) -> Peer:
    """Stand for the kernel: who bound a name of a reader is one; anybody else is this user."""
    name = connection.getpeername()
    return Peer(UID if isinstance(name, bytes) and name.startswith(b"\0reader") else os.geteuid())


@pytest.mark.parametrize("server", list(Server))
async def test_readers_who_say_nothing_leave_a_place_for_who_acts(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Peer, "of", by_name)
    async with serving(server, folder / "s", readers=[f"{UID}"]) as served:
        with contextlib.ExitStack() as stack:
            for number in range(MANY):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.bind(f"\0reader-{os.getpid()}-{number}")
                one.settimeout(0.0)
                with contextlib.suppress(BlockingIOError):  # the kernel's own queue is full
                    one.connect(str(served.path))
            answer = await served.ask(served.act_request())

    assert (answer[9:12], served.acted) == (b"200", 1)
