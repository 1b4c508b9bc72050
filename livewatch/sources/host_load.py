"""What the machine has done so far: swapping, and time that its hypervisor gave to others. `since` makes rates."""

import os
from dataclasses import dataclass
from pathlib import Path

from livewatch.sources.cgroup import PROC
from livewatch.sources.small_file import text_of

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_STEAL = 7
"""Place of stolen time in the line of all CPUs together; guest time after it is counted in user time already."""


@dataclass(frozen=True, slots=True)
class HostLoad:
    """Running totals; ``None`` for what this system does not tell."""

    swapped_bytes: int | None = None
    """Read from and written to swap."""
    cpu_ticks: tuple[int, int] | None = None
    """Stolen by other guests of the hypervisor, and all there were."""

    @classmethod
    def now(cls, proc: Path = PROC) -> "HostLoad":
        """Read the totals."""
        pages = _words(text_of(f"{proc}/vmstat"), ("pswpin", "pswpout"))
        first = text_of(f"{proc}/stat").partition("\n")[0].split()
        ticks = [int(word) for word in first[1 : _STEAL + 2] if word.isdigit()] if first[:1] == ["cpu"] else []
        return cls(
            swapped_bytes=None if pages is None else sum(pages) * _PAGE_BYTES,
            cpu_ticks=(ticks[_STEAL], sum(ticks)) if len(ticks) > _STEAL else None,
        )

    def steal_since(self, before: "HostLoad") -> float | None:
        """Return the share of CPU time, 0 to 1, that went to other guests of the hypervisor."""
        if self.cpu_ticks is None or before.cpu_ticks is None:
            return None
        stolen, passed = (now - then for now, then in zip(self.cpu_ticks, before.cpu_ticks, strict=True))
        return None if passed <= 0 else min(1.0, max(0.0, stolen / passed))


def swap_used(proc: Path = PROC) -> float | None:
    """Return the share of swap in use, 0 to 1; ``None`` where there is no swap or no /proc."""
    sizes = _words(text_of(f"{proc}/meminfo").replace(":", " "), ("SwapTotal", "SwapFree"))
    if sizes is None or sizes[0] <= 0:
        return None
    return (sizes[0] - sizes[1]) / sizes[0]


def _words(text: str, names: tuple[str, str]) -> tuple[int, int] | None:
    lines = f"\n{text}"
    try:
        first, second = (int(lines.partition(f"\n{name} ")[2].split(maxsplit=1)[0]) for name in names)
    except (IndexError, ValueError):
        return None
    return first, second
