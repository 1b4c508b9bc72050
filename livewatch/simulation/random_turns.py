"""What sessions of random worlds are asked to do: healthy work of every kind, and some that dies, as scenarios say it.

Healthy silence stays within what the default limits promise to leave alone (a silent model call ends within 5 min, a
silent tool within 14, or it declares more, or it can be seen to work); everything else is fair game.
"""

from collections.abc import Callable
from random import Random

from livewatch.simulation.plan import Ending
from livewatch.simulation.toml_text import Raw, exact

CHILD = "child"
"""Key of the session that others wait for."""
_BAD_ENDINGS = [ending.value for ending in Ending if ending not in (Ending.CLEAN, Ending.ORPHANS_ACTIVITY_PROCESSING)]
_ABORTS = ("settles", "settles", "ignored", "lies")
_FAULTY = 0.06
"""Share of turns that die or leave something behind."""


def random_turn(random: Random) -> list[Raw] | Raw:
    """Return a turn: healthy steps, and now and then a death at their end or something left behind by it."""
    steps = [_healthy(random) for _ in range(random.randint(1, 5))]
    if random.random() > _FAULTY:
        return {"timeout": "48h", "steps": steps} if random.random() < 1 / 3 else steps
    fault = random.random()
    if fault < 0.5:  # noqa: PLR2004 -- a share
        return [*steps, {**random.choice(_DEAD)(random), "abort": random.choice(_ABORTS)}]
    if fault < 0.65:  # noqa: PLR2004 -- a share
        hung: Raw = {"model": "gpt", "hangs": True}
        return {"timeout": exact(random.uniform(60, 600)), "on_timeout": "zombie", "steps": [hung]}
    return {"ends": random.choice(_BAD_ENDINGS), "steps": steps}


def heartbeat(random: Random) -> Raw:
    """Return the periodic turn of a session."""
    turn: list[Raw] = [{"model": "gpt", "takes": ["5s", "40s"], "progress": "3s"}]
    return {"every": random.choice(("15m", "30m")), "first": exact(random.uniform(0, 900)), "turn": turn}


def _healthy(random: Random) -> Raw:
    return random.choice(_HEALTHY)(random)


def _always(step: Raw) -> Callable[[Random], Raw]:
    return lambda _random: dict(step)


def _streams(random: Random) -> Raw:
    return {"model": "gpt", "takes": ["2s", "1m30s"], "progress": random.choice(("1.5s", "4s", "15s"))}


def _trickles(random: Random) -> Raw:
    return {"model": "slow", "takes": ["5m", "25m"], "progress": random.choice(("1m", "1m", "1m50s"))}


def _fails_at_first(random: Random) -> Raw:
    tries: Raw = {"attempts": random.randint(1, 3), "attempt": ["1s", "20s"], "backoff": ["2s", "1m"]}
    return {"model": "gpt", "takes": ["5s", "20s"], **tries}


def _prepares(random: Random) -> Raw:
    step: Raw = {"preparation": "agent", "takes": ["500ms", "25s"]}
    return {**step, "blocks_loop": True} if random.random() < 0.2 else step  # noqa: PLR2004 -- a share


def _delegates(random: Random) -> Raw:
    return {"tool": "sessions_yield", "awaits": CHILD, "spawns": _child(random)}


def _delegates_for_ever(random: Random) -> Raw:
    return {**_delegates(random), "wake": False}


def _child(random: Random) -> list[Raw]:
    return [{"model": "gpt", "takes": ["5s", exact(random.uniform(10, 900))], "progress": "5s"}]


_HEALTHY: tuple[Callable[[Random], Raw], ...] = (
    _streams,
    _streams,
    _trickles,
    _fails_at_first,
    _prepares,
    _delegates,
    _always({"model": "thinker", "takes": ["10s", "5m"]}),
    _always({"model": "local", "takes": ["1m", "18m20s"], "declares": "20m"}),
    _always({"model": "cli", "takes": ["1m", "25m"], "counted": False, "works": "5s"}),
    _always({"tool": "read", "takes": ["100ms", "3s"]}),
    _always({"tool": "exec", "takes": ["1s", "13m20s"], "touches": "30s"}),
    _always({"tool": "build", "takes": ["5m", "50m"], "works": "4s"}),
    _always({"tool": "wait", "takes": ["5m", "38m20s"], "declares": "40m"}),
    _always({"tool": "poll", "repeats": "10s", "times": 15}),
    _always({"compaction": "auto", "takes": ["5s", "4m40s"]}),
    _always({"delivery": "chat", "takes": ["200ms", "20s"]}),
    _always({"work": "", "takes": ["200ms", "1m40s"]}),
    _always({"ask": "approval", "tool": "exec", "answered_after": ["5s", "1h"]}),
)
_DEAD: tuple[Callable[[Random], Raw], ...] = (
    _delegates_for_ever,
    _always({"model": "gpt", "hangs": True}),
    _always({"model": "gpt", "takes": ["5s", "2m"], "progress": "3s", "hangs": True, "touches": "5s"}),
    _always({"model": "gpt", "attempts": "always", "attempt": ["1s", "10s"]}),
    _always({"tool": "exec", "takes": ["1s", "1m"], "hangs": True}),
    _always({"tool": "exec", "repeats": "500ms"}),
    _always({"compaction": "auto", "hangs": True}),
    _always({"work": "", "hangs": True}),
    _always({"delivery": "chat", "hangs": True}),
    _always({"ask": "question", "tool": "ask_user", "delivered": False}),
)
