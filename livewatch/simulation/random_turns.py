"""What sessions of random worlds are asked to do: healthy work of every kind, and some that dies, as scenarios say it.

Healthy silence stays within what the default limits promise to leave alone (a silent model call ends within 5 min, a
silent tool within 14, or it declares more, or it can be seen to work); everything else is fair game.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from livewatch.simulation.plan import Ending
from livewatch.simulation.toml_text import Raw, exact

CHILD = "child"
"""Key of the session that others wait for."""
BAD_ENDINGS = [ending.value for ending in Ending if ending is not Ending.CLEAN]
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
    return {"ends": random.choice(BAD_ENDINGS), "steps": steps}


def heartbeat(random: Random) -> Raw:
    """Return the periodic turn of a session."""
    turn = [_step((5, 40), model="gpt", progress="3s")(random)]
    return {"every": random.choice(("15m", "30m")), "first": exact(random.uniform(0, 900)), "turn": turn}


def _healthy(random: Random) -> Raw:
    return random.choice(_HEALTHY)(random)


def _step(takes: tuple[float, float] | None = None, **rest: Any) -> Callable[[Random], Raw]:
    """Return what makes a step that takes so long, in seconds; the length is drawn now, so that nothing moves it."""
    return lambda random: rest if takes is None else {**rest, "takes": exact(round(random.uniform(*takes), 1))}


def _streams(random: Random) -> Raw:
    return {**_step((2, 90), model="gpt")(random), "progress": random.choice(("1.5s", "4s", "15s"))}


def _trickles(random: Random) -> Raw:
    return {**_step((300, 1500), model="slow")(random), "progress": random.choice(("1m", "1m", "1m50s"))}


def _fails_at_first(random: Random) -> Raw:
    tries: Raw = {"attempts": random.randint(1, 3), "attempt": ["1s", "20s"], "backoff": ["2s", "1m"]}
    return {**_step((5, 20), model="gpt")(random), **tries}


def _prepares(random: Random) -> Raw:
    step = _step((0.5, 25), preparation="agent")(random)
    return {**step, "blocks_loop": True} if random.random() < 0.2 else step  # noqa: PLR2004 -- a share


def _is_allowed(random: Random) -> Raw:
    return {"ask": "approval", "tool": "exec", "answered_after": exact(round(random.uniform(5, 3600)))}


def _delegates(random: Random) -> Raw:
    child = _step((5, random.uniform(10, 900)), model="gpt", progress="5s")(random)
    return {"tool": "sessions_yield", "awaits": CHILD, "spawns": [child]}


def _delegates_for_ever(random: Random) -> Raw:
    return {**_delegates(random), "wake": False}


_HEALTHY: tuple[Callable[[Random], Raw], ...] = (
    _streams,
    _streams,
    _trickles,
    _fails_at_first,
    _prepares,
    _is_allowed,
    _delegates,
    _step((10, 300), model="thinker"),
    _step((60, 1100), model="local", declares="20m"),
    _step((60, 1500), model="cli", counted=False, works="5s"),
    _step((0.1, 3), tool="read"),
    _step((1, 800), tool="exec", touches="30s"),
    _step((300, 3000), tool="build", works="4s"),
    _step((300, 2300), tool="wait", declares="40m"),
    _step(tool="poll", repeats="10s", times=15),
    _step((5, 280), compaction="auto"),
    _step((0.2, 20), delivery="chat"),
    _step((0.2, 100), work=""),
)
_DEAD: tuple[Callable[[Random], Raw], ...] = (
    _delegates_for_ever,
    _step(model="gpt", hangs=True),
    _step((5, 120), model="gpt", progress="3s", hangs=True, touches="5s"),
    _step(model="gpt", attempts="always", attempt=["1s", "10s"]),
    _step((1, 60), tool="exec", hangs=True),
    _step(tool="exec", repeats="500ms"),
    _step(compaction="auto", hangs=True),
    _step(work="", hangs=True),
    _step(delivery="chat", hangs=True),
    _step(ask="question", tool="ask_user", delivered=False),
)
