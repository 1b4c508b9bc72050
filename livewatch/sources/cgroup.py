"""The control group that a process lives in: its own pressure, how long its CPU quota held it up, its memory limit."""

import os.path
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from livewatch.sources.small_file import text_of

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")
_UNLIMITED_BYTES = 1 << 60
"""Version 1 says "no limit" with a number near 2 ** 63."""


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """Folders of one group: the unified one (version 2) and, where the system still has them, those of version 1."""

    unified: str | None
    cpu: str | None = None
    memory: str | None = None

    @classmethod
    def of(cls, pid: int, *, proc: Path = PROC, groups: Path = GROUPS) -> "ControlGroup":
        """Return the group of a process; without folders where there are no control groups or it may not be read."""
        places: dict[str, str] = {}
        for line in text_of(f"{proc}/{pid}/cgroup").splitlines():
            number, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            for name in controllers.split(",") if controllers else [number]:
                places[name] = path.lstrip("/")
        return cls(
            unified=_folder(places.get("0"), [f"{groups}", f"{groups}/unified"], "cgroup.procs"),
            cpu=_folder(places.get("cpu"), [f"{groups}/cpu", f"{groups}/cpu,cpuacct"], "cpu.stat"),
            memory=_folder(places.get("memory"), [f"{groups}/memory"], "memory.limit_in_bytes"),
        )

    def pressure(self, resource: str) -> str:
        """Return the text of the group's pressure file of ``cpu``, ``memory`` or ``io``; empty where there is none."""
        return "" if self.unified is None else text_of(f"{self.unified}/{resource}.pressure")

    def throttled_s(self) -> float | None:
        """Return how long its CPU quota has held the group up, in seconds since it began."""
        for folder, name, per_s in ((self.unified, "throttled_usec", 1e6), (self.cpu, "throttled_time", 1e9)):
            if folder is not None:
                for line in text_of(f"{folder}/cpu.stat").splitlines():
                    key, _, value = line.partition(" ")
                    if key == name and value.strip().isdigit():
                        return int(value) / per_s
        return None

    def frozen(self) -> bool:
        """Return whether somebody froze the group (``docker pause``): its processes then look asleep and are not."""
        return self.unified is not None and "frozen 1" in text_of(f"{self.unified}/cgroup.events").splitlines()

    def memory_limit_bytes(self) -> int | None:
        """Return the smallest limit on the way up to the root, or ``None`` where there is none."""
        if self.unified is not None:
            limits = [_bytes(text_of(f"{folder}/memory.max")) for folder in _upwards(self.unified)]
            return min((limit for limit in limits if limit is not None), default=None)
        return None if self.memory is None else _bytes(text_of(f"{self.memory}/memory.limit_in_bytes"))


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _folder(path: str | None, roots: Sequence[str], file: str) -> str | None:
    """Return the group's folder; from inside a container the host's path does not exist, but the root is the group."""
    if path is None:
        return None
    found = [*(f"{root}/{path}" for root in roots if path), *roots]
    return next((folder for folder in found if os.path.exists(f"{folder}/{file}")), None)  # noqa: PTH110 -- see above


def _bytes(text: str) -> int | None:
    limit = text.strip()
    return int(limit) if limit.isdigit() and int(limit) < _UNLIMITED_BYTES else None
