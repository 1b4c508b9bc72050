"""What a new user sees first: three lines, and a doctor that finds nothing wrong."""

import json
import time

import pytest

from tests.openclaw.livewatch import run
from tests.openclaw.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(200)]


async def test_three_lines_and_the_sessions_are_seen(world: World) -> None:
    began_s = time.monotonic()
    async with world.livewatch(MODE="observe") as agent:
        message = await world.operator.say("first", "wish=trickle,0.5,12")

        async def seen() -> bool:
            return bool((await agent.status())["sessions"].get("total", 0) >= 1)

        await agent.when(seen, "the session", 30)
        world.table.notes.append(f"attached and a session seen after {time.monotonic() - began_s:.1f} s")
        await world.answered(message)


async def test_the_doctor_finds_nothing_wrong_and_says_who_acts_first(world: World) -> None:
    done = await run(world.gateway, "doctor", "--source", "openclaw", "--json", MODE="abort")
    checks = {check["check"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["OpenClaw"]["health"] == "ok", checks["OpenClaw"]
    assert "livewatch acts before, at 6m" in checks["own repairs"]["text"]
