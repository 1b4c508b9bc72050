"""Whether the host slept since the last look: boot time goes on while it does, monotonic time does not."""

from livewatch.clock import Clock

_SUSPEND_S = 0.5
"""Growth of boot time over monotonic time that cannot be two clocks read one after the other."""


class SleepWatch:
    """Ask it once per look. Ages need no correction for it: `CLOCK_MONOTONIC` stood as well."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asleep_s: float | None = None

    def slept(self) -> bool:
        """Return whether the host was suspended since the last call; false at the first, and where no clock tells."""
        asleep_s = self._clock.boottime_s() - self._clock.monotonic_s()
        before, self._asleep_s = self._asleep_s, asleep_s
        return before is not None and asleep_s - before > _SUSPEND_S
