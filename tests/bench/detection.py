"""How long after its threshold a silent session is called stalled: livewatch each second, a scanner on a 30 s grid."""

import random
from types import MappingProxyType

from livewatch.judge import Judge
from livewatch_classifiers.model import Run, Session, Snapshot, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import SICK, Presence, SessionState
from tests.bench.figures import Figure, figure

TICK_S, GRID_S = 1.0, 30.0


def detection_latency(count: int = 1_000, seed: int = 9) -> list[Figure]:
    """Return the latencies of both over one trace in virtual time, in seconds, with the largest as its own line."""
    chance, limits = random.Random(seed), Thresholds()
    last_s = {f"s{number}": chance.uniform(0.0, 60.0) for number in range(count)}
    crossed_s = {key: moment_s + limits.warn_after_s for key, moment_s in last_s.items()}
    sessions = MappingProxyType({key: _silent(key, moment_s) for key, moment_s in last_s.items()})
    latencies = {every_s: _seen(sessions, crossed_s, limits, every_s) for every_s in (TICK_S, GRID_S)}
    figures: list[Figure] = []
    for every_s, name in ((TICK_S, "livewatch"), (GRID_S, "30 s grid")):
        found = sorted(latencies[every_s])
        figures += [
            figure(f"detection, {name}", found, "s", "one tick", TICK_S),
            figure(f"detection, {name}, slowest of {count:,}", [found[-1]], "s", "one tick", TICK_S),
        ]
    return figures


def _silent(key: str, moment_s: float) -> Session:
    run = Run("r", started_s=moment_s, handle="h")
    return Session(
        key,
        generation=1,
        state=SessionState.PROCESSING,
        state_since_s=moment_s,
        owner=Presence.ABSENT,
        run=run,
        progress_s=moment_s,
    )


def _seen(
    sessions: MappingProxyType[str, Session], crossed_s: dict[str, float], limits: Thresholds, every_s: float
) -> list[float]:
    judge, seen_s = Judge(), dict[str, float]()
    now_s = 60.0
    while len(seen_s) < len(sessions):
        verdicts = judge.judge(Snapshot(Vitals(now_s), sessions), limits).verdicts
        for key, verdict in verdicts.items():
            if verdict.attention in SICK:
                seen_s.setdefault(key, now_s)
        now_s += every_s
    return [seen_s[key] - crossed_s[key] for key in sessions]
