"""Bookkeeping that no provider can break: a turn before its model call, and a run that nobody serves."""

import time

import pytest

from tests.openclaw.livewatch import SICK
from tests.openclaw.operator import full
from tests.openclaw.table import at
from tests.openclaw.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
PREPARES_S = 6.0
GRACE_S = 30.0
"""After an abort OpenClaw 2026.9.6 frees the lane of a run that does not end, so much later."""


async def test_a_turn_stuck_before_its_model_is_not_recovered_before_what_waits_has_begun(world: World) -> None:
    await world.answered(await world.operator.say("zombie", "wish=answer"))
    async with world.livewatch(thresholds=f'allowances = {{ preparation = "{PREPARES_S:g}s" }}') as agent:
        await agent.responsive()
        began_s = time.monotonic()
        await world.operator.say("zombie", "fault=stuck-before-model")
        await world.operator.until(lambda: (world.operator.prepared_s("zombie") or 0.0) > began_s, "the stuck turn")
        waiting = await world.operator.say("zombie", "wish=answer is anybody there?")
        await world.begun(waiting, 5 * GRACE_S)
        begun_s = world.operator.prepared_s("zombie") or 0.0  # of the run of what waited, the latest
        assert await world.lost([waiting]) == []
        early = [act for act, at_s in agent.diary.actions_on("zombie").items() if "recovered" in act and at_s < begun_s]
        sick = sorted(
            (at_s, label) for label, at_s in agent.diary.labels_of("zombie").items() if label.startswith(SICK)
        )
        acted = dict(agent.diary.actions_on("zombie"))

        assert sick
        assert early == []
        assert "abort_run" in {action for action, _ in acted}, acted
    outcomes = ", ".join(at(f"{action}: {outcome}", at_s - began_s) for (action, outcome), at_s in acted.items())
    world.table.add(
        "turn stuck before its model call, a message behind it",
        at(sick[0][1], sick[0][0] - began_s),
        outcomes,
        f"{begun_s - began_s:.1f} (OpenClaw's grace)",
    )


async def test_a_run_that_nobody_serves_is_told_and_the_next_message_replaces_it(world: World) -> None:
    await world.answered(await world.operator.say("orphan", "wish=answer"))
    rows = (await world.operator.ask("sessions.list"))["sessions"]
    identity = next(row["sessionId"] for row in rows if row["key"] == full("orphan"))
    async with world.livewatch() as agent:
        await agent.responsive()
        began_s = time.monotonic()
        await world.operator.ask(
            "faults.orphan-run", sessionKey=full("orphan"), sessionId=identity, runId="nobody-serves-it"
        )
        await agent.until(lambda: agent.diary.sick_s("orphan"), "a label that a person is told")
        shown = min((at_s, label) for label, at_s in agent.diary.labels_of("orphan").items() if label.startswith(SICK))
        said = await agent.said("orphan")
        message = await world.operator.say("orphan", "wish=answer")
        assert await world.lost([message]) == []
        assert "person" in said, said
        assert not agent.diary.actions_on("orphan")
    world.table.add(
        "run that nobody serves (orphan)", at(shown[1], shown[0] - began_s), "told", "the next message, at once"
    )
