import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from livewatch.demo.child import end_child, start_child
from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient, InboundError
from livewatch.demo.ledger import AnswerStatus

DEADLINE_S = 15.0


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    argv = [sys.executable, "-m", "livewatch.cli.demo_gateway", "--sessions", "0", "--end-with-stdin"]
    argv += ["--board", str(tmp_path / "b"), "--socket", str(tmp_path / "s"), "--inbound", str(tmp_path / "i")]
    process = await start_child(argv, log=tmp_path / "log")
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    assert line.decode().strip() == f"attach with: livewatch run --board {tmp_path / 'b'} --socket {tmp_path / 's'}"
    yield process
    await end_child(process)


async def test_a_real_gateway_answers_refuses_nonsense_and_ends_cleanly_on_sigterm(
    process: Process, tmp_path: Path
) -> None:
    async with InboundClient(tmp_path / "i") as client:
        ids = [await client.send(f"s{number % 3}", "answer 2; tool 0") for number in range(9)]
        statuses = [(await client.answered(message)).status for message in ids]
        assert statuses == [AnswerStatus.OK] * 9
        for nonsense in ({"op": "dance"}, {}, {"op": "send"}, {"op": "inject", "fault": "rain", "session": "s"}):
            with pytest.raises(InboundError, match="operations: send"):
                await client.request(**nonsense)
        assert (await client.stats())["answered"] == 9
        assert (client.sent, client.lost, client.duplicated) == (9, 0, 0)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    assert not (tmp_path / "i").exists()


@pytest.mark.invariant(20)
async def test_sigterm_with_a_hung_tool_and_a_zombie_leaves_no_process_behind(process: Process, tmp_path: Path) -> None:
    async with InboundClient(tmp_path / "i") as client:
        await client.inject(Fault.ZOMBIE_RUN, "zombie")
        await client.inject(Fault.HUNG_TOOL, "tool")
        while not (tools := [c for c in psutil.Process(process.pid).children() if c.name() == "sleep"]):
            await client.stats()  # bounded by the test's own timeout
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    assert not any(tool.is_running() for tool in tools)


async def test_a_gateway_ends_when_its_parent_does(process: Process) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
    assert children
    assert not any(child.is_running() for child in children)
