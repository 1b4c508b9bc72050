"""What may happen on the time axis: one function per verb, from its table to its effect."""

from collections.abc import Callable

from livewatch.recovery.holds import OperatorHold
from livewatch.simulation.aftermath import leave_behind
from livewatch.simulation.document import Table, nearest
from livewatch.simulation.gateway import Gateway
from livewatch.simulation.host import PauseKind
from livewatch.simulation.messages import MessageKind, MessageState
from livewatch.simulation.plan import Ending, Step, Turn
from livewatch.simulation.providers import Outage
from livewatch.simulation.runs import poke
from livewatch.simulation.scenario import Effect, Entry
from livewatch.simulation.sessions import HIDEABLE, Run, Session
from livewatch.simulation.source import Cut, Dying
from livewatch.simulation.truth import Fault, hang_of
from livewatch.simulation.turn_schema import turn_at
from livewatch.simulation.world import AgentDeath, World
from livewatch_classifiers.decision import Action, ReplyStatus
from livewatch_classifiers.vocabulary import Phase, Presence, StallCause, WaitKind

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


def _on_session(do: Callable[[Gateway, Session], None]) -> Callable[[Table, _Turns], Effect]:
    def read(table: Table, _turns: _Turns) -> Effect:
        key = table.name("session", "sessions")

        def effect(world: World) -> None:
            session = world.gateway.sessions.get(key)
            if session is not None:
                world.host.do(lambda: do(world.gateway, session))

        return effect

    return read


def _hang(table: Table, turns: _Turns) -> Effect:
    at_work = table.flag("at_work")

    def do(gateway: Gateway, session: Session) -> None:
        run = session.run
        if run is None or run.ended or run.hung or (at_work and session.wait is not None):
            return
        run.token += 1
        step: Step | None = run.step
        gateway.dead(session, run, hang_of(step.kind if step else None), gateway.now_s)
        session.stops_working(gateway.mono_s())

    return _on_session(do)(table, turns)


def _resume(gateway: Gateway, session: Session) -> None:
    if session.run is not None:
        gateway.alive(session, session.run, "resumed by itself")
        poke(gateway, session, session.run)


def _progress(gateway: Gateway, session: Session) -> None:
    if session.run is not None:
        gateway.moved(session, session.run, counted=True)


def _deliver(gateway: Gateway, session: Session) -> None:
    if session.wait is not None and session.run is not None:
        session.wait.delivered = Presence.PRESENT
        session.touch()
        gateway.alive(session, session.run, "delivered")


def _lose_owner(gateway: Gateway, session: Session) -> None:
    """The run's owner dies; what it was doing stays in the books."""
    _end(gateway, session, Ending.ORPHANS_ACTIVITY_PROCESSING)


def _forget_child(gateway: Gateway, session: Session) -> None:
    """The runtime no longer knows the awaited child."""
    wait, run = session.wait, session.run
    if wait is not None and wait.kind is WaitKind.SUBAGENT and run is not None:
        wait.child_forgotten = True
        session.touch()
        gateway.dead(session, run, Fault.LOST_WAKE, gateway.now_s)


def _reset(gateway: Gateway, session: Session) -> None:
    """A new incarnation takes the key; the old run is over."""
    if session.run is not None:
        gateway.finish(session, session.run, MessageState.INTERRUPTED, "reset")
    session.incarnation += 1
    gateway.truth.mend(session.key, gateway.now_s, "reset")
    gateway.clear(session)
    session.progress_s = None
    gateway.pump(session)


_COMES_BACK = 0.6
"""Share of dead runs that come back while an action is on its way to them."""


