"""Random worlds: healthy and faulty work mixed, hosts that misbehave, an agent that does; only invariants are checked.

Healthy silence stays within what the default limits promise to leave alone (a silent model call ends within 5 min, a
silent tool within 14, or it declares more, or it can be seen to work); everything else is fair game.
"""

from dataclasses import replace
from pathlib import Path
from random import Random

from livewatch.recovery.settings import Policy
from livewatch.simulation.invariants import broken_invariants
from livewatch.simulation.plan import AbortWay, Ending, HeartbeatPlan, LanePlan, SessionPlan, Step, TimeoutWay, Turn
from livewatch.simulation.random_misfortune import misfortune
from livewatch.simulation.record import Record
from livewatch.simulation.runner import Run, collect, run_virtual
from livewatch.simulation.scenario import Entry, Scenario
from livewatch.simulation.watching import AgentWatch
from livewatch.simulation.world import Cast, World
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Mode, WaitKind

REPAIR_WITHIN_S = 45 * 60.0
"""Bound in random worlds: a tool's 15 min, then every rung of the ladder with its grace, host troubles in between."""
COARSE_S = (10.0, 30.0, 60.0)
"""Intervals of the agent while everybody is well; sick sessions are looked at every second, as in production."""


def run_random_world(seed: int, hours: float) -> Run:
    """Run one random world under livewatch and check the invariants."""
    scenario = random_scenario(seed, hours)
    world = scenario.world()
    record = Record(duration_s=scenario.duration_s)
    run_virtual(_watch(world, record, scenario))
    collect(world, record)
    failures = broken_invariants(record, scenario.cast, scenario.policy, scenario.repair_within_s)
    return Run(scenario, "livewatch", record, tuple(failures))


def random_scenario(seed: int, hours: float) -> Scenario:
    """Return the world of a seed."""
    random = Random(seed)  # noqa: S311 -- a reproducible world, not a secret
    duration_s = hours * 3600.0
    lanes = (LanePlan("main", LaneKind.MAIN, random.randint(2, 6)), LanePlan("cron", LaneKind.CRON, 2))
    keys = [f"s{number}" for number in range(random.randint(2, 7))]
    sessions = [_session(random, key) for key in keys]
    child = SessionPlan("child")
    script: list[Entry] = []
    for plan in sessions:
        script += _traffic(random, plan.key, duration_s)
    script += misfortune(random, keys, duration_s)
    return Scenario(
        path=Path(f"seed-{seed}"),
        title=f"random world {seed}",
        sources=(),
        incidents=(),
        kinds=(),
        note="",
        duration_s=duration_s,
        seed=seed,
        every_s=1.0,
        repair_within_s=REPAIR_WITHIN_S,
        thresholds=Thresholds(),
        policy=Policy(mode=Mode.ABORT),
        cast=Cast(lanes=lanes, sessions=(*sessions, child)),
        script=tuple(sorted(script, key=lambda entry: entry.at_s)),
        expectations=(),
    )


async def _watch(world: World, record: Record, scenario: Scenario) -> None:
    watch = AgentWatch(
        world,
        record,
        thresholds=scenario.thresholds,
        policy=scenario.policy,
        every_s=scenario.every_s,
        coarse_s=world.random.choice(COARSE_S),
    )
    await watch.run(record.duration_s)


def _session(random: Random, key: str) -> SessionPlan:
    lane = random.choice((None, None, "main", "cron"))
    kind = {"main": LaneKind.MAIN, "cron": LaneKind.CRON, None: LaneKind.SESSION}[lane]
    heartbeat = None
    if random.random() < 0.3:  # noqa: PLR2004 -- a share
        beat = Turn((Step(ActivityKind.MODEL_CALL, "gpt", takes=(5.0, 40.0), progress_s=3.0),))
        heartbeat = HeartbeatPlan(random.choice((900.0, 1800.0)), beat, random.uniform(0, 900))
    return SessionPlan(key, lane=lane, lane_kind=kind, heartbeat=heartbeat)


def _traffic(random: Random, key: str, duration_s: float) -> list[Entry]:
    entries: list[Entry] = []
    at_s = random.uniform(0, 1200)
    pace_s = random.choice((300.0, 900.0, 3600.0))
    while at_s < duration_s:
        turn = _turn(random)
        entries.append(_message(at_s, key, turn))
        at_s += random.expovariate(1 / pace_s)
    return entries


