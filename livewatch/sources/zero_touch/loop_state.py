"""What the loop's thread is doing, from a window of looks at its scheduler state. Pure.

Measured on asyncio and Node processes with nothing added to them: a serving loop gives up the processor voluntarily
many times a second; one that computes never does and burns a whole core; a stopped one is in state T; one that the
host starves is ready to run and gets no CPU. An idle loop and one that is blocked in a call look alike (asleep, no
switches): only a knock tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

COMPUTING_SHARE = 0.8
"""CPU share of one core from which a loop without voluntary switches is computing."""
STARVED_SHARE = 0.2
"""CPU share up to which a thread that always wants to run is being starved."""


class LoopState(StrEnum):
    """What a window of looks says."""

    ACTIVE = "active"  # it woke up and slept: the selector runs, or a blocked loop naps or hands the GIL over
    QUIET = "quiet"  # asleep all the time: idle, or blocked in a call
    COMPUTING = "computing"  # never asleep: one long computation, or a loop that turns without rest
    STOPPED = "stopped"
    STARVED = "starved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ThreadSample:
    """One look at one thread."""

    at_s: float
    """Monotonic seconds."""
    state: str
    """One letter, as in field 3 of ``/proc/PID/task/TID/stat``."""
    cpu_s: float
    switches: int
    """Voluntary context switches since the thread began."""


def loop_state(window: Sequence[ThreadSample]) -> LoopState:
    """Return what the thread did between the first and the last look."""
    if len(window) < 2:  # noqa: PLR2004 -- a change needs two
        return LoopState.UNKNOWN
    first, last = window[0], window[-1]
    took_s = last.at_s - first.at_s
    if took_s <= 0 or last.switches < first.switches or last.cpu_s < first.cpu_s:
        return LoopState.UNKNOWN
    if last.state in "Tt":
        return LoopState.STOPPED
    share = (last.cpu_s - first.cpu_s) / took_s
    wanting = all(sample.state == "R" for sample in window)
    if wanting and share <= STARVED_SHARE:
        return LoopState.STARVED  # with six hogs on two cores it still slept 2 to 6 times in half a second
    if last.switches > first.switches:
        return LoopState.ACTIVE
    return LoopState.COMPUTING if wanting or share >= COMPUTING_SHARE else LoopState.QUIET
