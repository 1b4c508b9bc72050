"""What may happen to a session in a script: one function per verb, from its table to its effect."""

from collections.abc import Callable

from livewatch.simulation.aftermath import leave_behind
from livewatch.simulation.document import Table, nearest
from livewatch.simulation.gateway import Gateway
from livewatch.simulation.messages import MessageState
from livewatch.simulation.plan import Ending, Step, Turn
from livewatch.simulation.runs import poke
from livewatch.simulation.scenario import Effect
from livewatch.simulation.sessions import HIDEABLE, Run, Session
from livewatch.simulation.truth import Fault, hang_of
from livewatch.simulation.world import World
from livewatch_classifiers.decision import Action
from livewatch_classifiers.vocabulary import Presence, WaitKind

_Turns = dict[str, Turn]


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
        else:
            session.hidden_for_ever.update(names)

    def show(session: Session) -> None:
        session.hides.difference_update(set(names) - session.hidden_for_ever)
        session.touch()

    return _on_session(do)(table, turns)


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


SESSION_VERBS: dict[str, Callable[[Table, _Turns], Effect]] = {
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
    "board_full": _board_full,
}
