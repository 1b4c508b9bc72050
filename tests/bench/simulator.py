"""How many virtual hours of random worlds go through one core in a second."""

import time

from livewatch.simulation.random_worlds import run_random_world
from tests.bench.figures import Figure, figure

HOURS = 6.0
_BATCH = 8
"""Worlds in one measurement: single ones differ too much, by size, misfortune and the number of agents."""


def simulator_speed(batches: int) -> list[Figure]:
    """Return virtual hours per second of CPU time, against real time; each value is one batch of worlds."""
    run_random_world(1, 1.0)
    seeds = range(1, 1 + batches * _BATCH)
    speeds = [_speed(range(first, first + _BATCH)) for first in seeds[::_BATCH]]
    return [figure("random worlds, virtual hours", speeds, "h/s", "real time", 1 / 3600)]


def _speed(seeds: range) -> float:
    began_s = time.process_time()
    for seed in seeds:
        run_random_world(seed, HOURS)
    return len(seeds) * HOURS / (time.process_time() - began_s)
