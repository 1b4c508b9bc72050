"""How well the agent itself is: an agent that is slow doubts itself before it doubts anybody (Lifeguard, 2018).

Its own lateness is never evidence about the gateway; it only makes the agent more patient with silence. Proof is not
touched by it. Lateness that is this machine's habit (WSL2: 1.1 to 1.7 s on every tick, OpenClaw 142200) is no illness.
"""

from dataclasses import dataclass, replace

PENALTY_MAX = 4
LATE_TICKS = 5.0
"""A tick later than so many intervals is a bad sign."""
_GOOD_TICKS_TO_HEAL = 3


@dataclass(frozen=True, slots=True)
class LocalHealth:
    """A saturating count of bad signs; every look at oneself gives the next one."""

    penalty: int = 0
    """0 is well; patience with silence is multiplied by ``1 + penalty``."""
    good_in_a_row: int = 0

    def after(self, *, lateness_s: float, tick_duration_s: float, interval_s: float, io_trouble: bool) -> "LocalHealth":
        """Return the health after one tick.

        Args:
            lateness_s: how late the tick began.
            tick_duration_s: how long it took, the waiting for the gateway's answer included.
            interval_s: time between two ticks as configured.
            io_trouble: whether the journal could not write in time.
        """
        bad = lateness_s > LATE_TICKS * interval_s or tick_duration_s > interval_s or io_trouble
        if bad:
            return LocalHealth(min(PENALTY_MAX, self.penalty + 1))
        if self.good_in_a_row + 1 < _GOOD_TICKS_TO_HEAL:
            return replace(self, good_in_a_row=self.good_in_a_row + 1)
        return LocalHealth(max(0, self.penalty - 1))
