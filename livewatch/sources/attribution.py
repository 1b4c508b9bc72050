"""What stopped the loop. Pure."""

from dataclasses import dataclass

from livewatch_classifiers.vocabulary import StallCause

HALF = 0.5
"""A cause must account for at least half of what the loop stood."""


@dataclass(frozen=True, slots=True)
class StallFacts:
    """What was seen in the time in which the loop stood for ``stalled_s`` seconds; ``None`` for what was not."""

    stalled_s: float
    collected_s: float = 0.0
    """In the garbage collector."""
    thread_late_s: float | None = None
    """By how much another thread of the same process was late in that time."""
    cpu_cores: float | None = None
    """What the process used of the CPU."""
    host_share: float | None = None
    """Share of time in which the host kept it from a CPU: stolen, throttled, or ready and waiting."""
    thrashing: bool = False
    suspended: bool = False


def stall_cause(facts: StallFacts) -> StallCause:
    """Return why the loop stood, or ``unknown`` when it did not.

    The host is asked before the code: nobody is blamed for what the machine did. Of the code, the collector first, for
    it also holds the GIL; and a process whose threads were all late without using the CPU was stopped, not busy.
    """
    if facts.suspended:
        return StallCause.SUSPEND
    if facts.thrashing:
        return StallCause.HOST
    if facts.stalled_s <= 0:
        return StallCause.UNKNOWN
    if facts.host_share is not None and facts.host_share >= HALF:
        return StallCause.HOST
    enough_s = facts.stalled_s * HALF
    if facts.collected_s >= enough_s:
        return StallCause.GARBAGE_COLLECTION
    if facts.thread_late_s is None or facts.thread_late_s < enough_s or facts.cpu_cores is None:
        return StallCause.OWN_CODE
    return StallCause.GIL if facts.cpu_cores >= HALF else StallCause.STOPPED
