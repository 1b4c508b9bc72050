"""A gateway that goes wrong as public reports describe; standard input orders it, a word and an argument a line.

``ready -``: it can serve. ``drain -``: it says that it drains, and does nothing else. ``block FILE``: its loop computes
until the file exists. ``interpreter SECONDS``: a call in C sleeps and keeps the interpreter's lock. ``asleep KEY`` and
``computing KEY``: a run that reports nothing, on the loop or in a thread. ``heard KEY``: a run that reports progress
once. ``tool KEY``: a run whose tool call never returns. ``repeat FACT``: from now on that fact is reported again and
again for the session of the tool call.
"""

import asyncio
import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from livewatch.probe import DropReason, Levers, Probe, Session

ALLOWANCE_S = 0.5
_REPEAT_EVERY_S = 0.02


def say(**facts: object) -> None:
    """Print one line at once."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Gateway(Levers):
    """Its one lever ends the run that it is pulled for."""

    def __init__(self, probe: Callable[["Gateway"], Probe]) -> None:
        self.ending = False
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.sessions: dict[str, Session] = {}
        self.repeating: asyncio.Task[None] | None = None
        self.probe = probe(self)

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """End the run."""
        say(pulled="abort_run", session=session, run=run_id, cause=cause)
        self.tasks[session].cancel()
        return None

    async def do(self, word: str, argument: str) -> None:
        """Follow one order; what keeps the loop is acknowledged before."""
        match word:
            case "ready":
                self.probe.ready()
            case "drain":
                self.probe.draining()
            case "block":
                say(did=word)
                _compute_until(Path(argument).exists)
                return
            case "interpreter":
                say(did=word)
                ctypes.PyDLL(None).usleep(int(float(argument) * 1e6))
                return
            case "repeat":
                self.repeating = asyncio.create_task(self._repeat(argument))
            case _:
                await self._begin(word, argument)
        say(did=word)

    async def _begin(self, word: str, key: str) -> None:
        begun = asyncio.Event()
        session = self.sessions[key] = self.probe.session(key)
        self.tasks[key] = asyncio.create_task(self._run(word, session, begun))
        await begun.wait()

    async def _run(self, word: str, session: Session, begun: asyncio.Event) -> None:
        never = asyncio.get_running_loop().create_future()
        async with session.run("r1") as run:
            begun.set()
            if word == "computing":
                await asyncio.to_thread(_compute_until, lambda: self.ending)
            elif word == "tool":
                with run.tool_call("bash", allowance=ALLOWANCE_S):
                    await never
            elif word == "heard":
                run.progress()
                await never
            else:
                await never

    async def _repeat(self, fact: str) -> None:
        depth = 0
        while True:
            depth += 1
            for session in self.sessions.values():
                session.queued(depth, time.monotonic_ns())
                if fact == "state":
                    session.state("processing")
                elif fact == "store":
                    session.in_store(known=True)
                elif fact == "heartbeat":
                    session.heartbeat_dropped(DropReason.LANE_BUSY)
            await asyncio.sleep(_REPEAT_EVERY_S)


def _compute_until(done: Callable[[], bool]) -> None:
    while not done():
        sum(range(2000))


async def serve(board: Path, socket: Path) -> None:
    """Serve until standard input ends."""
    gateway = Gateway(lambda levers: Probe.open(board, socket, levers=levers, capacity=16))
    async with gateway.probe:
        say(ready=os.getpid())
        while line := await asyncio.to_thread(sys.stdin.readline):
            word, _, argument = line.strip().partition(" ")
            await gateway.do(word, argument)
        gateway.ending = True
        for task in gateway.tasks.values():
            task.cancel()
        await asyncio.gather(*gateway.tasks.values(), return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
