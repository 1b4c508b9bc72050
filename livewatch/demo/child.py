"""Child processes of the demonstration: ended by pid, and ending by themselves when their parent dies."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path

_KILL_AFTER_S = 8.0


async def start_child(argv: Sequence[str], *, log: Path | None = None) -> Process:
    """Start a child that watches its standard input for the end of this process, and prints one line when ready.

    Args:
        argv: program and arguments.
        log: where its standard error goes; nowhere if not given.
    """
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log is not None else DEVNULL
        # Its own process group: Ctrl-C on the terminal must reach the driver only, which then ends everything in order.
        return await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, stderr=errors, process_group=0)


async def end_child(process: Process, *, kill_after_s: float = _KILL_AFTER_S) -> int:
    """Ask a child to end, kill it if it does not, and return its exit code; safe for one that has ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(kill_after_s):
                await process.wait()
        except TimeoutError:
            _kill_group(process)
    elif process.returncode != 0:
        _kill_group(process)  # it crashed and may have left tools behind
    code = await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    return code


def _kill_group(process: Process) -> None:
    """Kill the child and what it started; it leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
