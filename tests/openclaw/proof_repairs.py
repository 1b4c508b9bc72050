"""What hangs is ended and what waits behind it is answered, while whoever works beside it is left alone."""

import time

import pytest

from tests.openclaw.livewatch import SICK, Livewatch
from tests.openclaw.operator import full
from tests.openclaw.table import at
from tests.openclaw.world import PATIENT_ABORT_S, PATIENT_WARN_S, World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]
TOOL_ABORT_S = 20.0
DECLARED_S = 60
RECOVERED = ("abort_run", "recovered")
HUNG = {
    "hung": ("hung model call, a message behind it", "wish=hang"),
    "half": ("half an answer, then silence", "wish=half"),
    "tool-forever": ("tool that never settles, a message behind it", "wish=call,wait_forever"),
    "exec": ("foreground exec without a declared time", "wish=exec,sleep_110"),
}
QUEUED = ("hung", "tool-forever")
HEALTHY = {
    "trickle": ("slow: a token every 3 s", f"wish=trickle,{PATIENT_WARN_S / 2:g},14"),
    "crawl": ("slow: a token every 8 s", "wish=trickle,8,6"),
    "declared": (f"exec that declared {DECLARED_S} s and takes 35 s", f"wish=tool,{DECLARED_S},sleep_35"),
}


async def test_what_hangs_is_repaired_and_whoever_works_is_left_alone(world: World) -> None:
    tool = f'tool_abort_after = "{TOOL_ABORT_S:g}s"'
    # Four sick sessions of ten: the budget and the gate of the common cause are not what is tried here.
    await world.answered(await world.operator.say("warm", "wish=answer"))  # the first turn of a gateway takes long
    async with world.livewatch(PATIENT_WARN_S, PATIENT_ABORT_S, thresholds=tool, BLAST_SESSIONS_MIN="50") as agent:
        await agent.responsive()
        paused = await agent.command("hold", "--session", full("alone*"), "--for", "10m")
        assert paused.returncode == 0, paused.stderr
        say, sent = world.operator.say, dict[str, str]()
        await say("alone", "wish=hang")
        for name, (_, wish) in {**HUNG, **HEALTHY}.items():
            sent[name] = await say(name, wish)
        await say("errors", "wish=error,500")
        await say("agent:asker:main", "wish=tool,60,rm_x")
        quiet_s = {name: await world.begun(sent[name]) for name in HUNG}
        behind = {name: await say(name, "wish=answer is anybody there?") for name in QUEUED}
        unserved = await say("alone", "wish=answer is anybody there?")
        await agent.until(
            lambda: all(RECOVERED in agent.diary.actions_on(name) for name in HUNG), "every repair", 120.0
        )
        healthy = [sent[name] for name in HEALTHY]
        lost = await world.lost([*behind.values(), *healthy], 90.0)

        assert lost == []
        repaired = {key for key, _, _ in agent.diary.actions}
        assert repaired == {full(name) for name in HUNG}, agent.diary.actions
        for name in HEALTHY:
            assert not _sick(agent, name), name
        assert not [label for label in agent.diary.labels_of("errors") if label.startswith("stuck")]
        assert "long_running/awaiting_input" in agent.diary.labels_of("agent:asker:main")
        assert not _sick(agent, "agent:asker:main")
        began_s = {name: world.operator.prepared_s(name) or 0.0 for name in QUEUED}
        answered = world.gateway.messages().answered_s
        assert unserved not in answered
        for name in HUNG:
            labels = agent.diary.labels_of(name)
            worst = min((at_s, label) for label, at_s in labels.items() if label.startswith(SICK))
            acted_s = agent.diary.actions_on(name)[RECOVERED]
            got = f"{answered[behind[name]] - quiet_s[name]:.1f}" if name in behind else "-"
            world.table.add(
                HUNG[name][0],
                at(worst[1], worst[0] - quiet_s[name]),
                at("abort, recovered", acted_s - quiet_s[name]),
                got,
            )
            if name in behind:  # an outcome is what was seen: the message behind had begun
                assert began_s[name] <= acted_s
        for name in HEALTHY:
            shown = ", ".join(agent.diary.labels_of(name)) or "no label"
            world.table.add(HEALTHY[name][0], shown, answered="yes")
        alone_s = time.monotonic() - min(quiet_s.values())
        world.table.add("the first, OpenClaw alone (paused by a person)", "stalled", "nothing", f"not in {alone_s:.0f}")


async def test_what_repeats_is_named_with_its_remedy_and_aborted_only_when_asked(world: World) -> None:
    label = "stalled/repeated_model_requests_without_progress"
    async with world.livewatch() as agent:
        await agent.responsive()
        began_s = await world.begun(await world.operator.say("again", "wish=failing"))
        await agent.until(lambda: label in agent.diary.labels_of("again"), "the label of what repeats")
        said, shown_s = await agent.said("again"), agent.diary.labels_of("again")[label]
        assert not agent.diary.actions_on("again")
    assert "abort_repeating" in said, said
    async with world.livewatch(ABORT_REPEATING="true") as agent:
        await agent.until(lambda: RECOVERED in agent.diary.actions_on("again"), "the abort of what repeats")
    world.table.add(
        "failing tool for ever", at(label, shown_s - began_s), "only with abort_repeating: abort, recovered"
    )


async def test_a_heartbeat_behind_a_hung_run_is_counted_and_runs_again(world: World) -> None:
    async with world.livewatch() as agent:
        await agent.responsive()
        began_s = await world.begun(await world.operator.say("main", "wish=hang"))
        await world.operator.ask("wake", mode="now", text="are you well?")

        async def counted() -> bool:
            return bool((await agent.status())["counters"].get("heartbeats_dropped.run_active", 0) > 0)

        await agent.when(counted, "a dropped heartbeat")
        counted_s = time.monotonic() - began_s
        await agent.until(lambda: RECOVERED in agent.diary.actions_on("main"), "the repair")
        acted_s = agent.diary.actions_on("main")[RECOVERED] - began_s
    world.table.add("heartbeat behind a hung run", at("drop counted", counted_s), at("abort, recovered", acted_s))


def _sick(agent: Livewatch, name: str) -> list[str]:
    return [label for label in agent.diary.labels_of(name) if label.startswith(SICK)]
