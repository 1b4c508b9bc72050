"""A gateway that does what its standard input says, a word or two a line, and prints a JSON line for what happens.

``hang KEY``: a run that begins and never moves. ``work KEY``: one that always moves. ``slow SECONDS``: from now on a
lever takes so long. ``fork KEY``: a child of this process tells progress of that session's run, again and again.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from livewatch.probe import Levers, Probe
from livewatch.probe.run import Run


def say(**facts: object) -> None:
    """Print one line at once."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Gateway(Levers):
    """Its levers really end what they are pulled for."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.slow_s = 0.0
        self.probe: Probe | None = None

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """End the run."""
        say(pulled="abort_run", session=session, run=run_id, cause=cause)
        time.sleep(self.slow_s)
        task = self.tasks.get(session)
        if task is not None:
            task.cancel()
        say(done="abort_run", session=session)
        return None

    async def do(self, word: str, argument: str) -> None:
        """Follow one line."""
        if word == "slow":
            self.slow_s = float(argument)
        elif word == "fork":
            self._fork(argument)
        else:
            begun = asyncio.Event()
            self.tasks[argument] = asyncio.create_task(self._session(argument, begun, moves=word == "work"))
            await begun.wait()
        say(did=word, argument=argument)

    async def _session(self, key: str, begun: asyncio.Event, *, moves: bool) -> None:
        assert self.probe is not None
        session = self.probe.session(key)
        async with session.run(f"run-{key}") as run:
            self.runs[key] = run
            with run.model_call("m"):
                begun.set()
                while True:
                    if moves:
                        run.progress()
                    await asyncio.sleep(0.02 if moves else 3600.0)

    def _fork(self, key: str) -> None:
        run, parent = self.runs[key], os.getpid()
        if os.fork() == 0:
            for _ in range(200):
                run.progress()
            say(child=os.getpid())
            while os.getppid() == parent:
                run.progress()
                time.sleep(0.01)
            os._exit(0)


async def serve(board: Path, socket: Path) -> None:
    """Serve until standard input ends."""
    gateway = Gateway()
    async with Probe.open(board, socket, levers=gateway, capacity=64) as probe:
        gateway.probe = probe
        probe.ready()
        say(ready=os.getpid())
        while line := await asyncio.to_thread(sys.stdin.readline):
            word, _, argument = line.strip().partition(" ")
            await gateway.do(word, argument)
        for task in gateway.tasks.values():
            task.cancel()
        await asyncio.gather(*gateway.tasks.values(), return_exceptions=True)
    say(ended=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
