"""The operator's command: run as given, bounded, never by a shell, and never in the way of the loop."""

import asyncio
import os
import sys
import threading
from pathlib import Path

from livewatch.recovery.command import run_command
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.decision import ReplyStatus
from tests.waiting import until


def python(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


async def test_a_command_that_ends_well_is_done() -> None:
    assert (await run_command(python("pass"), 20.0)).status is ReplyStatus.DONE


async def test_a_command_that_fails_tells_its_code_and_last_line() -> None:
    reply = await run_command(python("import sys; print('no such unit', file=sys.stderr); sys.exit(5)"), 20.0)

    assert reply.status is ReplyStatus.FAILED
    assert reply.detail.endswith("ended with 5: no such unit")


async def test_a_command_that_does_not_exist_fails() -> None:
    reply = await run_command(["/nonexistent/restart"], 20.0)

    assert reply.status is ReplyStatus.FAILED
    assert "cannot be started" in reply.detail


async def test_words_are_arguments_and_no_shell_reads_them(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    word = f"; touch {trap} $(touch {trap})"
    await run_command(python("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", tmp_path / "seen", word), 20.0)

    assert (tmp_path / "seen").read_text() == word
    assert not trap.exists()


async def test_a_command_that_does_not_end_is_killed_but_what_it_started_lives(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    child = (
        "import subprocess, sys, threading; "
        "p = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()']); "
        "open(sys.argv[1] + '.new', 'w').write(str(p.pid)); "
        "import os; os.rename(sys.argv[1] + '.new', sys.argv[1]); threading.Event().wait()"
    )
    running = asyncio.create_task(run_command(python(child, started), 3.0))
    await asyncio.to_thread(until, started.exists)
    reply = await running
    pid = int(started.read_text())

    assert reply.status is ReplyStatus.TIMED_OUT
    assert ProcessStat.of(pid) is not None
    os.kill(pid, 9)


async def test_a_gateway_left_in_the_background_does_not_keep_the_command_from_ending(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    program = (
        "import subprocess, sys; "
        "p = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()']); "
        "open(sys.argv[1], 'w').write(str(p.pid))"
    )
    reply = await run_command(python(program, started), 20.0)
    os.kill(int(started.read_text()), 9)

    assert reply.status is ReplyStatus.DONE


async def test_the_loop_goes_on_while_the_command_runs(tmp_path: Path) -> None:
    go = tmp_path / "go"
    os.mkfifo(go)
    running = asyncio.create_task(run_command(python("import sys; open(sys.argv[1]).read()", go), 20.0))
    await asyncio.to_thread(until, lambda: any(t.name == "livewatch.restart" for t in threading.enumerate()))
    assert not running.done()  # this line runs: the loop is free
    await asyncio.to_thread(go.write_text, "")

    assert (await running).status is ReplyStatus.DONE
