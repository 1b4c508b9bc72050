"""What may happen on the time axis: one function per verb, from its table to its effect."""

from collections.abc import Callable

from livewatch.simulation.agent_verbs import AGENT_VERBS
from livewatch.simulation.document import Table, nearest
from livewatch.simulation.host import PauseKind
from livewatch.simulation.messages import MessageKind
from livewatch.simulation.plan import Turn
from livewatch.simulation.providers import Outage
from livewatch.simulation.scenario import Effect, Entry
from livewatch.simulation.session_verbs import SESSION_VERBS
from livewatch.simulation.turn_schema import turn_at
from livewatch.simulation.world import World
from livewatch_classifiers.vocabulary import Phase, StallCause

_Turns = dict[str, Turn]


def read_entry(table: Table, turns: _Turns) -> Entry:
    """Return one line of the script."""
    at_s = table.needed_duration("at")
    verb = str(table.need("do"))
    if verb not in VERBS:
        raise table.error("do", f"nothing is called {verb!r}{nearest(verb, VERBS)}")
    every_s, times = table.interval("every"), table.count("times")
    effect = VERBS[verb](table, turns)
    table.done()
    words = " ".join(f"{key}={value!r}" for key, value in table.rest().items() if key not in ("at", "do", "turn"))
    return Entry(at_s, f"{verb} {words}".strip(), effect, every_s, times)


def _message(table: Table, turns: _Turns) -> Effect:
    key = table.name("to", "sessions")
    turn = turn_at(table, "turn", turns)
    kind = table.word("kind", MessageKind, MessageKind.USER)
    count = table.count("count", 1) or 0

    def effect(world: World) -> None:
        for _ in range(count):
            world.gateway.send(key, turn, kind)

    return effect


def _pause(kind: PauseKind, cause: StallCause) -> Callable[[Table, _Turns], Effect]:
    def read(table: Table, _turns: _Turns) -> Effect:
        for_s = table.needed_duration("for")
        why = table.word("cause", StallCause, cause)
        stack = table.text("stack")
        agent_too = table.flag("agent_too", default=kind is PauseKind.SUSPEND)
        gasp_every_s, gasp_s = table.interval("gasp_every"), table.duration("gasp", 0.5) or 0.5

        def effect(world: World) -> None:
            if gasp_every_s is None:
                world.host.pause(kind, for_s, cause=why, stack=stack, agent_too=agent_too)
                return
            begin_s = 0.0
            while begin_s < for_s:
                length_s = min(gasp_every_s, for_s - begin_s)
                world.timeline.after(
                    begin_s,
                    lambda s=length_s: world.host.pause(kind, s, cause=why, stack=stack, agent_too=agent_too),  # type: ignore[misc]  # bound early
                )
                begin_s += gasp_every_s + gasp_s

        return effect

    return read


def _wall_jump(table: Table, _turns: _Turns) -> Effect:
    sign = -1.0 if table.flag("back") else 1.0
    by_s = table.needed_duration("by") * sign
    return lambda world: world.clock.jump(by_s)


_VITALS = {
    "loop_delay_max": "loop_delay_max_s",
    "loop_delay_p99": "loop_delay_p99_s",
    "loop_utilization": "loop_utilization",
    "cpu_cores": "cpu_cores",
    "rss_bytes": "rss_bytes",
    "memory_pressure": "memory_pressure",
    "io_pressure": "io_pressure",
    "swap_used": "swap_used",
    "major_faults_per_s": "major_faults_per_s",
}


def _vitals(table: Table, _turns: _Turns) -> Effect:
    for_s = table.duration("for")
    values: dict[str, float] = {}
    for key, name in _VITALS.items():
        value = table.duration(key) if key.startswith("loop_delay") else table.number(key)
        if value is not None:
            values[name] = int(value) if name.endswith("_bytes") else value

    def effect(world: World) -> None:
        world.host.overrides.update(values)
        if for_s is not None:
            world.timeline.after(for_s, lambda: over(world))

    def over(world: World) -> None:
        for name in values:
            world.host.overrides.pop(name, None)

    return effect


def _kill_process(table: Table, _turns: _Turns) -> Effect:
    restart = table.flag("restart", default=True)
    after_s = table.duration("after", 5.0) or 0.0

    def effect(world: World) -> None:
        world.host.gone = True
        if restart:
            world.timeline.after(after_s, world.gateway.restart)

    return effect


def _restart_gateway(_table: Table, _turns: _Turns) -> Effect:
    return lambda world: world.gateway.restart()


def _drain(table: Table, _turns: _Turns) -> Effect:
    """Serve nobody new; restart when all runs are over, or when the patience is."""
    patience_s = table.duration("patience")

    def effect(world: World) -> None:
        gateway = world.gateway
        gateway.phase = Phase.DRAINING
        restarts = gateway.restarts

        def look() -> None:
            if gateway.restarts != restarts:
                return
            if any(session.run is not None for session in gateway.sessions.values()):
                gateway.later(1.0, look)
            else:
                gateway.restart()

        look()
        if patience_s is not None:
            world.timeline.after(patience_s, lambda: gateway.restart() if gateway.restarts == restarts else None)

    return effect


def _outage(table: Table, _turns: _Turns) -> Effect:
    provider = table.text("provider", "*")
    for_s = table.needed_duration("for")
    calls = table.text("calls", "wait")
    if calls not in ("wait", "lost"):
        raise table.error("calls", f"must be wait or lost, not {calls!r}")

    def effect(world: World) -> None:
        world.gateway.providers.add(Outage(provider, world.now_s, world.now_s + for_s, lost=calls == "lost"))

    return effect


VERBS: dict[str, Callable[[Table, _Turns], Effect]] = {
    "message": _message,
    "block_loop": _pause(PauseKind.BLOCK, StallCause.OWN_CODE),
    "stop_process": _pause(PauseKind.STOP, StallCause.STOPPED),
    "thrash": _pause(PauseKind.THRASH, StallCause.HOST),
    "suspend": _pause(PauseKind.SUSPEND, StallCause.SUSPEND),
    "wall_jump": _wall_jump,
    "vitals": _vitals,
    "kill_process": _kill_process,
    "restart_gateway": _restart_gateway,
    "drain": _drain,
    "outage": _outage,
    **SESSION_VERBS,
    **AGENT_VERBS,
}
