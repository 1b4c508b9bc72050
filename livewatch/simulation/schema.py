"""Scenario files read and checked; every error names file, line and key."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from livewatch.configuration.load import ConfigError, build_section
from livewatch.recovery.settings import Policy
from livewatch.simulation.document import Document, ScenarioError, Table
from livewatch.simulation.expectations import read_expectation
from livewatch.simulation.plan import HeartbeatPlan, LanePlan, SessionPlan, Turn
from livewatch.simulation.scenario import Scenario
from livewatch.simulation.sessions import HIDEABLE
from livewatch.simulation.source import EVERYTHING
from livewatch.simulation.toml_text import Raw
from livewatch.simulation.turn_schema import read_turns, turn_at
from livewatch.simulation.verbs import read_entry
from livewatch.simulation.world import Cast, GatewayPlan, LockPlan
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind, LaneKind, Mode, Presence

DEFAULT_REPAIR_S = 20 * 60.0
_T = TypeVar("_T")
_KINDS_OF_SECTIONS = ("sessions", "lanes", "locks")


def load_scenario(path: Path) -> Scenario:
    """Return the scenario of a file.

    Raises:
        ScenarioError: with one line that names file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    return read_scenario(path, text)


def read_scenario(path: Path, text: str) -> Scenario:
    """Return the scenario that a text says; ``path`` is only for errors and its name.

    Raises:
        ScenarioError: with one line that names file, line and key.
    """
    return _scenario(Document(path, text))


def scenario_of(path: Path, raw: Raw) -> Scenario:
    """Return the scenario that tables say which nobody has written into a file yet.

    Raises:
        ScenarioError: with one line that names the key.
    """
    return _scenario(Document(path, "", raw))


def _scenario(document: Document) -> Scenario:
    path, top = document.path, document.top
    for kind in _KINDS_OF_SECTIONS:
        document.names[kind] = set(top.table(kind).keys())
    turns = read_turns(document)
    header, agent = _header(top), top.table("agent")
    scenario = Scenario(
        path=path,
        title=str(header["title"]),
        sources=top.texts("source"),
        incidents=top.texts("incidents"),
        kinds=top.texts("kinds"),
        note=top.text("note"),
        duration_s=top.needed_duration("duration"),
        seed=top.count("seed", 1) or 0,
        every_s=agent.duration("every", 1.0) or 1.0,
        coarse_s=agent.duration("coarse", 0.0) or 0.0,
        agents=_how_many(agent),
        remembers=agent.flag("remembers"),
        repair_within_s=_bound(top, "repair_within", DEFAULT_REPAIR_S),
        thresholds=_section(top, "thresholds", Thresholds()),
        policy=_section(top, "recovery", Policy(mode=Mode.ABORT)),
        cast=_cast(top, turns),
        script=tuple(read_entry(table, turns) for table in top.tables("script")),
        expectations=tuple(read_expectation(table, top.needed_duration("duration")) for table in top.tables("expect")),
    )
    agent.done()
    top.done()
    return scenario


def _header(top: Table) -> dict[str, object]:
    if not top.has("title"):
        raise top.document.error((), "needs the key 'title'")
    return {"title": top.text("title")}


def _how_many(agent: Table) -> int:
    count = agent.count("count", 1) or 0
    if count not in (1, 2):
        raise agent.error("count", "must be 1 or 2")
    return count


def _bound(table: Table, key: str, default: float) -> float:
    if table.has(key) and table.any(key) == "never":
        return float("inf")
    value = table.duration(key, default)
    return default if value is None else value


def _section(top: Table, name: str, default: _T) -> _T:
    table = top.table(name)
    values = table.rest()
    if name == "recovery" and "mode" not in values:
        values["mode"] = Mode.ABORT.value
    try:
        built: _T = build_section(name, values)
    except ConfigError as error:
        key = next((key for key in list(table.keys()) if f" {name}.{key}" in f" {error}" or key in str(error)), None)
        raise top.document.error((name,) if key is None else (name, key), str(error)) from error
    return built if values else default


def _cast(top: Table, turns: dict[str, Turn]) -> Cast:
    lanes = [_lane(name, table) for name, table in top.table("lanes").named_tables()]
    kinds = {lane.name: lane.kind for lane in lanes}
    sessions = [_session(key, table, turns, kinds) for key, table in top.table("sessions").named_tables()]
    locks = [_lock(path, table) for path, table in top.table("locks").named_tables()]
    return Cast(_gateway(top.table("gateway")), tuple(lanes), tuple(sessions), tuple(locks))


def _lane(name: str, table: Table) -> LanePlan:
    slots = table.count("slots", 1) or 0
    if slots < 1:
        raise table.error("slots", "must be at least 1")
    lane = LanePlan(name, table.word("kind", LaneKind, LaneKind.OTHER), slots)
    table.done()
    return lane


def _session(key: str, table: Table, turns: dict[str, Turn], lanes: dict[str, LaneKind]) -> SessionPlan:
    lane = table.name("lane", "lanes") if table.has("lane") else None
    hides = table.texts("hides")
    for name in hides:
        if name not in HIDEABLE:
            raise table.error("hides", f"cannot hide {name!r}; known: {', '.join(HIDEABLE)}")
    repair = table.text("repair", "lever")
    if repair not in ("lever", "person", "never"):
        raise table.error("repair", f"must be lever, person or never, not {repair!r}")
    heartbeat = table.table("heartbeat") if table.has("heartbeat") else None
    plan = SessionPlan(
        key=key,
        lane=lane,
        lane_kind=lanes.get(lane or "", LaneKind.SESSION),
        turn=turn_at(table, "turn", turns),
        hides=frozenset(hides),
        repair_within_s=_bound(table, "repair_within", -1.0) if table.has("repair_within") else None,
        repair_by_person=repair == "person",
        repair_never=repair == "never",
    )
    if heartbeat is not None:
        turn = turn_at(heartbeat, "turn", turns) or plan.turn
        if turn is None:
            raise heartbeat.error("turn", "a heartbeat needs a turn, here or as the session's own")
        beat = HeartbeatPlan(
            heartbeat.interval("every") or heartbeat.needed_duration("every"), turn, heartbeat.duration("first")
        )
        heartbeat.done()
        plan = replace(plan, heartbeat=beat)
    table.done()
    return plan


def _gateway(table: Table) -> GatewayPlan:
    can = table.texts("can")
    for word in can:
        table.as_word("can", word, ActionKind)
    plan = GatewayPlan(
        starts_in_s=table.duration("starts_in"),
        restart_takes_s=table.duration("restart_takes", 10.0) or 0.0,
        durable_queue=table.flag("durable_queue", default=True),
        redelivers=table.flag("redelivers"),
        stranded_by_restart=frozenset(table.texts("stranded_by_restart")),
        capabilities=frozenset(ActionKind(word) for word in can) if table.has("can") else EVERYTHING,
        sees_loop=table.flag("sees_loop", default=True),
    )
    table.done()
    return plan


def _lock(path: str, table: Table) -> LockPlan:
    plan = LockPlan(
        path=path,
        appears_s=table.duration("appears", 0.0) or 0.0,
        held_s=table.duration("held", 0.0) or 0.0,
        payload=table.word("payload", Presence, Presence.PRESENT),
        pid_alive=table.tri("pid_alive", default=True),
        start_time_matches=table.tri("start_time_matches", default=True),
        same_namespace=table.tri("same_namespace", default=True),
        holder=table.tri("holder", default=True),
    )
    table.done()
    return plan
