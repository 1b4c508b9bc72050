"""The driver: starts a provider and a gateway, keeps them busy, breaks the gateway, and keeps score of the agent."""

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from livewatch.demo.child import end_child, start_child
from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState, DemoView
from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.inbound_client import InboundClient, InboundError
from livewatch.demo.injection import Injector
from livewatch.demo.provider_process import provider_process
from livewatch.demo.scale import BLOCK_S, THRESHOLDS
from livewatch.demo.visitors import Visitors
from livewatch.demo.watcher import Watcher
from livewatch_classifiers.report import TickListener
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import SICK

HEALTHY_SESSIONS = 52
Attach = Callable[[Path, Path, Thresholds, TickListener], AbstractAsyncContextManager[object]]
"""Attaches an agent to a board and a control socket for the length of a block, and lets the listener hear each tick."""

_START_S = 20.0
_REFRESH_S = 0.25
_SETTLE_IN_S = 3.0
_STAGGER_S = 0.4
_WATCH_AFTER_BLOCK_S = THRESHOLDS.abort_after_s
_LEAVE_S = 10.0
_SLOW = (Fault.SLOW_STREAM, Fault.LONG_TOOL, Fault.APPROVAL_WAIT)
_SOCKET_PATH_BYTES = 60
_DROP_LINE = "heartbeat dropped session="


class DemoError(Exception):
    """The demonstration could not begin; the text says what to do."""


async def run_demo(*, attach: Attach, view: DemoView, sessions: int = HEALTHY_SESSIONS) -> DemoResult:
    """Run the whole demonstration in a temporary folder and return the score; everything started is ended.

    Raises:
        DemoError: when the gateway does not start, or does not live and end as it must.
        asyncio.CancelledError: on SIGTERM, as on Ctrl-C, after everything was ended.
    """
    records = [FaultRecord(fault, None if fault is Fault.BLOCKED_LOOP else fault.value) for fault in Fault]
    watcher = Watcher(records)
    started_s = time.monotonic()
    try:
        async with _ending_on_sigterm(), _processes() as place, InboundClient(place.inbound) as client:
            visitors = Visitors(client, sessions)
            stage = _Stage(view, watcher, visitors, client, started_s)
            async with attach(place.board, place.socket, THRESHOLDS, watcher), stage.shown():
                visitors.start()
                await _act_out(stage, Injector(client, records))
            result = await _score(stage, started_s, place.log)
        view.finish(result)
    except InboundError as error:
        raise DemoError(f"the example gateway did not last: {error}") from error
    else:
        return result
    finally:
        view.close()


@dataclass(frozen=True, slots=True)
class _Place:
    board: Path
    socket: Path
    inbound: Path
    log: Path


class _Stage:
    """What the acts of the demonstration share, and the picture of it."""

    def __init__(
        self,
        view: DemoView,
        watcher: Watcher,
        visitors: Visitors,
        client: InboundClient,
        started_s: float,
    ) -> None:
        self.title = ""
        self.view = view
        self.watcher = watcher
        self.records = watcher.records
        self.visitors = visitors
        self.client = client
        self.problems: list[str] = []
        self._started_s = started_s

    def state(self) -> DemoState:
        """Return this moment."""
        now_s = time.monotonic()
        return DemoState(
            stage=self.title,
            elapsed_s=now_s - self._started_s,
            now_s=now_s,
            records=self.records,
            watcher=self.watcher,
            healthy_sessions=len(self.visitors.keys),
            healthy_turns_completed=self.visitors.turns_completed,
            messages_open=self.client.lost,
        )

    @contextlib.asynccontextmanager
    async def shown(self) -> AsyncGenerator[None]:
        """Keep the view fresh for the length of the block."""
        showing = asyncio.create_task(self._show(), name="view")
        try:
            yield
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)

    async def _show(self) -> None:
        while True:
            self.view.refresh(self.state())
            await asyncio.sleep(_REFRESH_S)


