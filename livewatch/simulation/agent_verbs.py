"""What may happen to the agent, its sockets and levers in a script: one function per verb, from table to effect."""

from collections.abc import Callable

from livewatch.recovery.holds import OperatorHold
from livewatch.simulation.document import Table
from livewatch.simulation.plan import Turn
from livewatch.simulation.scenario import Effect
from livewatch.simulation.source import Cut, Dying
from livewatch.simulation.world import AgentDeath, World
from livewatch_classifiers.decision import ReplyStatus

_Turns = dict[str, Turn]


def _pause_agent(table: Table, _turns: _Turns) -> Effect:
    for_s = table.needed_duration("for")
    where = table.text("where", "between_ticks")
    places = ("between_ticks", "after_sample", "before_act")
    if where not in places:
        raise table.error("where", f"must be one of {', '.join(places)}, not {where!r}")

    def effect(world: World) -> None:
        if where == "after_sample":
            world.source.pause_after_sample_s = for_s
        elif where == "before_act":
            world.source.pause_before_act_s = for_s
        else:
            world.agent.paused_until_s = max(world.agent.paused_until_s, world.now_s + for_s)

    return effect


def _restart_agent(_table: Table, _turns: _Turns) -> Effect:
    def effect(world: World) -> None:
        world.agent.restart = True

    return effect


def _crash_agent(table: Table, _turns: _Turns) -> Effect:
    down_s = table.duration("for", 5.0) or 0.0
    where = table.text("where", "between_ticks")
    if where not in ("between_ticks", *(word.value for word in Dying)):
        raise table.error("where", f"must be between_ticks, before_act or after_act, not {where!r}")
    death = AgentDeath(None if where == "between_ticks" else Dying(where), down_s)

    def effect(world: World) -> None:
        world.agent.dies = death

    return effect


def _agent_late(table: Table, _turns: _Turns) -> Effect:
    by = table.span("by")
    if by is None:
        raise table.error("by", 'needs a duration or a pair, for example by = ["1.12s", "1.68s"]')
    for_s = table.duration("for")

    def effect(world: World) -> None:
        world.agent.lateness = by
        if for_s is not None:
            world.timeline.after(for_s, lambda: setattr(world.agent, "lateness", None))

    return effect


def _operator_hold(table: Table, _turns: _Turns) -> Effect:
    key = table.name("session", "sessions")
    for_s = table.needed_duration("for")
    return lambda world: world.agent.holds.hold(OperatorHold(key, world.clock.monotonic_s() + for_s))


def _break_levers(table: Table, _turns: _Turns) -> Effect:
    answer = table.word("answer", ReplyStatus, ReplyStatus.TIMED_OUT)
    for_s = table.duration("for")

    def effect(world: World) -> None:
        world.levers.broken = answer
        if for_s is not None:
            world.timeline.after(for_s, lambda: setattr(world.levers, "broken", None))

    return effect


def _cut_socket(table: Table, _turns: _Turns) -> Effect:
    where = table.word("where", Cut, Cut.REPLY)
    for_s, late_by_s = table.needed_duration("for"), table.duration("by", 60.0) or 0.0

    def effect(world: World) -> None:
        world.source.cut, world.source.late_by_s = where, late_by_s
        world.timeline.after(for_s, lambda: over(world))
        if where is Cut.LOOK:
            world.agent.pauses.append((world.now_s, world.now_s + for_s))

    def over(world: World) -> None:
        world.source.cut = None

    return effect


AGENT_VERBS: dict[str, Callable[[Table, _Turns], Effect]] = {
    "pause_agent": _pause_agent,
    "restart_agent": _restart_agent,
    "crash_agent": _crash_agent,
    "agent_late": _agent_late,
    "operator_hold": _operator_hold,
    "break_levers": _break_levers,
    "cut_socket": _cut_socket,
}
