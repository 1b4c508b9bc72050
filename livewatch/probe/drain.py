"""Ending well: no new runs, what is alive may finish, what outlived its own timeout is cleared and not waited for.

A drain that waits for a zombie ends in the supervisor's SIGKILL (OpenClaw 52224: 90 s of patience, ten times over;
78587, 81976): the cure must not depend on the disease.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from livewatch.probe.run import Run
from livewatch.probe.session import Session

_LOOK_EVERY_S = 0.05
_UNWIND_S = 1.0
"""How long a run that was cancelled at its timeout may take to clean up; most do, and are no zombies."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """How the runs ended that were under way when the drain began."""

    finished: tuple[str, ...]
    """Ids of runs that ended by themselves."""
    cleared: tuple[str, ...]
    """Ids of runs past their own timeout, which were force-cleared."""
    left: tuple[str, ...]
    """Ids of runs that were still alive when the time was over."""
    took_s: float


Clear = Callable[[Session, Run], None]
"""Removes one run's handle and lets its lane go on."""


async def drain(sessions: Callable[[], Iterable[Session]], clear: Clear, timeout_s: float) -> DrainReport:
    """Wait for the runs of these sessions; never longer than ``timeout_s`` seconds, whatever they do."""
    began_ns = time.monotonic_ns()
    waiting = [(session, run) for session in sessions() if (run := session.current) is not None]
    finished: list[str] = []
    cleared: list[str] = []
    while True:
        alive: list[tuple[Session, Run]] = []
        for session, run in waiting:
            if session.current is not run:
                finished.append(run.id)
            elif _outlived(run):
                clear(session, run)
                cleared.append(run.id)
            else:
                alive.append((session, run))
        waiting = alive
        took_s = (time.monotonic_ns() - began_ns) / 1e9
        if not waiting or took_s >= timeout_s:
            return DrainReport(tuple(finished), tuple(cleared), tuple(run.id for _, run in waiting), took_s)
        await asyncio.sleep(min(_LOOK_EVERY_S, timeout_s - took_s))


def _outlived(run: Run) -> bool:
    """Return whether a run is past its own timeout; it was asked to end then, and did not."""
    if run.timeout_s is None:
        return False
    return time.monotonic_ns() - run.started_ns > (run.timeout_s + _UNWIND_S) * 1e9
