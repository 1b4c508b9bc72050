"""Waiting for a condition, bounded; the only way in which a test may let real time pass."""

import threading
import time
from collections.abc import Callable

DEADLINE_S = 60.0
"""Ends what will never come true; generous, because a busy core makes everything several times as slow."""
_LOOK_EVERY_S = 0.01


def until(condition: Callable[[], object], what: str = "the condition", within_s: float = DEADLINE_S) -> None:
    """Return once ``condition()`` is true; fail after a generous deadline."""
    never = threading.Event()
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not come true within {within_s} s"
        never.wait(_LOOK_EVERY_S)
