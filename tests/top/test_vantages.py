"""Looking at a board without an agent, through an agent of another version, and calls beside the loop."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from livewatch.clock import SystemClock
from livewatch.local_api.requests import Nothing, SessionsRequest
from livewatch.local_api.server import Handler, LocalApi
from livewatch.probe import Probe
from livewatch.top.agent_vantage import AgentVantage
from livewatch.top.background import in_background
from livewatch.top.board_vantage import BoardVantage
from livewatch.top.header import gateway_line
from livewatch.top.vantage import LostError, RefusedError
from livewatch.top.view import Show, View
from livewatch_classifiers.decision import Person
from livewatch_classifiers.thresholds import Thresholds

_IMPATIENT = Thresholds(warn_after_s=0.05)


@pytest.fixture(name="vantage")
async def fixture_vantage(tmp_path: Path) -> AsyncIterator[BoardVantage]:
    vantage = BoardVantage(tmp_path / "board", _IMPATIENT, SystemClock())
    yield vantage
    await vantage.close()
    await vantage.close()


async def test_a_board_is_judged_as_an_agent_would_and_cannot_be_acted_on(
    tmp_path: Path, vantage: BoardVantage
) -> None:
    async with Probe.open(tmp_path / "board") as probe:
        stuck, idle = probe.session("stuck"), probe.session("idle")
        stuck.state("processing")
        stuck.queued(2)
        idle.state("idle")
        probe.ready()
        async with asyncio.timeout(20):
            look = await vantage.look(View(show=Show.STUCK))
            while not look.sessions["sessions"]:
                look = await vantage.look(View(show=Show.STUCK))
        assert [row["session"] for row in look.sessions["sessions"]] == ["stuck"]
        assert look.status["sessions"]["total"] == 2
        told = "".join(piece.text for piece in gateway_line(look.status, 100, fresh=True))
        assert told.startswith(f"{tmp_path.name}/board ")
        assert "board only" in told
        explained = await vantage.explain("stuck")
        assert explained["verdict"]["attention"] == "stuck"
        assert explained["next"]["action"] is None
        assert vantage.hands is None
        with pytest.raises(RefusedError, match="nobody"):
            await vantage.explain("nobody")


async def test_a_board_that_is_not_there_is_lost_and_found_when_it_comes(tmp_path: Path, vantage: BoardVantage) -> None:
    with pytest.raises(RefusedError):
        await vantage.explain("s")
    with pytest.raises(LostError, match="board"):
        await vantage.look(View())
    async with Probe.open(tmp_path / "board"):
        assert (await vantage.look(View())).sessions["total"] == 0


async def test_a_call_beside_the_loop_returns_or_raises() -> None:
    assert await in_background(lambda word: word * 2, "ab") == "abab"
    with pytest.raises(ZeroDivisionError):
        await in_background(lambda: 1 // 0)


async def test_a_call_that_nobody_waits_for_any_more_is_let_go() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        begun.set()
        go_on.wait()
        return 1

    call = asyncio.ensure_future(in_background(slow))
    await in_background(begun.wait)
    call.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_a_process_ends_though_a_call_never_does() -> None:
    script = (
        "import asyncio, threading\n"
        "from livewatch.top.background import in_background\n"
        "async def main():\n"
        "    try:\n"
        "        await asyncio.wait_for(in_background(threading.Event().wait), 0.01)\n"
        "    except TimeoutError:\n"
        "        print('ended')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "ended\n"


async def test_an_agent_of_another_version_is_told_as_such(tmp_path: Path) -> None:
    async def status(_request: Nothing, _caller: Person) -> dict[str, Any]:
        return {"version": "0.0.1"}

    async def sessions(_request: SessionsRequest, _caller: Person) -> dict[str, Any]:
        return {"sessions": []}

    api = LocalApi(
        tmp_path / "a.sock",
        {("GET", "/v1/status"): Handler(Nothing, status), ("GET", "/v1/sessions"): Handler(SessionsRequest, sessions)},
    )
    await api.start()
    with pytest.raises(LostError, match=r"livewatch 0\.0\.1 runs there"):
        await AgentVantage(api.path).look(View())
    await api.close()
