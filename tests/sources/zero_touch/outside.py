"""What the tests of plain servers share: start one, make it behave badly, and look from outside."""

import asyncio
import subprocess
import time
from collections.abc import Callable

from livewatch.clock import SystemClock
from livewatch.sources.base import SourceError
from livewatch.sources.process import ProcessSource
from livewatch_classifiers import Thresholds, VitalsVerdict
from livewatch_classifiers.vitals import classify_vitals
from livewatch_classifiers.vocabulary import VitalsState

DEADLINE_S = 30.0
_LOOK_EVERY_S = 0.02


class Server:
    """A server process, and a source that watches it."""

    def __init__(self, command: list[str]) -> None:
        self.host = "::1" if "::1" in command else "127.0.0.1"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.source = ProcessSource(SystemClock(), name="plain", pid=self.process.pid)

    async def close(self) -> None:
        """End the process."""
        await self.source.close()
        self.process.kill()
        self.process.communicate()


async def verdict(source: ProcessSource) -> VitalsVerdict:
    """Judge the server as the agent would."""
    try:
        snapshot = await source.sample()
    except SourceError as error:
        return VitalsVerdict(VitalsState.GONE if error.gone else VitalsState.UNRESPONSIVE)
    return classify_vitals(snapshot.vitals, Thresholds())


async def until(source: ProcessSource, wanted: Callable[[VitalsVerdict], bool]) -> VitalsVerdict:
    """Look until the verdict is as wanted, within a generous deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not wanted(found := await verdict(source)):
        assert time.monotonic() < deadline_s, f"it stays {found}"
        await asyncio.sleep(_LOOK_EVERY_S)
    return found


async def states(source: ProcessSource, looks: int) -> set[VitalsState]:
    """Return every state that is seen in so many looks at the loop's thread."""
    seen, moments = set[VitalsState](), set[float]()

    def enough(found: VitalsVerdict) -> bool:
        seen.add(found.state)
        attached = source._attached
        if attached is not None:
            moments.add(attached.watch.reading.looked_s)
        return len(moments) >= looks

    await until(source, enough)
    return seen
