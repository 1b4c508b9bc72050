import asyncio

import psutil
import pytest

from livewatch.demo.tools import run_tool


async def test_a_tool_reports_its_pid_each_line_and_its_exit_code() -> None:
    pids: list[int] = []
    lines: list[bytes] = []
    code = await run_tool(["sh", "-c", "echo one; echo two >&2; exit 3"], started=pids.append, output=lines.append)
    assert code == 3
    assert lines == [b"one\n", b"two\n"]
    assert len(pids) == 1


async def test_a_cancelled_tool_call_leaves_no_child_behind() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(run_tool(["sleep", "86400"], started=started.set_result, output=lambda _line: None))
    pid = await started
    assert psutil.pid_exists(pid)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(pid)
