"""What the operating system says about one process, in one cheap look."""

from dataclasses import dataclass
from pathlib import Path

import psutil

from livewatch.sources.small_file import read_text
from livewatch_classifiers.vocabulary import ProcessState

_OWN = Path("/proc/self")
_STATES = {
    "R": ProcessState.RUNNING,
    "S": ProcessState.SLEEPING,
    "D": ProcessState.UNKNOWN,  # waits in the kernel: for a disk, or frozen by a version 1 control group
    "I": ProcessState.SLEEPING,
    "T": ProcessState.STOPPED,
    "t": ProcessState.STOPPED,
    "Z": ProcessState.GONE,
    "X": ProcessState.GONE,
    "x": ProcessState.GONE,
}
_PSUTIL_STATES = {
    psutil.STATUS_RUNNING: ProcessState.RUNNING,
    psutil.STATUS_SLEEPING: ProcessState.SLEEPING,
    psutil.STATUS_DISK_SLEEP: ProcessState.UNKNOWN,
    psutil.STATUS_STOPPED: ProcessState.STOPPED,
    psutil.STATUS_TRACING_STOP: ProcessState.STOPPED,
    psutil.STATUS_ZOMBIE: ProcessState.GONE,
    psutil.STATUS_DEAD: ProcessState.GONE,
}
_LARGEST_PID = 1 << 31


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """State and identity of a process. ``start_ticks`` is 0 and ``major_faults`` ``None`` where there is no /proc."""

    state: ProcessState
    start_ticks: int = 0
    major_faults: int | None = None

    @classmethod
    def of(cls, pid: int) -> "ProcessStat | None":
        """Look at a process; ``None`` when there is no such process."""
        if not 0 < pid < _LARGEST_PID:
            return None
        try:
            return cls.parse(read_text(f"/proc/{pid}/stat"))
        except (FileNotFoundError, ProcessLookupError):
            return None if _OWN.exists() else _without_proc(pid)
        except OSError:
            return cls(ProcessState.UNKNOWN)

    @classmethod
    def parse(cls, text: str) -> "ProcessStat":
        """Read a line of ``/proc/PID/stat``; the command's name may itself contain spaces and parentheses."""
        fields = text.rpartition(")")[2].split()
        try:
            return cls(_STATES.get(fields[0], ProcessState.UNKNOWN), int(fields[19]), int(fields[9]))
        except (IndexError, ValueError):
            return cls(ProcessState.UNKNOWN)


def _without_proc(pid: int) -> ProcessStat | None:
    try:
        return ProcessStat(_PSUTIL_STATES.get(psutil.Process(pid).status(), ProcessState.UNKNOWN))
    except psutil.NoSuchProcess:
        return None
    except psutil.Error:
        return ProcessStat(ProcessState.UNKNOWN)
