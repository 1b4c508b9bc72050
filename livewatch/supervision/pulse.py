"""The agent's pulse: when it last finished a tick. What the gateway does plays no part in it."""

from collections.abc import Callable
from enum import StrEnum

from livewatch_classifiers.report import TickReport

_BOUND_MIN_S = 20.0
"""More than the 15 s that a first look at an OpenClaw gateway may wait for its first answer."""
_BOUND_TICKS = 5


class Phase(StrEnum):
    """How far the agent is in its life."""

    OPENING = "opening"  # its services are being opened
    OPEN = "open"
    STOPPING = "stopping"


class Pulse:
    """Takes note of every tick, also of one whose look at the gateway failed.

    Written by the agent's loop alone and read by any thread: each field is replaced as a whole.
    """

    def __init__(self, monotonic_s: Callable[[], float], interval_s: float) -> None:
        self.bound_s = max(_BOUND_MIN_S, _BOUND_TICKS * interval_s)
        """A last tick older than this means that the agent hangs; so does a first one that does not come."""
        self.ticks = 0
        self.phase = Phase.OPENING
        self._monotonic_s = monotonic_s
        self._last_s = monotonic_s()

    @property
    def age_s(self) -> float:
        """Seconds since the last tick ended; before the first one, since the agent began."""
        return max(0.0, self._monotonic_s() - self._last_s)

    @property
    def alive(self) -> bool:
        """Whether the agent ticks."""
        return self.age_s <= self.bound_s

    @property
    def ready(self) -> bool:
        """Whether everything is open, the first tick is done, and the agent is not about to end."""
        return self.alive and self.phase is Phase.OPEN and self.ticks > 0

    def on_tick(self, report: TickReport) -> None:  # noqa: ARG002 -- that there was one is all that counts
        """Take note of one tick; called on the agent's loop."""
        self._last_s = self._monotonic_s()
        self.ticks += 1
