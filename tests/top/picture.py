"""Draws the picture of `livewatch top` from a real run: ``python -m tests.top.picture docs/img/top.svg``.

A real gateway is broken in several ways under a real agent that may release lanes and nothing more, so that rows of
every label and a repair are there at the same time.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from textual.pilot import Pilot

from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient
from livewatch.top.agent_vantage import AgentVantage
from livewatch.top.app import TopApp
from livewatch.top.contact import Contact
from livewatch.top.main_screen import MainScreen
from livewatch.top.model import Model
from livewatch_classifiers.vocabulary import Attention

SIZE = (118, 26)
DEADLINE_S = 60.0
QUIET_S = 5.0
"""How long the loop's delay is drawn before anything is broken."""
PROVEN_S = 21.0
SLOW = 3
SLOWLY_SICK = {"agent:main:telegram:direct:49151": Fault.ZOMBIE_RUN, "agent:ops:cron:nightly": Fault.ORPHANED_TOOL_CALL}
"""What takes half a minute to be proven, or repaired."""
SICK = {
    "agent:main:main": Fault.HUNG_MODEL_CALL,
    "agent:main:slack:channel:releases": Fault.SLOW_STREAM,
    "agent:build:subagent:7f2c": Fault.LONG_TOOL,
    "agent:main:whatsapp:group:family": Fault.APPROVAL_WAIT,
}
SETTINGS = """
[thresholds]
warn_after = "3s"
abort_after = "9s"
[recovery]
mode = "release"
startup_grace = "0s"
resume_grace = "0s"
healthy_for = "0s"
"""


def main(path: Path) -> None:
    """Play once and write the picture."""
    with tempfile.TemporaryDirectory(prefix="lw") as folder, _playing(Path(folder)):
        svg = asyncio.run(_drawn(Path(folder)))
    path.write_text(without_fonts(svg), encoding="utf-8")
    sys.stdout.write(f"{path}: {path.stat().st_size // 1024} KiB\n")


def without_fonts(svg: str) -> str:
    """Return a picture that loads nothing from elsewhere: it is drawn in the reader's own monospaced font."""
    return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)


@contextmanager
def _playing(folder: Path) -> Iterator[None]:
    """Run a gateway and an agent that watches it."""
    (folder / "livewatch.toml").write_text(SETTINGS, encoding="utf-8")
    paths = ["--board", "board", "--socket", "control"]
    agent = ["run", *paths, "--agent-socket", "agent", "--state-dir", ".", "--config", "livewatch.toml", "--wait"]
    commands = [["demo-gateway", *paths, "--sessions", "9"], [*agent, "--name", "gateway-1", "--interval", "500ms"]]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            told = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
            running.append(subprocess.Popen([sys.executable, "-m", "livewatch", *command], cwd=folder, **told))
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


async def _drawn(folder: Path) -> str:
    """Show the screen, break the gateway, and return the moment at which there is most to see."""
    app = TopApp(AgentVantage(folder / "agent"), Model(Contact("the agent", 0.5)))
    async with app.run_test(size=SIZE) as pilot:
        shown = app.screen_stack[0]
        assert isinstance(shown, MainScreen)
        await _until(pilot, lambda: len(shown.model.rows) >= 9)
        await asyncio.sleep(QUIET_S)
        async with InboundClient(folder / "board.inbound") as client:
            await _break(client, SLOWLY_SICK)
            await asyncio.sleep(PROVEN_S)
            await client.inject(Fault.BLOCKED_LOOP, "", seconds=0.8)
            await _break(client, SICK)
            await _until(pilot, lambda: _telling(shown.model))
        await pilot.press("home", "down")
        await pilot.pause()
        return app.export_screenshot(title="livewatch top")


async def _break(client: InboundClient, faults: Mapping[str, Fault]) -> None:
    """Bring faults about, with a message behind each."""
    for key, fault in faults.items():
        await client.inject(fault, key)
        await client.send(key, "answer 2")


def _telling(model: Model) -> bool:
    """Return whether every label is there, several are only slow, and a lane was released."""
    labels = [row.attention for row in model.rows]
    slow = labels.count(Attention.LONG_RUNNING)
    return set(labels) == set(Attention) and slow >= SLOW and bool(model.status["last_actions"])


async def _until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > ends_s:
            raise TimeoutError("the gateway never looked as the picture needs it")
        await pilot.pause()
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
