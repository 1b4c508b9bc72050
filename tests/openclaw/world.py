"""A real gateway, somebody who uses it, and the table of what was measured: what every proof needs."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from tests.openclaw.gateway import BOOTS_WITHIN_S, OpenClaw
from tests.openclaw.livewatch import INTERVAL_S, Livewatch, livewatch
from tests.openclaw.operator import Operator
from tests.openclaw.table import Table
from tests.waiting import until

WARN_S, ABORT_S = 3.0, 6.0
PATIENT_WARN_S, PATIENT_ABORT_S = 6.0, 15.0
"""Where healthy work is beside the sick: on a slow machine the gateway itself may be silent for some seconds."""
REACHED_WITHIN_S = 150.0
"""Generous: the first turns of a gateway take long on a machine that does much else."""
_TITLE = f"seconds after the last sign of life, one run (warn {WARN_S:g} s, abort {ABORT_S:g} s, tick {INTERVAL_S:g} s)"


@dataclass
class World:
    """The gateway is started once for all tests; one that a test broke is mended before the next."""

    gateway: OpenClaw
    operator: Operator
    table: Table = field(default_factory=lambda: Table(_TITLE))

    def livewatch(
        self, warn_s: float = WARN_S, abort_s: float = ABORT_S, *, thresholds: str = "", **settings: str
    ) -> AbstractAsyncContextManager[Livewatch]:
        """Return an agent beside this gateway, as `tests.openclaw.livewatch.livewatch` starts it."""
        return livewatch(self.gateway, warn_s, abort_s, thresholds=thresholds, **settings)

    async def serves(self) -> None:
        """Return once the gateway serves and the operator is connected."""
        if self.gateway.process is None:
            self.gateway.start()
        await asyncio.to_thread(until, self.gateway.ready, "the gateway's health page", BOOTS_WITHIN_S)
        await self.operator.connect()

    async def clear(self) -> None:
        """End what a test left: a run that hangs on purpose holds a slot of the next test."""
        if self.operator.wire is None or self.operator.wire.closed:
            return
        for row in (await self.operator.ask("sessions.list", limit=1000))["sessions"]:
            if row.get("hasActiveRun"):
                await self.operator.wire.ask("sessions.abort", {"key": row["key"], "clearQueued": True})

    async def begun(self, message: str, within_s: float = REACHED_WITHIN_S) -> float:
        """Return when the provider was first asked for an answer to a message."""
        return await self._reached(message, "begun_s", within_s)

    async def answered(self, message: str, within_s: float = REACHED_WITHIN_S) -> float:
        """Return when the provider had answered a message to the end."""
        return await self._reached(message, "answered_s", within_s)

    async def lost(self, messages: list[str], within_s: float = REACHED_WITHIN_S) -> list[str]:
        """Return the messages that were not answered in time."""
        ends_s = time.monotonic() + within_s
        while missing := [name for name in messages if name not in await self._all("answered_s")]:
            if time.monotonic() >= ends_s:
                break
            await asyncio.sleep(0.2)
        return missing

    async def allow(self, runs: int) -> None:
        """Return once the lane `main` lets ``runs`` through at once."""
        self.gateway.allow(runs)

        async def taken_up() -> bool:
            lanes = (await self.operator.ask("diagnostics.lanes"))["lanes"]
            return any(lane["lane"] == "main" and lane["maxConcurrent"] == runs for lane in lanes)

        ends_s = time.monotonic() + 30.0
        while not await taken_up():
            assert time.monotonic() < ends_s, f"the gateway did not take up maxConcurrent {runs}"
            await asyncio.sleep(0.1)

    async def _reached(self, message: str, which: str, within_s: float) -> float:
        ends_s = time.monotonic() + within_s
        while message not in (found := await self._all(which)):
            assert time.monotonic() < ends_s, f"{message} not in {which} within {within_s:g} s"
            await asyncio.sleep(0.1)
        return found[message]

    async def _all(self, which: str) -> dict[str, float]:
        found: dict[str, float] = getattr(await asyncio.to_thread(self.gateway.messages), which)
        return found
