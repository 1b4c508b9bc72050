"""A gateway with the real probe and levers, and a real agent that watches it, both on the test's own loop."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from livewatch.configuration.load import load_settings
from livewatch.probe import Activity, DropReason, Levers, Probe, Refused, Run, Session
from livewatch.service import Service, attached
from tests.waiting import DEADLINE_S

_SETTINGS = """
[target]
name = "api"
board = "{folder}/board"
socket = "{folder}/control"
locks = "{folder}/locks"
[agent]
interval = "50ms"
agent_socket = "{folder}/agent"
state_dir = "{folder}/state"
record = "{folder}/recorded"
shadow = "{folder}/shadow.toml"
[thresholds]
warn_after = "300ms"
abort_after = "600ms"
zombie_grace = "300ms"
[recovery]
mode = "abort"
startup_grace = "0s"
resume_grace = "0s"
healthy_for = "0s"
force_clear_after = "500ms"
verify = "1s"
hold_bounds = {{ operator_hold = "200ms" }}
"""
_LOOK_EVERY_S = 0.02
_SHADOW = '[thresholds]\nwarn_after = "100ms"\nabort_after = "200ms"\n'


class StageLevers(Levers):
    """Everything can be pulled; what each lever does is chosen by the test."""

    def __init__(self) -> None:
        self.refuses: set[str] = set()
        self.breaks: set[str] = set()
        self.runs: dict[str, Run] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.drained = False

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        self._pull("abort_run", f"{run_id} {cause}")
        self.runs[session].abort_requested()
        self.tasks[session].cancel()
        return 1

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        self._pull("force_clear", cause)
        self.runs[session].session.forget_run(run_id, handle)
        self.tasks[session].cancel()
        return 1

    def release_lane(self, session: str, cause: str) -> int | None:
        self._pull("release_lane", f"{session}: {cause}")
        return None

    def drain(self, timeout_s: float) -> None:
        self._pull("drain", f"{timeout_s} s")
        self.drained = True

    def _pull(self, name: str, what: str) -> None:
        if name in self.refuses:
            raise Refused(f"stage: will not {name} {what}")
        if name in self.breaks:
            raise RuntimeError(f"{name} is broken")


class Stage:
    """The gateway, and the agent beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.levers = StageLevers()
        self.probe = Probe.open(folder / "board", folder / "control", levers=self.levers, capacity=16)
        self.service: Service
        self._sessions: list[Session] = []

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def agent(self) -> Path:
        return self.folder / "agent"

    def session(self, key: str, lane: str = "session") -> Session:
        """Return a session that stays."""
        session = self.probe.session(key, lane=lane, session_id=f"{key}-1")
        self._sessions.append(session)
        return session

    async def hang(self, key: str, *, tool: str = "", deaf: bool = False) -> Run:
        """Begin a run whose model or tool call never answers; a deaf one ignores that it is cancelled."""
        session, began = self.session(key), asyncio.Event()

        async def body() -> None:
            async with session.run(f"{key}-r1", timeout=3600.0) as run:
                self.levers.runs[key] = run
                with self._call(run, tool):
                    began.set()
                    await self._never(deaf=deaf)

        self.levers.tasks[key] = asyncio.create_task(body())
        await began.wait()
        return self.levers.runs[key]

    def _call(self, run: Run, tool: str) -> Activity:
        return run.tool_call(tool, allowance=1800.0) if tool else run.model_call("stage-model")

    async def _never(self, *, deaf: bool) -> None:
        never = asyncio.get_running_loop().create_future()
        while True:
            try:
                await asyncio.shield(never)
            except asyncio.CancelledError:
                if not deaf or self.levers.drained:
                    raise

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look again, while gateway and agent go on, until it is true."""
        deadline_s = time.monotonic() + DEADLINE_S
        while not await condition():
            assert time.monotonic() < deadline_s, f"{what}: not within {DEADLINE_S} s"
            await asyncio.sleep(_LOOK_EVERY_S)

    def population(self) -> None:
        """Let a session of each quiet kind exist."""
        self.session("idle").heartbeat_dropped(DropReason.LANE_BUSY)
        asked = self.session("asked", "main")
        asked.waiting("question", delivered=True, deadline=3600.0).__enter__()
        asked.in_store(known=True)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """Make a folder for sockets: pytest's own are too long for them."""
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        yield Path(name)


@pytest.fixture(name="stage")
async def fixture_stage() -> AsyncGenerator[Stage]:
    with short_folder() as folder:
        (folder / "locks").mkdir()
        (folder / "locks" / "a.jsonl.lock").write_text("{}", encoding="utf-8")
        (folder / "shadow.toml").write_text(_SHADOW, encoding="utf-8")
        config = folder / "livewatch.toml"
        config.write_text(_SETTINGS.format(folder=folder), encoding="utf-8")
        stage, stop = Stage(folder), asyncio.Event()
        async with stage.probe:
            stage.probe.ready()
            async with attached(load_settings(config, environ={})) as stage.service:
                watching = asyncio.create_task(stage.service.agent.run(stop))
                yield stage
                stop.set()
                await watching
            stage.levers.drained = True
            for task in stage.levers.tasks.values():
                task.cancel()
            await asyncio.gather(*stage.levers.tasks.values(), return_exceptions=True)
