"""`livewatch run` beside the gateway as an operator starts it, and a diary of everything that it said."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livewatch.local_api.client import AgentUnreachable, ask
from tests.openclaw.gateway import OpenClaw
from tests.openclaw.operator import full

INTERVAL_S = 0.25
_ASKED_EVERY_S = 0.1
_WITHIN_S = 60.0
_UNKNOWN: dict[str, Any] = {"vitals": None, "attention": [], "sessions": {}, "last_actions": [], "counters": {}}
SICK = ("stalled", "stuck")


@dataclass(slots=True)
class Diary:
    """When each thing was first said, by the monotonic clock."""

    labels: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """By session: every label that it had."""
    actions: dict[tuple[str, str, str], float] = field(default_factory=dict[tuple[str, str, str], float])
    """Session, action, outcome."""
    states: dict[str, float] = field(default_factory=dict[str, float])
    """States of the gateway itself."""

    def note(self, status: dict[str, Any], at_s: float) -> None:
        """Take in one status document."""
        for row in status["attention"]:
            self.labels.setdefault(row["session"], {}).setdefault(f"{row['attention']}/{row['reason']}", at_s)
        for action in status.get("last_actions", ()):
            self.actions.setdefault((action["session"], action["action"], action["outcome"]), at_s)
        if status["vitals"]:
            self.states.setdefault(status["vitals"]["state"], at_s)

    def labels_of(self, session: str) -> dict[str, float]:
        """Return every label that a session had, with the time at which it was first shown."""
        return self.labels.get(full(session), {})

    def sick_s(self, session: str) -> float | None:
        """Return when a session was first called stalled or stuck."""
        return min((at_s for label, at_s in self.labels_of(session).items() if label.startswith(SICK)), default=None)

    def actions_on(self, session: str) -> dict[tuple[str, str], float]:
        """Return what was done to a session: action and outcome, with the time at which both were known."""
        return {(act, outcome): at_s for (key, act, outcome), at_s in self.actions.items() if key == full(session)}


@dataclass(slots=True)
class Livewatch:
    """One agent process."""

    gateway: OpenClaw
    process: "subprocess.Popen[bytes]"
    socket: Path
    diary: Diary = field(default_factory=Diary)

    async def status(self) -> dict[str, Any]:
        """Return the status document; a made-up empty one while no agent answers."""
        try:
            found = await asyncio.to_thread(ask, self.socket, "GET", "/v1/status")
        except AgentUnreachable:
            return _UNKNOWN
        self.diary.note(found, time.monotonic())
        return dict(found)

    async def keep_diary(self) -> None:
        """Ask for the status until cancelled."""
        while True:
            await self.status()
            await asyncio.sleep(_ASKED_EVERY_S)

    async def until(self, wanted: Callable[[], object], what: str, within_s: float = _WITHIN_S) -> None:
        """Return once ``wanted()`` is true, asked after each look into the diary."""
        ends_s = time.monotonic() + within_s
        while not await asyncio.to_thread(wanted):
            assert time.monotonic() < ends_s, f"{what} did not come true: {await self._state()}"
            await asyncio.sleep(_ASKED_EVERY_S)

    async def responsive(self, within_s: float = _WITHIN_S) -> None:
        """Return once it watches, and finds the gateway well."""

        async def well() -> bool:
            vitals = (await self.status())["vitals"]
            return bool(vitals and vitals["state"] == "responsive")

        await self.when(well, "a responsive gateway", within_s)

    async def when(self, wanted: Callable[[], Awaitable[object]], what: str, within_s: float = _WITHIN_S) -> None:
        """Return once the asynchronous question is answered with something true."""
        ends_s = time.monotonic() + within_s
        while not await wanted():
            assert time.monotonic() < ends_s, f"{what} did not come true: {await self._state()}"
            await asyncio.sleep(_ASKED_EVERY_S)

    async def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of livewatch that asks this agent."""
        return await run(self.gateway, *words, "--agent", str(self.socket))

    async def said(self, session: str) -> str:
        """Return what `livewatch explain` says of a session."""
        return (await self.command("explain", full(session))).stdout

    async def _state(self) -> str:
        return json.dumps({"status": await self.status(), "diary": str(self.diary)}, indent=1)


def environment(gateway: OpenClaw) -> dict[str, str]:
    """Return what makes livewatch find the gateway's configuration, and nothing of this user's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LIVEWATCH_")}
    return {**own, **{name: gateway.environment[name] for name in ("HOME", "OPENCLAW_STATE_DIR")}}


async def run(gateway: OpenClaw, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of livewatch to its end."""
    own = {f"LIVEWATCH_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "livewatch", *words]
    known = environment(gateway) | own
    return await asyncio.to_thread(subprocess.run, command, env=known, capture_output=True, text=True, check=False)


@asynccontextmanager
async def livewatch(
    gateway: OpenClaw, warn_s: float, abort_s: float, *, thresholds: str = "", **settings: str
) -> AsyncIterator[Livewatch]:
    """Run livewatch as long as the block lasts; it finds port and token itself, and ends well.

    ``thresholds`` is more of that table of the configuration file, in TOML; ``settings`` are variables.
    """
    socket, file = gateway.home / "agent", gateway.home / "livewatch.toml"
    file.write_text(f"[thresholds]\n{thresholds}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "livewatch", "run", "--source", "openclaw", "--interval", f"{INTERVAL_S * 1e3:g}ms"),
        *("--warn-after", f"{warn_s:g}s", "--abort-after", f"{abort_s:g}s", "--agent-socket", str(socket)),
        *("--state-dir", str(gateway.home / "livewatch"), "--config", str(file), "--wait"),
    ]
    scaled = {"MODE": "abort", "STARTUP_GRACE": "1ms", "RESUME_GRACE": "2s", "LOG_FORMAT": "json"} | settings
    known = environment(gateway) | {f"LIVEWATCH_{name}": value for name, value in scaled.items()}
    with (gateway.home / "livewatch.log").open("ab") as log:
        process = subprocess.Popen(command, env=known, stderr=log)  # noqa: ASYNC220 -- takes milliseconds
    agent = Livewatch(gateway, process, socket)
    writing = asyncio.create_task(agent.keep_diary())
    try:
        yield agent
        process.terminate()
        assert await asyncio.to_thread(process.wait) == 0
    finally:
        writing.cancel()
        process.kill()
        process.wait()