async def _act_out(stage: _Stage, injector: Injector) -> None:
    tasks: list[asyncio.Task[None]] = []
    try:
        await _acts(stage, injector, tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await stage.visitors.finish(0.0)


async def _acts(stage: _Stage, injector: Injector, tasks: list[asyncio.Task[None]]) -> None:
    stage.title = "healthy traffic"
    await asyncio.sleep(_SETTLE_IN_S)
    stage.title = "faults appear one after another"
    slow = [asyncio.create_task(injector.left_alone(fault)) for fault in _SLOW]
    tasks.extend(slow)
    for record in stage.records:
        if record.expected.repaired:
            tasks.append(asyncio.create_task(injector.repaired(record.fault)))
            await asyncio.sleep(_STAGGER_S)
    await asyncio.gather(*tasks[len(slow) :])
    stage.title = "the event loop is blocked"
    await injector.block(BLOCK_S)
    stage.title = "after the block: nobody may be blamed"
    await asyncio.sleep(_WATCH_AFTER_BLOCK_S)
    stage.title = "the slow ones finish"
    await stage.client.approve(Fault.APPROVAL_WAIT.value)
    await asyncio.gather(*slow)
    await stage.visitors.finish(_LEAVE_S)


async def _score(stage: _Stage, started_s: float, log: Path) -> DemoResult:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_S):
            await stage.client.settled()
    stats = await stage.client.stats()
    if stats["duplicated"]:
        stage.problems.append(f"the gateway answered {stats['duplicated']} messages twice")
    dropped = sum(stats["heartbeats_dropped"].values())
    logged = _logged_drops(log)
    if logged < dropped:
        stage.problems.append(f"{dropped} heartbeats were dropped, {logged} of them were logged")
    if not stage.watcher.ticks:
        stage.problems.append("the agent never reported a tick")
    for record in stage.records:
        record.problem = record.problem or _problem(record)
    return DemoResult(
        faults=stage.records,
        false_actions=stage.watcher.false_actions,
        false_blames=sorted(stage.watcher.false_blames),
        healthy_sessions=len(stage.visitors.keys),
        healthy_turns_completed=stage.visitors.turns_completed,
        healthy_turns_failed=stage.visitors.turns_failed,
        messages_sent=stage.client.sent,
        messages_lost=stage.client.lost,
        messages_duplicated=stage.client.duplicated,
        heartbeats=stats["heartbeats"],
        heartbeats_dropped=stats["heartbeats_dropped"],
        duration_s=time.monotonic() - started_s,
        problems=stage.problems,
    )


def _logged_drops(log: Path) -> int:
    return log.read_text(encoding="utf-8", errors="replace").count(_DROP_LINE)


def _problem(record: FaultRecord) -> str:
    """Return what the watcher saw of a fault that must not be, beyond what the injector found."""
    expected = record.expected
    if expected.repaired and record.detected_s is None:
        return f"never judged {expected.attention}/{expected.reason}"
    if expected.repaired and record.outcome != "recovered":
        return f"the last action, {record.action}, ended {record.outcome}"
    if expected.first is not None and expected.first not in record.seen:
        return f"was never {expected.first.value} before it was {record.attention}"
    if record.fault is Fault.BLOCKED_LOOP:
        if record.detected_s is None:
            return "the gateway was never seen to be unresponsive"
        return "" if record.stack else "the blocking stack was not recorded"
    if not expected.repaired and (record.action != "none" or record.attention in SICK):
        return f"was slow, not sick, yet was called {record.attention} and got {record.action}"
    return ""


@contextlib.asynccontextmanager
async def _ending_on_sigterm() -> AsyncGenerator[None]:
    """Cancel the current task on SIGTERM, so that children and files are cleaned up as on Ctrl-C."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


@contextlib.asynccontextmanager
async def _processes() -> AsyncGenerator[_Place]:
    """Run a provider and a gateway, each in a process of its own, in a temporary folder with a short path."""
    short = len(tempfile.gettempdir()) <= _SOCKET_PATH_BYTES  # a UNIX socket's path ends at 107 bytes
    with tempfile.TemporaryDirectory(prefix="livewatch-", dir=None if short else "/tmp") as name:  # noqa: S108 -- 0700
        folder = Path(name)
        place = _Place(folder / "board", folder / "control", folder / "inbound", folder / "gateway.log")
        async with provider_process() as url:
            argv = [sys.executable, "-m", "livewatch.cli.demo_gateway", "--end-with-stdin", "--sessions", "0"]
            argv += ["--provider", url, "--store", str(folder / "sessions")]
            argv += ["--board", str(place.board), "--socket", str(place.socket), "--inbound", str(place.inbound)]
            gateway = await start_child(argv, log=place.log)
            try:
                assert gateway.stdout is not None
                async with asyncio.timeout(_START_S):
                    announced = await gateway.stdout.readline()
                if not announced:
                    last = place.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                    raise DemoError(f"the example gateway did not start: {' '.join(last) or 'no reason given'}")
                yield place
            finally:
                code = await end_child(gateway)
            if code != 0:
                raise DemoError(f"the example gateway ended with exit code {code} instead of 0")
