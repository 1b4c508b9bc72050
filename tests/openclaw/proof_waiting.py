"""Waiting is not silence: what waits for a slot or behind a held lane is never aborted, and never lost."""

import time

import psutil
import pytest

from tests.openclaw.livewatch import SICK, Livewatch
from tests.openclaw.operator import full
from tests.openclaw.table import at
from tests.openclaw.world import ABORT_S, PATIENT_ABORT_S, PATIENT_WARN_S, WARN_S, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
SLOTS_OF_MANY = 8
MANY = 100
WAIT_BOUND_S = 5.0
LONGER_S = 2.5 * ABORT_S
"""So long a healthy message waits, or a held lane is watched."""


async def test_a_message_that_waits_for_a_slot_is_answered_when_the_slot_comes(world: World) -> None:
    await world.allow(2)
    async with world.livewatch() as agent:
        await agent.responsive()
        words = int(LONGER_S / (WARN_S / 2)) + 1
        healthy = [
            await world.operator.say(name, f"wish=trickle,{WARN_S / 2:g},{words}") for name in ("slow-1", "slow-2")
        ]
        for message in healthy:
            await world.begun(message)
        sent_s = time.monotonic()
        waiting = await world.operator.say("third", "wish=answer")
        assert await world.lost([waiting, *healthy], LONGER_S + 40.0) == []
        waited_s = await world.begun(waiting) - sent_s

        assert waited_s > ABORT_S
        assert not agent.diary.actions
        assert not [label for label in agent.diary.labels_of("third") if label.startswith(SICK)]
        assert "long_running/lane_admission_wait" in agent.diary.labels_of("third")
        shown = ", ".join(agent.diary.labels_of("third")) or "no label"
    world.table.add("healthy message that waits for a slot", shown, answered=at("after its wait of", waited_s))


async def test_a_message_behind_a_held_lane_is_told_and_never_aborted(world: World) -> None:
    await world.answered(await world.operator.say("held", "wish=answer"))
    bound = f'wait_bounds = {{ lane_admission = "{WAIT_BOUND_S:g}s" }}'  # 30 min by default
    async with world.livewatch(thresholds=bound) as agent:
        await agent.responsive()
        key = full("held")
        await world.operator.ask("faults.hold-lane", sessionKey=key)
        began_s = time.monotonic()
        message = await world.operator.say("held", "wish=answer is anybody there?")
        await agent.until(lambda: agent.diary.sick_s("held"), "a label that a person is told")
        tried = await agent.command("recover", key, "--action", "abort_run", "--yes")
        await agent.until(lambda: time.monotonic() > began_s + LONGER_S, "the watch over the held lane")
        lane, said = await world.operator.ask("faults.lane", sessionKey=key), await agent.said("held")
        shown_s = (agent.diary.sick_s("held") or 0.0) - began_s

        assert not [outcome for _, outcome in agent.diary.actions_on("held") if outcome == "recovered"]
        assert tried.returncode not in (0, 2), tried.stdout + tried.stderr
        assert lane == {"active": 1, "queued": 1}
        assert "person" in said
        assert message not in world.gateway.messages().begun_s

        await world.operator.ask("faults.free-lane", sessionKey=key)
        second = await world.operator.say("held", "wish=answer and now?")  # what comes next sets the lane going
        assert await world.lost([message, second]) == []
        assert not agent.diary.actions_on("held")
        label = min((at_s, label) for label, at_s in agent.diary.labels_of("held").items() if label.startswith(SICK))[1]
    world.table.add("held session lane, a message behind it", at(label, shown_s), answered="once the lane is free")


async def test_a_hundred_healthy_sessions_over_eight_slots_are_all_answered(world: World) -> None:
    await world.allow(SLOTS_OF_MANY)
    async with world.livewatch(PATIENT_WARN_S, PATIENT_ABORT_S) as agent:
        await agent.responsive()
        process = psutil.Process(agent.process.pid)
        before, began_s = process.cpu_times(), time.monotonic()
        messages = [await world.operator.say(f"many-{number}", "wish=trickle,0.4,5") for number in range(MANY)]
        lost = await world.lost(messages, 240.0)
        after, took_s = process.cpu_times(), time.monotonic() - began_s
        cpu = (after.user + after.system - before.user - before.system) / took_s
        sick = [key for key in agent.diary.labels if "many-" in key and agent.diary.sick_s(key) is not None]

        assert lost == []
        assert not agent.diary.actions
        assert sick == []
        memory_mib, ping_s = process.memory_info().rss >> 20, (await _ping_s(agent))
    events = sum(at_s >= began_s for at_s, _, _ in world.operator.events) / took_s
    world.table.add(f"{MANY} healthy sessions over {SLOTS_OF_MANY} slots", "none sick", answered=f"{MANY} of {MANY}")
    world.table.notes.append(
        f"{MANY} sessions over {SLOTS_OF_MANY} slots, {took_s:.0f} s: livewatch {cpu:.0%} of a core, {memory_mib} MiB,"
        f" {events:.0f} events a second, ping {ping_s:.3f} s"
    )


async def _ping_s(agent: Livewatch) -> float:
    return float(((await agent.status())["vitals"] or {}).get("round_trip_s") or 0.0)
