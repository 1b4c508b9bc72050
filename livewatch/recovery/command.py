"""Running the operator's restart command: an argument list, never a shell, in a thread of its own, bounded in time."""

import asyncio
import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from typing import IO

from livewatch_classifiers.decision import Reply, ReplyStatus

_TOLD_BYTES = 2_000


async def run_command(argv: Sequence[str], timeout_s: float) -> Reply:
    """Run a command and return how it ended; never raises, and ends within ``timeout_s`` seconds plus a moment.

    Only the command itself is killed when its time is up, never what it started: that may be the gateway. For the same
    reason its output goes to a file and not to a pipe, which a gateway in the background would keep open.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Reply] = loop.create_future()

    def tell(reply: Reply) -> None:
        if not answer.done():
            answer.set_result(reply)

    def work() -> None:
        reply = _run(argv, timeout_s)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, reply)

    threading.Thread(target=work, name="livewatch.restart", daemon=True).start()
    return await answer


def _run(argv: Sequence[str], timeout_s: float) -> Reply:
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except (OSError, ValueError) as error:
            return Reply(ReplyStatus.FAILED, f"{argv[0]} cannot be started ({error})")
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return Reply(ReplyStatus.TIMED_OUT, f"{argv[0]} did not end within {timeout_s:g} s{_last_line(output)}")
        if code == 0:
            return Reply(ReplyStatus.DONE, f"{argv[0]} ended with 0")
        return Reply(ReplyStatus.FAILED, f"{argv[0]} ended with {code}{_last_line(output)}")


def _last_line(output: IO[bytes]) -> str:
    size = output.seek(0, 2)
    output.seek(max(0, size - _TOLD_BYTES))
    lines = output.read().decode("utf-8", "replace").split("\n")
    told = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {told}" if told else ""
