"""What befalls random worlds from outside: the loop, the host, the process, the agent and its levers."""

from collections.abc import Callable
from random import Random

from livewatch.simulation.toml_text import Raw, exact

_Blow = Callable[[Random, list[str]], Raw]
_HIDEABLE = ("owner", "queued", "activity", "activity_owner", "in_store", "store", "id", "handle")


def misfortune(random: Random, keys: list[str], duration_s: float) -> list[tuple[float, Raw]]:
    """Return a list of blows spread over the world's time; some worlds get many, some none."""
    pace_s = random.choice((0.0, 600.0, 1800.0, 7200.0))
    entries: list[tuple[float, Raw]] = []
    if not pace_s:
        return entries
    at_s = random.expovariate(1 / pace_s)
    while at_s < duration_s:
        entries.append((at_s, random.choice(_BLOWS)(random, keys)))
        at_s += random.expovariate(1 / pace_s)
    return entries


def _block(random: Random, _keys: list[str]) -> Raw:
    for_s = random.choice((random.uniform(0.1, 5), random.uniform(5, 200)))
    return {"do": "block_loop", "for": exact(for_s), "cause": random.choice(("own_code", "garbage_collection", "gil"))}


def _stop(random: Random, _keys: list[str]) -> Raw:
    return {"do": "stop_process", "for": exact(random.uniform(1, 600))}


def _thrash(random: Random, _keys: list[str]) -> Raw:
    return {"do": "thrash", "for": exact(random.uniform(10, 600)), "agent_too": random.choice((True, False))}


def _suspend(random: Random, _keys: list[str]) -> Raw:
    return {"do": "suspend", "for": exact(random.uniform(10, 3000))}


def _jump(random: Random, _keys: list[str]) -> Raw:
    return {"do": "wall_jump", "by": exact(random.uniform(1, 7200)), "back": random.choice((True, False))}


def _outage(random: Random, _keys: list[str]) -> Raw:
    return {"do": "outage", "provider": "gpt", "for": exact(random.uniform(5, 60))}


def _pause_agent(random: Random, _keys: list[str]) -> Raw:
    for_s = random.choice((random.uniform(0.001, 3), random.uniform(3, 600)))
    where = random.choice(("between_ticks", "after_sample", "before_act"))
    return {"do": "pause_agent", "for": exact(for_s), "where": where}


def _second_wind(random: Random, _keys: list[str]) -> Raw:
    for_s, on_the_way_s = random.uniform(600, 7200), random.uniform(1, 10)
    return {"do": "second_wind", "for": exact(for_s), "on_the_way": exact(on_the_way_s)}


def _restart_agent(_random: Random, _keys: list[str]) -> Raw:
    return {"do": "restart_agent"}


def _late(random: Random, _keys: list[str]) -> Raw:
    by = ["100ms", exact(random.uniform(0.5, 5))]
    return {"do": "agent_late", "by": by, "for": exact(random.uniform(60, 3600))}


def _hide(random: Random, keys: list[str]) -> Raw:
    what = random.choice(_HIDEABLE)
    return {"do": "hide", "session": random.choice(keys), "what": what, "for": exact(random.uniform(1, 300))}


def _drift(random: Random, keys: list[str]) -> Raw:
    return {"do": "drift", "session": random.choice(keys), "by": random.choice((-1, 1)), "for": "1m"}


def _levers(random: Random, _keys: list[str]) -> Raw:
    answer = random.choice(("timed_out", "failed"))
    return {"do": "break_levers", "answer": answer, "for": exact(random.uniform(5, 120))}


def _restart(_random: Random, _keys: list[str]) -> Raw:
    return {"do": "restart_gateway"}


def _kill(random: Random, _keys: list[str]) -> Raw:
    return {"do": "kill_process", "after": exact(random.uniform(1, 60))}


_BLOWS: tuple[_Blow, ...] = (
    _block,
    _block,
    _stop,
    _thrash,
    _suspend,
    _jump,
    _outage,
    _pause_agent,
    _pause_agent,
    _second_wind,
    _restart_agent,
    _late,
    _hide,
    _hide,
    _drift,
    _levers,
    _restart,
    _kill,
)
