"""What the agent costs beside one tick: fifty boards in one process, starting up, and resident memory."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from livewatch.agent import Agent
from livewatch.clock import SystemClock
from livewatch.sources.board import BoardSource
from tests.bench.figures import Figure, figure
from tests.bench.tick import Crowd, NoIntents


async def many_boards(folder: Path, count: int = 50, sessions: int = 100, rounds: int = 7) -> list[Figure]:
    """Return the CPU time of one round over many boards of which 1 % of the sessions progressed, against one board."""
    crowds = [Crowd(folder / f"many-{number}", sessions) for number in range(count)]
    agents = [
        Agent(
            BoardSource(crowd.writer.path, None, SystemClock(), name=f"b{number}"),
            clock=SystemClock(),
            intents=NoIntents(),
        )
        for number, crowd in enumerate(crowds)
    ]
    await asyncio.gather(*(agent.tick() for agent in agents))
    costs: dict[int, list[float]] = {1: [], count: []}
    for _ in range(rounds):
        for number, found in costs.items():
            for crowd in crowds[:number]:
                crowd.progress(0.01)
                crowd.beat()
            began_s = time.process_time()
            for agent in agents[:number]:
                await agent.tick()
            found.append((time.process_time() - began_s) * 1e3)
    for agent, crowd in zip(agents, crowds, strict=True):
        await agent.close()
        crowd.writer.close()
    one = figure(f"1 board of {sessions}, a round", costs[1], "ms", "1 board", 1.0)
    return [
        figure(one.name, costs[1], "ms", "1 board", one.median),
        figure(f"{count} boards of {sessions}, a round", costs[count], "ms", "1 board", one.median),
    ]


def start_up(rounds: int = 5) -> list[Figure]:
    """Return how long short commands take in a process of their own, against an interpreter that does nothing."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "livewatch --help": ["-c", "from livewatch.cli import main; main(['--help'])"],
        "livewatch status": ["-c", "from livewatch.cli import main; main(['status', '--name', 'nobody'])"],
        "import livewatch.service": ["-c", "import livewatch.service"],
    }
    costs = {name: [_run_ms(arguments) for _ in range(rounds)] for name, arguments in commands.items()}
    baseline = "python -c pass"
    base = sorted(costs[baseline])[rounds // 2]
    return [figure(name, found, "ms", baseline, base) for name, found in costs.items()]


def resident(rounds: int = 3) -> list[Figure]:
    """Return the resident memory of processes that only import what an agent runs on, in MiB."""
    costs = {
        name: [_resident_mib(code) for _ in range(rounds)]
        for name, code in (("interpreter", "pass"), ("agent with export, imported", "import livewatch.service"))
    }
    base = sorted(costs["interpreter"])[rounds // 2]
    return [figure(f"RSS, {name}", found, "MiB", "interpreter", base) for name, found in costs.items()]


def _run_ms(arguments: list[str]) -> float:
    began_s = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return (time.perf_counter() - began_s) * 1e3


def _resident_mib(code: str) -> float:
    # of this very process: what getrusage calls its peak may be that of whoever started it
    tell = f"{code}\nfrom pathlib import Path\nprint(Path('/proc/self/status').read_text())"
    found = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
