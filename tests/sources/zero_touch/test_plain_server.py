"""A real server with nothing in it, seen from outside: each way of being sick, and none of them where there is none."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncGenerator

import pytest

from livewatch.clock import SystemClock
from livewatch.sources.base import SourceError
from livewatch.sources.process import ProcessSource
from livewatch_classifiers.decision import Action, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Reason, StallCause, VitalsState
from tests.sources.zero_touch.outside import Server, states, until

UNRESPONSIVE, RESPONSIVE = VitalsState.UNRESPONSIVE, VitalsState.RESPONSIVE


@pytest.fixture(name="server")
async def _server() -> AsyncGenerator[Server]:
    server = await asyncio.to_thread(Server, [sys.executable, "-m", "tests.sources.zero_touch.plain_server"])
    yield server
    await server.close()


def say(server: Server, word: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(f"{word}\n".encode())


async def test_an_idle_server_and_a_busy_one_are_responsive(server: Server) -> None:
    idle = await states(server.source, 100)
    say(server, "busy")
    busy = await states(server.source, 40)

    assert (idle, busy) == ({RESPONSIVE}, {RESPONSIVE})


@pytest.mark.parametrize("fault", ["compute", "sleep", "gil"])
async def test_a_loop_that_computes_or_hangs_in_a_call_is_unresponsive(server: Server, fault: str) -> None:
    await until(server.source, lambda v: v.state is RESPONSIVE)
    say(server, fault)

    verdict = await until(server.source, lambda v: v.state is UNRESPONSIVE)
    assert verdict.cause is StallCause.OWN_CODE


async def test_a_stopped_process_is_frozen_and_comes_back(server: Server) -> None:
    await until(server.source, lambda v: v.state is RESPONSIVE)
    server.process.send_signal(signal.SIGSTOP)
    await until(server.source, lambda v: v.state is VitalsState.FROZEN)
    server.process.send_signal(signal.SIGCONT)
    await until(server.source, lambda v: v.state is RESPONSIVE)


async def test_a_process_that_ended_is_gone(server: Server) -> None:
    by_port = ProcessSource(SystemClock(), name="plain", port=server.port)
    assert (await by_port.sample()).identity is not None
    server.process.kill()
    server.process.wait()

    await until(by_port, lambda v: v.state is VitalsState.GONE)
    await by_port.close()


async def test_nothing_can_be_repaired_and_it_says_so(server: Server) -> None:
    reply = await server.source.act(Action(ActionKind.ABORT_RUN, "s", "k", "c", Reason.ACTIVE_WORK))

    assert server.source.capabilities == frozenset()
    assert reply.status is ReplyStatus.UNSUPPORTED


async def test_a_process_that_is_not_there_is_one_line_that_says_what_to_do() -> None:
    source = ProcessSource(SystemClock(), name="plain", pid=2**22 - 1)
    with pytest.raises(SourceError, match=r"there is no process 4194303.*--pid or --port"):
        await source.sample()
    await source.close()
