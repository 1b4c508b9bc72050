"""Tool calls: child processes that really run, and really end when their call is cancelled."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence


async def run_tool(argv: Sequence[str], *, started: Callable[[int], None], output: Callable[[bytes], None]) -> int:
    """Run one child process and return its exit code.

    Args:
        argv: program and arguments. The program must not leave children of its own behind when it is killed.
        started: told the pid.
        output: told each line of standard output or standard error.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        started(process.pid)
        assert process.stdout is not None
        async for line in process.stdout:
            output(line)
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
