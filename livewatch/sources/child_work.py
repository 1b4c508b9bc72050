"""Whether the children that a session waits for are working, as the operating system sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import psutil

_MAX_CHILDREN = 64
_MAX_DESCENDANTS = 20
_Spent = dict[tuple[int, float], tuple[float, ...]]
"""CPU seconds and I/O counters by process identity (pid and creation time)."""


@dataclass(slots=True)
class _Child:
    process: psutil.Process
    spent: _Spent | None = None
    working_s: float | None = None


@dataclass(slots=True)
class ChildWork:
    """Remembers when each child, or one of its descendants, last used CPU or did I/O."""

    _children: dict[int, _Child] = field(default_factory=dict[int, _Child])

    def look(self, pids: frozenset[int], now_s: float) -> Mapping[int, float]:
        """Look at the children once; return the last moment of work for those that were ever seen working.

        At most 64 children with 20 descendants each are looked at.
        """
        self._children = {pid: child for pid, child in self._children.items() if pid in pids}
        if not pids:
            return MappingProxyType({})
        family = _family()
        for pid in sorted(pids)[:_MAX_CHILDREN]:
            child = self._known(pid)
            if child is not None:
                _look_at(child, family, now_s)
        found = ((pid, child.working_s) for pid, child in self._children.items())
        return MappingProxyType({pid: working_s for pid, working_s in found if working_s is not None})

    def _known(self, pid: int) -> _Child | None:
        child = self._children.get(pid)
        if child is None or not child.process.is_running():
            try:
                self._children[pid] = child = _Child(psutil.Process(pid))
            except (psutil.Error, ValueError, OverflowError):
                return None  # it ended; what was seen of it stays
        return child


def _look_at(child: _Child, family: Mapping[int, list[psutil.Process]], now_s: float) -> None:
    before = child.spent
    child.spent = spent = _spent([child.process, *_descendants(child.process.pid, family)])
    if before is None:
        return
    if any(values > before[who] if who in before else True for who, values in spent.items()):
        child.working_s = now_s


def _spent(processes: list[psutil.Process]) -> _Spent:
    spent: _Spent = {}
    for process in processes:
        try:
            times = process.cpu_times()
            spent[process.pid, process.create_time()] = (times.user + times.system, *_io(process))
        except psutil.Error:
            continue
    return spent


def _io(process: psutil.Process) -> tuple[float, ...]:
    try:
        counters = process.io_counters()
    except (psutil.Error, AttributeError):  # not permitted, or not offered by this system
        return ()
    return (counters.read_count, counters.write_count, counters.read_bytes, counters.write_bytes)


def _family() -> dict[int, list[psutil.Process]]:
    """Return every process by its parent's pid: one walk for all children."""
    found: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        found.setdefault(process.info["ppid"], []).append(process)
    return found


def _descendants(pid: int, family: Mapping[int, list[psutil.Process]]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    waiting = [pid]
    while waiting and len(found) < _MAX_DESCENDANTS:
        for process in family.get(waiting.pop(0), []):
            if len(found) < _MAX_DESCENDANTS:
                found.append(process)
                waiting.append(process.pid)
    return found
