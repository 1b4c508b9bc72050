"""Random worlds: healthy and faulty work mixed, hosts that misbehave, an agent that does; only invariants are checked.

A random world is a scenario file that nobody wrote: plain tables made from a seed. What fails in one can therefore be
cut down, written out, and run again by anybody.
"""

from collections.abc import Collection
from pathlib import Path
from random import Random

from livewatch.simulation.random_misfortune import misfortune
from livewatch.simulation.random_turns import CHILD, heartbeat, random_turn
from livewatch.simulation.runner import Run, run_scenario
from livewatch.simulation.scenario import Scenario
from livewatch.simulation.schema import scenario_of
from livewatch.simulation.toml_text import Raw, exact
from livewatch_classifiers.vocabulary import LaneKind

REPAIR_WITHIN_S = 45 * 60.0
"""Bound in random worlds: a tool's 15 min, then every rung of the ladder with its grace, host troubles in between."""
COARSE_S = (10.0, 30.0, 30.0, 60.0, 60.0)
"""Intervals of the agent while everybody is well; sick sessions are looked at every second, as in production.

Rarely 10 s: most of a world's time goes into looking at healthy sessions.
"""
_FEW = 7
_TWO = 0.1
"""Share of worlds with a second agent."""
_BEATS = 0.3
"""Share of sessions with a heartbeat."""


def run_random_world(seed: int, hours: float) -> Run:
    """Run one random world under livewatch and check the invariants."""
    return run_scenario(random_scenario(seed, hours))


def random_scenario(seed: int, hours: float) -> Scenario:
    """Return the world of a seed."""
    return scenario_of(Path(f"seed-{seed}"), random_tables(seed, hours))


def random_tables(seed: int, hours: float, only: Collection[str] = ()) -> Raw:
    """Return the world of a seed as the tables of a scenario file; ``only`` names the misfortunes to choose from."""
    random = Random(seed)  # noqa: S311 -- a reproducible world, not a secret
    duration_s = hours * 3600.0
    keys = [f"s{number}" for number in range(_how_many(random))]
    lanes = _lanes(random)
    sessions = {key: _session(random, list(lanes)) for key in keys}
    calm = len(keys) / _FEW
    script = [entry for key in keys for entry in _traffic(random, key, duration_s, calm)]
    script += misfortune(random, keys, duration_s, only)
    return {
        "title": f"random world {seed}",
        "duration": exact(duration_s),
        "seed": seed,
        "repair_within": exact(REPAIR_WITHIN_S),
        "agent": _agent(random),
        "lanes": lanes,
        "sessions": {**sessions, CHILD: {}},
        "script": [{"at": exact(at_s), **entry} for at_s, entry in sorted(script, key=lambda item: item[0])],
    }


def _how_many(random: Random) -> int:
    """Return how many sessions the gateway has: mostly few, sometimes one, sometimes a crowd."""
    share = random.random()
    if share < 0.05:  # noqa: PLR2004 -- a share
        return 1
    if share < 0.9:  # noqa: PLR2004 -- a share
        return random.randint(2, _FEW)
    return random.randint(_FEW + 1, 40) if share < 0.98 else random.randint(41, 200)  # noqa: PLR2004 -- shares


def _agent(random: Random) -> Raw:
    """Return how the gateway is watched: by an agent with a journal, now and then by two."""
    agent: Raw = {"coarse": exact(random.choice(COARSE_S)), "remembers": True}
    return {**agent, "count": 2} if random.random() < _TWO else agent


def _lanes(random: Random) -> dict[str, Raw]:
    """Return the shared lanes; a narrow one makes sessions wait for each other, and is no reason to repair."""
    kinds = (LaneKind.MAIN, LaneKind.CRON, *random.sample((LaneKind.SUBAGENT, LaneKind.NESTED), random.randint(0, 2)))
    return {kind.value: {"kind": kind.value, "slots": random.choice((1, 2, 2, 3, 6))} for kind in kinds}


def _session(random: Random, lanes: list[str]) -> Raw:
    plan: Raw = {}
    if random.random() < 0.5:  # noqa: PLR2004 -- an even chance
        plan["lane"] = random.choice(lanes)
    if random.random() < _BEATS:
        plan["heartbeat"] = heartbeat(random)
    return plan


def _traffic(random: Random, key: str, duration_s: float, calm: float) -> list[tuple[float, Raw]]:
    """Return the messages to one session; in a crowd each gets fewer, so that all worlds take about as long to run."""
    entries: list[tuple[float, Raw]] = []
    pace_s = random.choice((300.0, 900.0, 3600.0)) * max(1.0, calm)
    at_s = random.uniform(0, 1200)
    while at_s < duration_s:
        entries.append((at_s, {"do": "message", "to": key, "turn": random_turn(random)}))
        at_s += random.expovariate(1 / pace_s)
    return entries