def _message(at_s: float, key: str, turn: Turn) -> Entry:
    last = turn.steps[-1]
    words = f"{last.kind.value if last.kind else last.wait} {'hangs' if last.hangs else ''}, {turn.ends.value}"

    def effect(world: World) -> None:
        world.gateway.send(key, turn)

    return Entry(at_s, f"message to {key}: {len(turn.steps)} steps, last {words}", effect)


def _turn(random: Random) -> Turn:
    steps = tuple(_healthy(random) for _ in range(random.randint(1, 5)))
    if random.random() > 0.06:  # noqa: PLR2004 -- a share
        return Turn(steps, timeout_s=random.choice((None, None, 48 * 3600.0)))
    fault = random.random()
    if fault < 0.5:  # noqa: PLR2004 -- a share
        abort = random.choice((AbortWay.SETTLES, AbortWay.SETTLES, AbortWay.IGNORED, AbortWay.LIES))
        return Turn((*steps, replace(_dead(random), abort=abort)))
    if fault < 0.65:  # noqa: PLR2004 -- a share
        step = Step(ActivityKind.MODEL_CALL, "gpt", hangs=True)
        return Turn((step,), timeout_s=random.uniform(60, 600), on_timeout=TimeoutWay.ZOMBIE)
    return Turn(steps, ends=random.choice([e for e in Ending if e is not Ending.ORPHANS_ACTIVITY_PROCESSING]))


def _healthy(random: Random) -> Step:
    model, tool = ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL
    choices = (
        Step(model, "gpt", takes=(2.0, 90.0), progress_s=random.choice((1.5, 4.0, 15.0))),
        Step(model, "gpt", takes=(2.0, 90.0), progress_s=3.0),
        Step(model, "thinker", takes=(10.0, 300.0)),
        Step(model, "local", takes=(60.0, 1100.0), declares_s=1200.0),
        Step(model, "cli", takes=(60.0, 1500.0), counted=False, works_s=5.0),
        Step(model, "slow", takes=(300.0, 1500.0), progress_s=60.0),
        Step(model, "gpt", takes=(5.0, 20.0), attempts=random.randint(1, 3), attempt=(1.0, 20.0), backoff=(2.0, 60.0)),
        Step(tool, "read", takes=(0.1, 3.0)),
        Step(tool, "exec", takes=(1.0, 800.0), touches_s=30.0),
        Step(tool, "build", takes=(300.0, 3000.0), works_s=4.0),
        Step(tool, "wait", takes=(300.0, 2300.0), declares_s=2400.0),
        Step(tool, "poll", repeats_s=10.0, times=15),
        Step(ActivityKind.COMPACTION, "auto", takes=(5.0, 280.0)),
        Step(ActivityKind.PREPARATION, "agent", takes=(0.5, 25.0), blocks_loop=random.random() < 0.2),  # noqa: PLR2004
        Step(ActivityKind.DELIVERY, "chat", takes=(0.2, 20.0)),
        Step(ActivityKind.EMBEDDED_RUN, "", takes=(0.2, 100.0)),
        Step(tool, "exec", ask=WaitKind.APPROVAL, answered_after=(5.0, 3600.0)),
        Step(tool, "sessions_yield", awaits="child", spawns=_child(random)),
    )
    return random.choice(choices)


def _child(random: Random) -> Turn:
    return Turn((Step(ActivityKind.MODEL_CALL, "gpt", takes=(5.0, random.uniform(10, 900)), progress_s=5.0),))


def _dead(random: Random) -> Step:
    model, tool = ActivityKind.MODEL_CALL, ActivityKind.TOOL_CALL
    choices = (
        Step(model, "gpt", hangs=True),
        Step(model, "gpt", takes=(5.0, 120.0), progress_s=3.0, hangs=True, touches_s=5.0),
        Step(model, "gpt", attempts=-1, attempt=(1.0, 10.0), backoff=(0.0, 0.0)),
        Step(tool, "exec", takes=(1.0, 60.0), hangs=True),
        Step(tool, "exec", repeats_s=0.5),
        Step(ActivityKind.COMPACTION, "auto", hangs=True),
        Step(ActivityKind.EMBEDDED_RUN, "", hangs=True),
        Step(ActivityKind.DELIVERY, "chat", hangs=True),
        Step(tool, "ask_user", ask=WaitKind.QUESTION, delivered=False),
        Step(tool, "sessions_yield", awaits="child", spawns=_child(random), wake=False),
    )
    return random.choice(choices)
