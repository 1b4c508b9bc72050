"""What befalls random worlds from outside: the loop, the host, the process, the agent and its levers."""

from collections.abc import Callable, Collection
from random import Random

from livewatch.simulation.random_turns import BAD_ENDINGS
from livewatch.simulation.sessions import HIDEABLE
from livewatch.simulation.toml_text import Raw, exact

_Blow = Callable[[Random, list[str]], Raw]
_FOR_EVER = 0.15
"""Share of hidden facts that never come back."""


def misfortune(
    random: Random, keys: list[str], duration_s: float, only: Collection[str] = ()
) -> list[tuple[float, Raw]]:
    """Return a list of blows spread over the world's time; some worlds get many, some none.

    Args:
        random: decides everything.
        keys: the sessions that may be hit.
        duration_s: length of the world in seconds.
        only: names in `BLOWS`; when given, these alone befall the world, and often.
    """
    pace_s = 900.0 if only else random.choice((0.0, 600.0, 1800.0, 7200.0))
    blows = [blow for name, (weight, blow) in BLOWS.items() if name in only or not only for _ in range(weight)]
    entries: list[tuple[float, Raw]] = []
    if not pace_s:
        return entries
    at_s = random.expovariate(1 / pace_s)
    while at_s < duration_s:
        entries.append((at_s, random.choice(blows)(random, keys)))
        at_s += random.expovariate(1 / pace_s)
    return entries


def _block(random: Random, _keys: list[str]) -> Raw:
    for_s = random.choice((random.uniform(0.1, 5), random.uniform(5, 200)))
    return {"do": "block_loop", "for": exact(for_s), "cause": random.choice(("own_code", "garbage_collection", "gil"))}


def _stop(random: Random, _keys: list[str]) -> Raw:
    return {"do": "stop_process", "for": exact(random.uniform(1, 600))}


def _thrash(random: Random, _keys: list[str]) -> Raw:
    return {"do": "thrash", "for": exact(random.uniform(10, 600)), "agent_too": random.choice((True, False))}


def _thrash_with_gasps(random: Random, keys: list[str]) -> Raw:
    return {**_thrash(random, keys), "gasp_every": exact(random.uniform(10, 60)), "gasp": "500ms"}


def _suspend(random: Random, _keys: list[str]) -> Raw:
    return {"do": "suspend", "for": exact(random.uniform(10, 3000))}


def _jump(random: Random, _keys: list[str]) -> Raw:
    return {"do": "wall_jump", "by": exact(random.uniform(1, 7200)), "back": random.choice((True, False))}


def _outage(random: Random, _keys: list[str]) -> Raw:
    """A provider falls silent and goes on later: never for so long that silence would count as death."""
    return {"do": "outage", "provider": random.choice(("gpt", "gpt", "*")), "for": exact(random.uniform(5, 60))}


def _provider_dies(random: Random, _keys: list[str]) -> Raw:
    """Every call that the provider has at this moment is lost for good."""
    provider = random.choice(("gpt", "slow", "*"))
    return {"do": "outage", "provider": provider, "for": exact(random.uniform(1, 30)), "calls": "lost"}


def _hang(random: Random, keys: list[str]) -> Raw:
    """Whatever a run works at, it never goes on; one that waits for a person looks the same dead or alive."""
    return {"do": "hang", "session": random.choice(keys), "at_work": True}


def _lose_owner(random: Random, keys: list[str]) -> Raw:
    """The owner dies at any point of its run."""
    return {"do": "lose_owner", "session": random.choice(keys)}


def _end_run(random: Random, keys: list[str]) -> Raw:
    """The owner dies at any point of its run, and leaves the books in one of the ways that reports tell of."""
    return {"do": "end_run", "session": random.choice(keys), "how": random.choice(BAD_ENDINGS)}


def _reset(random: Random, keys: list[str]) -> Raw:
    return {"do": "reset", "session": random.choice(keys)}


def _forget_child(random: Random, keys: list[str]) -> Raw:
    return {"do": "forget_child", "session": random.choice(keys)}


