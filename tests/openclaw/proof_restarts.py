"""What hangs across a restart is repaired after it: of livewatch, and of the gateway. The last of the proofs."""

import asyncio
import json
import signal
import time

import pytest

from tests.openclaw.livewatch import run
from tests.openclaw.table import at
from tests.openclaw.world import ABORT_S, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
RECOVERED = ("abort_run", "recovered")


async def test_a_run_that_hangs_while_livewatch_restarts_is_repaired(world: World) -> None:
    hung = await world.operator.say("before-us", "wish=hang")
    quiet_s = await world.begun(hung)
    waiting = await world.operator.say("before-us", "wish=answer is anybody there?")
    async with world.livewatch() as agent:
        began_s = time.monotonic()
        await agent.until(lambda: RECOVERED in agent.diary.actions_on("before-us"), "the repair", 120.0)
        acted_s = agent.diary.actions_on("before-us")[RECOVERED]
        assert await world.lost([waiting]) == []
    answered_s = world.gateway.messages().answered_s[waiting]
    world.table.add(
        "run that hung before livewatch was started, a message behind it",
        f"attached {began_s - quiet_s:.1f}",
        at("abort, recovered", acted_s - quiet_s),
        f"{answered_s - quiet_s:.1f}",
    )


async def test_an_approval_that_was_asked_for_before_livewatch_started_is_never_aborted(world: World) -> None:
    asker = "agent:asker:early"
    await world.begun(await world.operator.say(asker, "wish=tool,600,rm_x"))

    def asked() -> bool:
        return any(event == "exec.approval.requested" for _, event, _ in world.operator.events)

    await world.operator.until(asked, "the request for an approval")
    async with world.livewatch(thresholds=f'tool_abort_after = "{ABORT_S:g}s"') as agent:
        await agent.responsive()
        began_s = time.monotonic()
        await agent.until(lambda: time.monotonic() > began_s + 4 * ABORT_S, "the watch over the approval")
        assert not agent.diary.actions_on(asker)
    world.table.add(
        "approval asked for before livewatch was started", ", ".join(agent.diary.labels_of(asker)) or "no label"
    )


async def test_a_run_that_the_gateway_resumes_after_a_kill_and_that_hangs_is_repaired(world: World) -> None:
    async with world.livewatch() as agent:
        await agent.responsive()
        await world.begun(await world.operator.say("resumed", "wish=hang"))
        killed_s = time.monotonic()
        world.gateway.signal(signal.SIGKILL)
        await agent.until(lambda: "gone" in agent.diary.states, "the end of the gateway")
        gone_s = agent.diary.states["gone"] - killed_s
        before = dict(agent.diary.actions)
        world.gateway.end()
        await world.serves()
        await agent.responsive(120.0)
        assert agent.diary.actions == before  # nothing was invented of the time between
        waiting = await world.operator.say("resumed", "wish=answer is anybody there?")
        sent_s = time.monotonic()
        assert await world.lost([waiting]) == []
        answered_s = world.gateway.messages().answered_s[waiting] - sent_s
        done = agent.diary.actions_on("resumed")
    acted = ", ".join(at(f"{action}: {outcome}", at_s - sent_s) for (action, outcome), at_s in done.items())
    world.table.add(
        "kill -9 and a restart, the resumed run hangs",
        at("gone", gone_s),
        acted or "not needed: the next message replaced it",
        f"{answered_s:.1f} after it was sent",
    )


async def test_the_last_rung_asks_the_gateway_itself(world: World) -> None:
    async def taken() -> bool:
        done = await run(world.gateway, "restart-openclaw", "--json")
        return done.returncode == 0 and bool(json.loads(done.stdout)["status"])

    ends_s = time.monotonic() + 60.0
    while not await taken():
        assert time.monotonic() < ends_s, "the gateway does not take the request"
    wire = world.operator.wire
    assert wire is not None
    while not wire.closed:
        assert time.monotonic() < ends_s, "the gateway took the request and did not restart"
        await asyncio.sleep(0.1)
    await world.serves()
