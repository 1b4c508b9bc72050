"""A gateway that cannot run costs nobody anything: stopped, or its loop blocked by a plugin."""

import asyncio
import signal
import time

import pytest

from tests.openclaw.table import at
from tests.openclaw.world import PATIENT_ABORT_S, PATIENT_WARN_S, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(200)]
STOPPED_S = 20.0
BLOCKED_S = 10.0
RECOVERED = ("abort_run", "recovered")


async def test_a_stopped_gateway_is_frozen_and_its_time_is_counted_against_nobody(world: World) -> None:
    async with world.livewatch(PATIENT_WARN_S, PATIENT_ABORT_S) as agent:
        await agent.responsive()
        healthy = await world.operator.say("through", "wish=trickle,1,30")
        hung = await world.operator.say("stopped-hung", "wish=hang")
        quiet_s = await world.begun(hung)
        await world.begun(healthy)
        stopped_s = time.monotonic()
        world.gateway.signal(signal.SIGSTOP)
        await agent.until(lambda: time.monotonic() >= stopped_s + STOPPED_S, "the end of the stop")
        world.gateway.signal(signal.SIGCONT)
        frozen_s = agent.diary.states.get("frozen")
        await agent.until(lambda: RECOVERED in agent.diary.actions_on("stopped-hung"), "the repair")
        acted_s = agent.diary.actions_on("stopped-hung")[RECOVERED]

        assert frozen_s is not None
        assert acted_s - quiet_s >= PATIENT_ABORT_S + STOPPED_S - 2.0
        assert await world.lost([healthy], 90.0) == []
        assert not agent.diary.actions_on("through")
    world.table.add(
        f"SIGSTOP {STOPPED_S:g} s, a hung and a streaming run",
        at("frozen", frozen_s - stopped_s),
        f"the hung one {acted_s - quiet_s:.1f}, of which {STOPPED_S:g} s are not counted",
        "the streaming one",
    )


async def test_a_loop_that_a_plugin_blocks_is_unresponsive_and_nobody_is_blamed(world: World) -> None:
    async with world.livewatch() as agent:
        await agent.responsive()
        healthy = await world.operator.say("beside", "wish=trickle,1,16")
        await world.begun(healthy)
        began_s = time.monotonic()
        await _block(world)
        await agent.until(lambda: "unresponsive" in agent.diary.states, "an unresponsive gateway", BLOCKED_S + 5.0)
        seen_s = agent.diary.states["unresponsive"] - began_s
        assert await world.lost([healthy], 90.0) == []
        assert not agent.diary.actions
        assert agent.diary.sick_s("beside") is None
    world.table.add(f"loop blocked {BLOCKED_S:g} s", at("unresponsive", seen_s), answered="the streaming one")


async def _block(world: World) -> None:
    """Ask for the block and do not wait for its answer, which comes after it."""
    asking = asyncio.create_task(world.operator.ask("faults.block-loop", ms=int(BLOCKED_S * 1e3)))
    asking.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.sleep(0.1)
