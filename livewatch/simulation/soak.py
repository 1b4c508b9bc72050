"""Many random worlds, on as many cores as are asked for."""

import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from livewatch.agent import Agent
from livewatch.simulation.random_worlds import random_tables
from livewatch.simulation.report import failure_lines
from livewatch.simulation.runner import run_scenario
from livewatch.simulation.schema import scenario_of
from livewatch.simulation.tally import WorldResult
from livewatch.simulation.toml_text import Raw
from livewatch_classifiers.decision import ReplyStatus

_AHEAD = 4
"""Worlds that wait for each process, so that none is idle."""


def run_worlds(seeds: Iterable[int], hours: float, jobs: int) -> Iterator[WorldResult]:
    """Yield the result of each world in the order of its seed, computed by ``jobs`` processes; seeds may be endless."""
    if jobs == 1:
        yield from (run_world(hours, seed) for seed in seeds)
        return
    # a forked child inherits the locks that other threads of this process hold at that moment, for ever
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_leave_stopping_to_the_parent) as pool:
        waiting: deque[Future[WorldResult]] = deque()
        try:
            for seed in seeds:
                waiting.append(pool.submit(run_world, hours, seed))
                if len(waiting) >= jobs * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def run_world(hours: float, seed: int, agent_type: type[Agent] = Agent) -> WorldResult:
    """Run one random world and keep what the tally needs."""
    raw = random_tables(seed, hours)
    run = run_scenario(scenario_of(Path(f"seed-{seed}"), raw), agent_type=agent_type)
    record = run.record
    done = [deed for deed in record.deeds if deed.reply.status is ReplyStatus.DONE]
    return WorldResult(
        seed=seed,
        virtual_s=record.duration_s,
        misfortunes=tuple(_misfortunes(raw)),
        faults=tuple(affliction.fault.value for affliction in record.afflictions),
        repair_s=tuple(a.until_s - a.since_s for a in record.afflictions if a.until_s is not None),
        actions=len(record.deeds),
        true_actions=sum(not deed.false for deed in done),
        false_actions=sum(deed.false for deed in record.deeds),
        failure=run.failures[0] if run.failures else None,
        failures=() if run.passed else tuple(failure_lines(run)),
    )


def _misfortunes(raw: Raw) -> Iterator[str]:
    if raw["agent"].get("count", 1) > 1:
        yield "two_agents"
    yield from (str(entry["do"]) for entry in raw["script"] if entry["do"] != "message")


def _leave_stopping_to_the_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the first one knows what to do about it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