def _drain(random: Random, _keys: list[str]) -> Raw:
    return {"do": "drain", "patience": exact(random.uniform(10, 300))}


def _pause_agent(random: Random, _keys: list[str]) -> Raw:
    for_s = random.choice((random.uniform(0.001, 3), random.uniform(3, 600)))
    where = random.choice(("between_ticks", "after_sample", "before_act"))
    return {"do": "pause_agent", "for": exact(for_s), "where": where}


def _second_wind(random: Random, _keys: list[str]) -> Raw:
    for_s, on_the_way_s = random.uniform(600, 7200), random.uniform(1, 10)
    return {"do": "second_wind", "for": exact(for_s), "on_the_way": exact(on_the_way_s)}


def _restart_agent(_random: Random, _keys: list[str]) -> Raw:
    return {"do": "restart_agent"}


def _crash_agent(random: Random, _keys: list[str]) -> Raw:
    where = random.choice(("between_ticks", "before_act", "before_act", "after_act", "after_act"))
    return {"do": "crash_agent", "where": where, "for": exact(random.choice((1, random.uniform(1, 300))))}


def _late(random: Random, _keys: list[str]) -> Raw:
    by = ["100ms", exact(random.uniform(0.5, 5))]
    return {"do": "agent_late", "by": by, "for": exact(random.uniform(60, 3600))}


def _hide(random: Random, keys: list[str]) -> Raw:
    """Any fact at all is hidden, for a while or for ever: what is unknown neither permits nor exempts."""
    hides: Raw = {"do": "hide", "session": random.choice(keys), "what": random.choice(HIDEABLE)}
    return hides if random.random() < _FOR_EVER else {**hides, "for": exact(random.uniform(1, 300))}


def _drift(random: Random, keys: list[str]) -> Raw:
    return {"do": "drift", "session": random.choice(keys), "by": random.choice((-1, 1)), "for": "1m"}


def _levers(random: Random, _keys: list[str]) -> Raw:
    answer = random.choice(("timed_out", "failed"))
    return {"do": "break_levers", "answer": answer, "for": exact(random.uniform(5, 120))}


def _cut_socket(random: Random, _keys: list[str]) -> Raw:
    """A socket hangs half-way: before the question arrived, after the answer was ready, or for ever between looks."""
    where = random.choice(("request", "reply", "late", "look"))
    cut: Raw = {"do": "cut_socket", "where": where, "for": exact(random.uniform(5, 600))}
    return {**cut, "by": exact(random.uniform(6, 900))} if where == "late" else cut


def _board_full(random: Random, keys: list[str]) -> Raw:
    return {"do": "board_full", "session": random.choice(keys), "for": exact(random.uniform(10, 3600))}


def _restart(_random: Random, _keys: list[str]) -> Raw:
    return {"do": "restart_gateway"}


def _kill(random: Random, _keys: list[str]) -> Raw:
    return {"do": "kill_process", "after": exact(random.uniform(1, 60))}


BLOWS: dict[str, tuple[int, _Blow]] = {
    "block_loop": (4, _block),
    "stop_process": (2, _stop),
    "thrash": (2, _thrash),
    "thrash_with_gasps": (1, _thrash_with_gasps),
    "suspend": (2, _suspend),
    "wall_jump": (2, _jump),
    "outage": (2, _outage),
    "provider_dies": (1, _provider_dies),
    "hang": (1, _hang),
    "lose_owner": (1, _lose_owner),
    "end_run": (1, _end_run),
    "reset": (1, _reset),
    "forget_child": (1, _forget_child),
    "drain": (1, _drain),
    "pause_agent": (4, _pause_agent),
    "second_wind": (2, _second_wind),
    "restart_agent": (2, _restart_agent),
    "crash_agent": (4, _crash_agent),
    "agent_late": (2, _late),
    "hide": (4, _hide),
    "drift": (2, _drift),
    "break_levers": (2, _levers),
    "cut_socket": (3, _cut_socket),
    "board_full": (2, _board_full),
    "restart_gateway": (2, _restart),
    "kill_process": (2, _kill),
}
"""What may befall a world, with its weight: how often it does, compared with the others."""
