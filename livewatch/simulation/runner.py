"""Runs one scenario under one rule set and says what held and what did not."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livewatch.agent import Agent
from livewatch.recovery.rounds import Witness
from livewatch.simulation.invariants import broken_invariants
from livewatch.simulation.record import Record
from livewatch.simulation.rulesets import RULE_SETS
from livewatch.simulation.rulesets.watcher import WatcherWatch
from livewatch.simulation.scenario import Failure, Scenario
from livewatch.simulation.watching import AgentWatch
from livewatch.simulation.world import World
from livewatch_classifiers.report import TickListener

LIVEWATCH = "livewatch"


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario, run once."""

    scenario: Scenario
    rules: str
    record: Record
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        """Whether every expectation and invariant held."""
        return not self.failures


def run_scenario(
    scenario: Scenario,
    rules: str = LIVEWATCH,
    *,
    listeners: tuple[TickListener, ...] = (),
    witnesses: tuple[Witness, ...] = (),
    until_s: float | None = None,
    watched: Callable[[AgentWatch], None] | None = None,
    agent_type: type[Agent] = Agent,
) -> Run:
    """Run a scenario in a fresh world.

    Args:
        scenario: the scenario.
        rules: ``livewatch``, or the name of a rule set for comparison; expectations speak about livewatch only.
        listeners: told about every tick of the production agent.
        witnesses: told about every round of it, with everything that its decisions depended on.
        until_s: stop here instead of at the scenario's end.
        watched: gets the agent after the last tick, for `explain`.
        agent_type: the agent; proofs that the checks notice a wrong one give a wrong one here.
    """
    world = scenario.world()
    record = Record(duration_s=scenario.duration_s if until_s is None else until_s)
    if rules == LIVEWATCH:
        watch = AgentWatch(
            world,
            record,
            thresholds=scenario.thresholds,
            policy=scenario.policy,
            every_s=scenario.every_s,
            coarse_s=scenario.coarse_s,
            listeners=listeners,
            witnesses=witnesses,
            agent_type=agent_type,
            agents=scenario.agents,
            remembers=scenario.remembers,
        )
        run_virtual(watch.run(record.duration_s))
        if watched is not None:
            watched(watch)
    else:
        WatcherWatch(world, record, RULE_SETS[rules]()).run(record.duration_s)
    collect(world, record)
    failures: list[Failure] = []
    if rules == LIVEWATCH and until_s is None:
        found = (expectation.check(record) for expectation in scenario.expectations)
        failures = [failure for failure in found if failure is not None]
        failures += broken_invariants(record, scenario.cast, scenario.policy, scenario.repair_within_s)
    return Run(scenario, rules, record, tuple(failures))


def scenario_files(paths: tuple[Path, ...]) -> list[Path]:
    """Return the files that paths mean; a folder means every TOML file below it."""
    found: list[Path] = []
    for path in paths:
        found.extend(sorted(path.rglob("*.toml")) if path.is_dir() else [path])
    return found


def run_virtual(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine of the virtual world on a loop of its own."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


def collect(world: World, record: Record) -> None:
    """Copy into the record what the world knows at the end."""
    gateway = world.gateway
    record.deeds = list(world.levers.deeds)
    record.afflictions = list(gateway.truth.history)
    record.messages = list(gateway.messages)
    record.violations = list(gateway.violations)
    record.counters = dict(gateway.counters)
    record.blind_s = [*world.host.pauses, *world.agent.pauses]
    record.unseen_s = {key: session.unseen_s for key, session in gateway.sessions.items() if session.unseen_s}
    hidden = {key: frozenset(session.hidden_for_ever) for key, session in gateway.sessions.items()}
    record.hidden = {key: facts for key, facts in hidden.items() if facts}
    record.restarts = gateway.restarts
    record.session_s = record.duration_s * len(gateway.sessions)
