"""A gateway with one session and levers that only say what they were asked; ends when standard input does."""

import asyncio
import json
import sys
from pathlib import Path

from livewatch.probe import Levers, Probe


def say(**facts: object) -> None:
    """Print one line at once."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class SayingLevers(Levers):
    """Every lever works, and changes nothing."""

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """Say so."""
        say(pulled="abort_run", session=session, run=run_id, cause=cause)
        return 0

    def release_lane(self, session: str, cause: str) -> int | None:
        """Say so."""
        say(pulled="release_lane", session=session, cause=cause)
        return 0

    def drain(self, timeout_s: float) -> None:
        """Say so."""
        say(pulled="drain", timeout_s=timeout_s)


async def serve(board: Path, socket: Path) -> None:
    """Hold one run until nobody reads any more."""
    async with Probe.open(board, socket, levers=SayingLevers(), capacity=16) as probe:
        session = probe.session("k")
        async with session.run("r1") as run:
            with run.model_call("m"):
                probe.ready()
                say(ready=True, generation=session.generation, handle=run.handle)
                await asyncio.to_thread(sys.stdin.read)
    say(ended=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
