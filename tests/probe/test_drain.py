"""Ending well: what is alive finishes, what outlived its own timeout is cleared, nothing new begins."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from livewatch.clock import SystemClock
from livewatch.probe import DrainingError, Levers, Probe, Run, Session
from livewatch.sources.board import BoardSource
from livewatch_classifiers.decision import GATEWAY, Action, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Phase, Reason


class EndingLevers(Levers):
    def __init__(self) -> None:
        self.asked_s: list[float] = []
        self.cleared: list[str] = []
        self.when_cleared: Callable[[], None] = lambda: None

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        assert handle
        assert "timeout" in cause
        self.cleared.append(f"{session}/{run_id}")
        self.when_cleared()
        return 1

    def drain(self, timeout_s: float) -> None:
        self.asked_s.append(timeout_s)


class Gateway:
    def __init__(self, folder: Path) -> None:
        self.levers = EndingLevers()
        self.probe = Probe.open(folder / "board", folder / "control", levers=self.levers, capacity=8)
        self.source = BoardSource(folder / "board", folder / "control", SystemClock(), name="gw")
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(
        self, key: str, body: Callable[[Run], Awaitable[object]], limit_s: float | None = None, run_id: str = ""
    ) -> Session:
        session, begun = self.probe.session(key), asyncio.Event()

        async def turn() -> None:
            async with session.run(run_id or f"run-{key}", timeout=limit_s) as run:
                begun.set()
                await body(run)

        self.tasks.append(asyncio.create_task(turn()))
        await begun.wait()
        return session


@pytest.fixture(name="gateway")
async def _gateway(tmp_path: Path) -> AsyncGenerator[Gateway]:
    gateway = Gateway(tmp_path)
    async with gateway.probe:
        gateway.probe.ready()
        yield gateway
        for task in gateway.tasks:
            task.cancel()
        await asyncio.gather(*gateway.tasks, return_exceptions=True)
        await gateway.source.close()


async def deaf(_run: Run) -> None:
    """Ignore the first cancellation, as a promise that never settles does."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


@pytest.mark.invariant(11)
async def test_what_is_alive_finishes_and_a_zombie_is_cleared_and_not_waited_for(gateway: Gateway) -> None:
    may_end = asyncio.Event()
    await gateway.begin("alive", lambda _run: may_end.wait())
    zombie = await gateway.begin("zombie", deaf, limit_s=0.01)
    zombie.queued(1)

    gateway.levers.when_cleared = may_end.set
    report = await gateway.probe.drain(60.0)

    assert (report.finished, report.cleared, report.left) == (("run-alive",), ("run-zombie",), ())
    assert gateway.levers.cleared == ["zombie/run-zombie"]
    look = await gateway.source.sample()
    assert look.vitals.phase is Phase.DRAINING
    assert look.sessions["zombie"].queued == 1, "the waiting message is still there"
    assert {name: n for name, n in look.counters.items() if name.startswith("drained")} == {
        "drained.finished": 1,
        "drained.cleared": 1,
        "drained.abandoned": 0,
    }


@pytest.mark.invariant(11)
async def test_a_drain_ends_in_time_and_says_what_was_left(gateway: Gateway) -> None:
    await gateway.begin("endless", lambda _run: asyncio.Event().wait())

    report = await gateway.probe.drain(0.01)

    assert report.left == ("run-endless",)


async def test_no_run_begins_while_the_gateway_drains(gateway: Gateway) -> None:
    await gateway.probe.drain(0.0)
    session = gateway.probe.session("late")

    with pytest.raises(DrainingError, match="run-late of late was not begun"):
        async with session.run("run-late"):
            pass
    assert session.current is None


async def test_the_agent_may_ask_for_a_drain_and_says_how_long(gateway: Gateway) -> None:
    await gateway.source.sample()
    action = Action(ActionKind.DRAIN, GATEWAY, "key-1", "by hand, somebody", Reason.ACTIVE, timeout_s=7.0)

    replies = [await gateway.source.act(action) for _ in range(2)]

    assert [reply.status for reply in replies] == [ReplyStatus.DONE] * 2
    assert gateway.levers.asked_s == [7.0], "a repeat of the key does nothing"
    assert ActionKind.DRAIN in gateway.source.capabilities


async def test_the_socket_says_what_still_runs(gateway: Gateway, tmp_path: Path) -> None:
    await gateway.begin("one", lambda _run: asyncio.Event().wait())
    reader, writer = await asyncio.open_unix_connection(tmp_path / "control")
    writer.write(b"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()

    assert (json.loads(answer)["runs"], json.loads(answer)["draining"]) == (1, False)


async def test_two_sessions_whose_runs_have_one_name_are_both_waited_for(gateway: Gateway) -> None:
    for key in ("a", "b"):
        await gateway.begin(key, lambda _run: asyncio.Event().wait(), run_id="same")

    assert (await gateway.probe.drain(0.01)).left == ("same", "same")


async def test_a_run_that_cleans_up_at_its_timeout_is_no_zombie(gateway: Gateway) -> None:
    async def saves_its_work(_run: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)

    await gateway.begin("tidy", saves_its_work, limit_s=0.05)
    report = await gateway.probe.drain(30.0)

    assert (report.finished, report.cleared) == (("run-tidy",), ())
