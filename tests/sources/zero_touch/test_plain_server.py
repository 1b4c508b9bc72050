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
from livewatch.sources.zero_touch.loop_state import LoopState
from livewatch.sources.zero_touch.loop_watch import LoopReading
from livewatch_classifiers.decision import Action, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Reason, StallCause, VitalsState
from tests.sources.zero_touch.outside import Server, states, until

PLAIN = [sys.executable, "-m", "tests.sources.zero_touch.plain_server"]
UNRESPONSIVE, RESPONSIVE = VitalsState.UNRESPONSIVE, VitalsState.RESPONSIVE


@pytest.fixture(name="server")
async def _server() -> AsyncGenerator[Server]:
    server = await asyncio.to_thread(Server, PLAIN)
    yield server
    await server.close()


def say(server: Server, word: str) -> None:
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(f"{word}\n".encode())


def reading(server: Server) -> LoopReading:
    attached = server.source._attached
    assert attached is not None
    return attached.watch.reading


async def test_an_idle_server_and_a_busy_one_are_responsive(server: Server) -> None:
    idle = await states(server.source, 100)
    say(server, "busy")
    busy = await states(server.source, 40)

    assert (idle, busy) == ({RESPONSIVE}, {RESPONSIVE})


@pytest.mark.parametrize("fault", ["compute", "sleep", "gil", "shared", "naps"])
async def test_a_loop_that_computes_or_hangs_in_a_call_is_unresponsive(server: Server, fault: str) -> None:
    await until(server.source, lambda v: v.state is RESPONSIVE)
    say(server, fault)

    verdict = await until(server.source, lambda v: v.state is UNRESPONSIVE)
    assert verdict.cause is StallCause.OWN_CODE


async def test_a_loop_that_never_rests_but_turns_is_responsive(server: Server) -> None:
    """It never sleeps and burns a core, as one that computes for ever; only that it takes connections differs."""
    say(server, "spin")
    await until(server.source, lambda _: reading(server).state is LoopState.COMPUTING)

    assert await states(server.source, 100) == {RESPONSIVE}


async def test_an_idle_loop_whose_port_is_closed_is_not_called_blocked(server: Server) -> None:
    await until(server.source, lambda _: reading(server).state is LoopState.QUIET)
    say(server, "shut")
    seen = await until(server.source, lambda _: not reading(server).settled)

    assert seen.state is RESPONSIVE
    assert await states(server.source, 60) == {RESPONSIVE}
    assert (await server.source.sample()).vitals.loop_heartbeat_s is None


async def test_a_server_on_the_other_loopback_is_knocked_at_there() -> None:
    server = await asyncio.to_thread(Server, [*PLAIN, "::1"])
    try:
        assert await states(server.source, 100) == {RESPONSIVE}
        assert reading(server).settled
        say(server, "sleep")
        await until(server.source, lambda v: v.state is UNRESPONSIVE)
    finally:
        await server.close()


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
