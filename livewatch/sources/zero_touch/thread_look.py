"""One look at one thread through /proc: two files, some microseconds, readable by any user of the host."""

import os
import time
from pathlib import Path

from livewatch.sources.zero_touch.loop_state import ThreadSample

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_BORN = 19
"""Place of the start time after the command's name."""


class ThreadLook:
    """Looks at one thread of one incarnation of a process.

    Raises:
        ProcessLookupError: from `look`, when the thread is gone or the pid was given to somebody else.
        OSError: from `look`, when it may not be read.
    """

    def __init__(self, pid: int, tid: int | None = None, *, proc: Path = Path("/proc")) -> None:
        """Watch ``tid``, by default the main thread: asyncio's and Node's loop."""
        self._folder = proc / str(pid) / "task" / str(tid or pid)
        self._born: str | None = None

    def look(self) -> ThreadSample:
        """Read state, CPU time and voluntary switches."""
        try:
            fields = (self._folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            status = (self._folder / "status").read_text("utf-8", "replace")
        except FileNotFoundError as error:
            raise ProcessLookupError(str(self._folder)) from error
        if len(fields) <= _BORN:
            raise OSError(f"{self._folder}/stat is not readable as such")
        born = fields[_BORN]
        if self._born not in (None, born) or fields[0] in "ZXx":
            raise ProcessLookupError(f"{self._folder} is another process now")
        self._born = born
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        line = next((line for line in status.splitlines() if line.startswith("voluntary_ctxt_switches")), ":0")
        return ThreadSample(time.monotonic(), fields[0], cpu_s, int(line.partition(":")[2]))
