"""Runs ``livewatch`` with a witness that writes down which files its main thread opens once it ticks.

Usage: ``python -m tests.live.deciding_thread REPORT run --board ...``
"""

import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from livewatch.agent import Agent
from livewatch.cli import main
from livewatch_classifiers.report import TickReport

_FILES = frozenset({"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "sqlite3.connect"})
_PLACES = 8
_SETTLED = 3
"""Ticks after which everything is loaded that is loaded but once."""


class Witness:
    """Notes what only the thread that decides does."""

    def __init__(self, report: Path) -> None:
        self.ticks = 0
        self.seen: set[str] = set()
        self._report = report
        self._decider = threading.main_thread().ident

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note one event of Python's own audit."""
        if self.ticks < _SETTLED or threading.get_ident() != self._decider:
            return
        if event in _FILES:
            self.seen.add(f"{event} {arguments[0]!r} at {_where(sys._getframe(1))}")

    def profile(self, frame: Any, event: str, _argument: object) -> None:
        """Note calls into psutil."""
        name = str(frame.f_globals.get("__name__", ""))
        if event == "call" and self.ticks >= _SETTLED and name.split(".", maxsplit=1)[0] == "psutil":
            self.seen.add(f"psutil: {frame.f_code.co_qualname}")

    def tell(self) -> None:
        """Write down what was seen so far, through a thread that may."""
        lines = [f"{self.ticks} ticks", *sorted(self.seen)]
        threading.Thread(target=self._report.write_text, args=("\n".join(lines),)).start()


def _where(frame: FrameType | None) -> str:
    """Return the innermost places; the traceback module would open files itself."""
    places: list[str] = []
    while frame is not None and len(places) < _PLACES:
        places.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(places)


def watched(witness: Witness) -> None:
    """Let every tick of the agent be counted."""
    tick = Agent.tick

    async def counted(self: Agent, *, lateness_s: float = 0.0) -> TickReport:
        report = await tick(self, lateness_s=lateness_s)
        witness.ticks += 1
        if witness.ticks % 10 == 0:
            witness.tell()
        return report

    Agent.tick = counted  # type: ignore[method-assign]  # the witness is the point of this program


if __name__ == "__main__":
    found = Witness(Path(sys.argv.pop(1)))
    watched(found)
    sys.addaudithook(found.hook)
    sys.setprofile(found.profile)
    main()
