"""When the host is the sick one: pages come and go faster than work can be done, and nobody in it is to blame."""

from livewatch.sources.host_reading import HostReading

MAJOR_FAULTS_PER_S = 1000.0
SWAP_USED = 0.6
MEMORY_PRESSURE = 0.2
"""OpenClaw 107415: 11,168 major faults a second with 74 % of the swap in use, and three healthy runs were aborted.

The limits lie well below that and well above a process that starts (a short burst of faults, no swap, no pressure).
"""


def thrashing(reading: HostReading) -> bool:
    """Return whether the host thrashed while this was measured; what cannot be seen does not count."""
    faults = reading.major_faults_per_s
    if faults is None or faults < MAJOR_FAULTS_PER_S:
        return False
    full = reading.swap_used is not None and reading.swap_used >= SWAP_USED
    pressed = reading.memory_pressure is not None and reading.memory_pressure >= MEMORY_PRESSURE
    return full or pressed