def _second_wind(table: Table, _turns: _Turns) -> Effect:
    """Dead runs come back by themselves at the worst moment: while the agent's action is on its way."""
    for_s, on_the_way_s = table.needed_duration("for"), table.needed_duration("on_the_way")

    def effect(world: World) -> None:
        def meet(action: Action) -> None:
            session = world.gateway.sessions.get(action.session)
            if session is None or session.run is None or world.random.random() >= _COMES_BACK:
                return
            run = session.run
            world.source.pause_before_act_s = on_the_way_s
            world.timeline.after(on_the_way_s / 2, lambda: world.host.do(lambda: _come_back(world, session, run)))

        world.source.on_act = meet
        world.timeline.after(for_s, lambda: setattr(world.source, "on_act", None))

    return effect


def _come_back(world: World, session: Session, run: Run) -> None:
    if session.run is run and run.hung and not run.ended and run.abort_requested_s is None:
        _progress(world.gateway, session)  # what comes back unseen cannot be told from what stays dead
        _resume(world.gateway, session)


def _end(gateway: Gateway, session: Session, ending: Ending) -> None:
    run = session.run
    if run is None:
        return
    state = MessageState.ANSWERED if ending is Ending.KEEPS_LANE else MessageState.FAILED
    gateway.finish(session, run, state, "ended by itself")
    run.message.deaf = True
    leave_behind(gateway, session, run, ending)
    gateway.pump(session)


def _end_run(table: Table, turns: _Turns) -> Effect:
    ending = table.word("how", Ending, Ending.CLEAN)
    return _on_session(lambda gateway, session: _end(gateway, session, ending))(table, turns)


def _drift(table: Table, turns: _Turns) -> Effect:
    by, for_s = table.count("by", 1) or 0, table.duration("for")

    def do(gateway: Gateway, session: Session) -> None:
        session.drift += by
        session.touch()
        if for_s is not None:
            gateway.host.timeline.after(for_s, lambda: settle(session))

    def settle(session: Session) -> None:
        session.drift -= by
        session.touch()

    return _on_session(do)(table, turns)


def _freeze_markers(table: Table, turns: _Turns) -> Effect:
    for_s = table.duration("for")

    def do(gateway: Gateway, session: Session) -> None:
        session.frozen_until_s = float("inf") if for_s is None else gateway.now_s + for_s

    return _on_session(do)(table, turns)


def _hide(table: Table, turns: _Turns) -> Effect:
    names = table.texts("what")
    for name in names:
        if name not in HIDEABLE:
            raise table.error("what", f"cannot hide {name!r}{nearest(name, HIDEABLE)}")
    for_s = table.duration("for")

    def do(gateway: Gateway, session: Session) -> None:
        session.hides.update(names)
        session.touch()
        if for_s is not None:
            gateway.host.timeline.after(for_s, lambda: show(session))

    def show(session: Session) -> None:
        session.hides.difference_update(names)
        session.touch()

    return _on_session(do)(table, turns)


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


def _board_full(table: Table, _turns: _Turns) -> Effect:
    key, for_s = table.name("session", "sessions"), table.needed_duration("for")

    def effect(world: World) -> None:
        session = world.gateway.sessions[key]
        session.without_slot += 1
        session.unseen_s.append((world.now_s, world.now_s + for_s))
        world.timeline.after(for_s, lambda: over(session))

    def over(session: Session) -> None:
        session.without_slot -= 1

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
    "hang": _hang,
    "resume": _on_session(_resume),
    "second_wind": _second_wind,
    "progress": _on_session(_progress),
    "answer": _on_session(_resume),
    "wake": _on_session(_resume),
    "deliver": _on_session(_deliver),
    "lose_owner": _on_session(_lose_owner),
    "forget_child": _on_session(_forget_child),
    "reset": _on_session(_reset),
    "end_run": _end_run,
    "drift": _drift,
    "freeze_markers": _freeze_markers,
    "hide": _hide,
    "pause_agent": _pause_agent,
    "restart_agent": _restart_agent,
    "crash_agent": _crash_agent,
    "agent_late": _agent_late,
    "operator_hold": _operator_hold,
    "break_levers": _break_levers,
    "cut_socket": _cut_socket,
    "board_full": _board_full,
}
