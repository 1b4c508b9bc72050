"""What befalls random worlds from outside: the loop, the host, the process, the agent and its levers."""

from collections.abc import Callable
from random import Random

from livewatch.simulation.host import PauseKind
from livewatch.simulation.providers import Outage
from livewatch.simulation.runs import poke
from livewatch.simulation.scenario import Entry
from livewatch.simulation.sessions import Run, Session
from livewatch.simulation.world import World
from livewatch_classifiers.decision import Action, ReplyStatus
from livewatch_classifiers.vocabulary import StallCause

_STAYS_DEAD = 0.4
_Blow = Callable[[Random, list[str]], tuple[str, Callable[[World], None]]]


def misfortune(random: Random, keys: list[str], duration_s: float) -> list[Entry]:
    """Return a list of blows spread over the world's time; some worlds get many, some none."""
    pace_s = random.choice((0.0, 600.0, 1800.0, 7200.0))
    entries: list[Entry] = []
    if not pace_s:
        return entries
    at_s = random.expovariate(1 / pace_s)
    while at_s < duration_s:
        text, effect = random.choice(_BLOWS)(random, keys)
        entries.append(Entry(at_s, text, effect))
        at_s += random.expovariate(1 / pace_s)
    return entries


def _block(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s = random.choice((random.uniform(0.1, 5), random.uniform(5, 200)))
    cause = random.choice((StallCause.OWN_CODE, StallCause.GARBAGE_COLLECTION, StallCause.GIL))
    return f"loop blocked {for_s:.1f} s", lambda world: world.host.pause(PauseKind.BLOCK, for_s, cause=cause)


def _stop(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s = random.uniform(1, 600)
    return f"process stopped {for_s:.1f} s", lambda world: world.host.pause(
        PauseKind.STOP, for_s, cause=StallCause.STOPPED
    )


def _thrash(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s, agent_too = random.uniform(10, 600), random.random() < 0.5  # noqa: PLR2004 -- an even chance
    return f"host thrashes {for_s:.1f} s, agent too: {agent_too}", lambda world: world.host.pause(
        PauseKind.THRASH, for_s, cause=StallCause.HOST, agent_too=agent_too
    )


def _suspend(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s = random.uniform(10, 3000)
    return f"host sleeps {for_s:.1f} s", lambda world: world.host.pause(
        PauseKind.SUSPEND, for_s, cause=StallCause.SUSPEND, agent_too=True
    )


def _jump(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    by_s = random.uniform(-7200, 7200)
    return f"wall clock jumps {by_s:.0f} s", lambda world: world.clock.jump(by_s)


def _outage(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s = random.uniform(5, 60)
    return f"provider out {for_s:.0f} s", lambda world: world.gateway.providers.add(
        Outage("gpt", world.now_s, world.now_s + for_s)
    )


def _pause_agent(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    for_s = random.choice((random.uniform(0.001, 3), random.uniform(3, 600)))
    where = random.choice(("between", "after_sample", "before_act"))

    def effect(world: World) -> None:
        if where == "after_sample":
            world.source.pause_after_sample_s = for_s
        elif where == "before_act":
            world.source.pause_before_act_s = for_s
        else:
            world.agent.paused_until_s = world.now_s + for_s

    return f"agent paused {for_s:.2f} s {where}", effect


def _heal(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    """Dead runs come back by themselves at the worst moment: while the agent's action is on its way."""
    for_s, on_the_way_s = random.uniform(600, 7200), random.uniform(1, 10)

    def effect(world: World) -> None:
        def meet(action: Action) -> None:
            session = world.gateway.sessions.get(action.session)
            if session is None or session.run is None or world.random.random() < _STAYS_DEAD:
                return
            run = session.run
            world.source.pause_before_act_s = on_the_way_s
            world.timeline.after(on_the_way_s / 2, lambda: world.host.do(lambda: _resume(world, session, run)))

        world.source.on_act = meet
        world.timeline.after(for_s, lambda: setattr(world.source, "on_act", None))

    return f"for {for_s:.0f} s dead runs may come back while an action is on its way", effect


def _resume(world: World, session: Session, run: Run) -> None:
    if session.run is run and run.hung and not run.ended and run.abort_requested_s is None:
        world.gateway.alive(session, run, "resumed by itself")
        poke(world.gateway, session, run)


def _restart_agent(_random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    def effect(world: World) -> None:
        world.agent.restart = True

    return "agent restarts", effect


def _late(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    high_s, for_s = random.uniform(0.5, 5), random.uniform(60, 3600)

    def effect(world: World) -> None:
        world.agent.lateness = (0.1, high_s)
        world.timeline.after(for_s, lambda: setattr(world.agent, "lateness", None))

    return f"agent late by up to {high_s:.1f} s for {for_s:.0f} s", effect


def _hide(random: Random, keys: list[str]) -> tuple[str, Callable[[World], None]]:
    key = random.choice(keys)
    name = random.choice(("owner", "queued", "activity", "activity_owner", "in_store", "store", "id", "handle"))
    for_s = random.uniform(1, 300)

    def effect(world: World) -> None:
        session = world.gateway.sessions[key]
        session.hides.add(name)
        session.touch()

        def show() -> None:
            session.hides.discard(name)
            session.touch()

        world.timeline.after(for_s, show)

    return f"{name} of {key} hidden {for_s:.0f} s", effect


def _drift(random: Random, keys: list[str]) -> tuple[str, Callable[[World], None]]:
    key, by = random.choice(keys), random.choice((-1, 1))

    def effect(world: World) -> None:
        session = world.gateway.sessions[key]
        session.drift += by
        session.touch()

        def settle() -> None:
            session.drift -= by
            session.touch()

        world.timeline.after(60.0, settle)

    return f"queue depth of {key} wrong by {by} for a minute", effect


def _levers(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    answer = random.choice((ReplyStatus.TIMED_OUT, ReplyStatus.FAILED))
    for_s = random.uniform(5, 120)

    def effect(world: World) -> None:
        world.levers.broken = answer
        world.timeline.after(for_s, lambda: setattr(world.levers, "broken", None))

    return f"levers answer {answer.value} for {for_s:.0f} s", effect


def _restart(_random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    return "gateway restarts", lambda world: world.gateway.restart()


def _kill(random: Random, _keys: list[str]) -> tuple[str, Callable[[World], None]]:
    after_s = random.uniform(1, 60)

    def effect(world: World) -> None:
        world.host.gone = True
        world.timeline.after(after_s, world.gateway.restart)

    return "gateway is killed", effect


_BLOWS: tuple[_Blow, ...] = (
    _block,
    _block,
    _stop,
    _thrash,
    _suspend,
    _jump,
    _outage,
    _pause_agent,
    _pause_agent,
    _heal,
    _restart_agent,
    _late,
    _hide,
    _hide,
    _drift,
    _levers,
    _restart,
    _kill,
)
