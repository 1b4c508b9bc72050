"""The same from outside on a real Node server: ``make test-node`` (needs node)."""

import asyncio
import contextlib
import http.client
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from livewatch_classifiers.vocabulary import VitalsState
from tests.sources.zero_touch.outside import Server, states, until

SCRIPT = Path(__file__).with_name("plain_server.js")
RESPONSIVE = VitalsState.RESPONSIVE


@pytest.fixture(name="server")
async def _server() -> AsyncGenerator[Server]:
    server = await asyncio.to_thread(Server, ["node", str(SCRIPT)])
    yield server
    await server.close()


def get(server: Server, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    with contextlib.suppress(OSError):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()


async def test_an_idle_node_and_a_busy_one_are_responsive(server: Server) -> None:
    idle = await states(server.source, 100)
    await asyncio.to_thread(get, server, "/busy")
    busy = await states(server.source, 40)

    assert (idle, busy) == ({RESPONSIVE}, {RESPONSIVE})


@pytest.mark.parametrize("fault", ["/compute", "/sleep"])
async def test_a_node_that_computes_or_waits_for_a_child_is_unresponsive(server: Server, fault: str) -> None:
    """execSync waits in epoll, as if idle: only the poke tells."""
    await until(server.source, lambda v: v.state is RESPONSIVE)
    await asyncio.to_thread(get, server, fault)

    await until(server.source, lambda v: v.state is VitalsState.UNRESPONSIVE)


async def test_a_stopped_node_is_frozen_and_comes_back(server: Server) -> None:
    await until(server.source, lambda v: v.state is RESPONSIVE)
    server.process.send_signal(signal.SIGSTOP)
    await until(server.source, lambda v: v.state is VitalsState.FROZEN)
    server.process.send_signal(signal.SIGCONT)
    await until(server.source, lambda v: v.state is RESPONSIVE)
