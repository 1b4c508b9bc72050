"""An agent at rest for a while: sessions come, progress and go, and its memory, files, journal and CPU are watched."""

import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil

from tests.bench.tick import Crowd

SESSIONS, CHURN, SCRAPE_EVERY = 1_000, 5, 5
MIB = 1024 * 1024
ROUND_S = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The agent at one moment."""

    at_s: float
    rss_mib: float
    files: int
    cpu_s: float
    state_bytes: int
    """Everything in its state folder: the journal and its write-ahead log."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the soak found."""

    minutes: float
    sessions: int
    rss_first_mib: float
    rss_last_mib: float
    rss_slope_mib_per_h: float
    """Of the second half; the first is warm-up."""
    rss_noise_mib: float
    files_first: int
    files_last: int
    cpu_share: float
    state_bytes: int


class Churn:
    """Replaces a few sessions a round and lets a tenth of the others progress."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._oldest = deque(range(crowd.size))
        self._number = crowd.size

    def turn(self) -> None:
        """One round."""
        writer, now_ns = self._crowd.writer, time.monotonic_ns()
        for _ in range(CHURN):
            slot = self._oldest.popleft()
            self._number += 1
            values = {"state_since_ns": now_ns, "run_started_ns": now_ns, "activity_since_ns": now_ns}
            texts = {"key": f"agent:main:{self._number}", "run_id": f"r{self._number}"}
            writer.stamp(slot, now_ns)
            writer.write(slot, values, texts)
            self._oldest.append(slot)
        self._crowd.progress(0.1)
        self._crowd.beat()


def soak(folder: Path, minutes: float) -> Result:
    """Run an agent over a churning board for ``minutes`` and return what it cost."""
    crowd = Crowd(folder / "board", SESSIONS)
    churn, port, state = Churn(crowd), _free_port(), folder / "state"
    command = [sys.executable, "-m", "livewatch", "run", "--board", str(crowd.writer.path), "--mode", "observe"]
    command += ["--metrics-listen", f"127.0.0.1:{port}", "--state-dir", str(state)]
    command += ["--agent-socket", str(folder / "agent.sock")]
    log = (folder / "log").open("wb")
    with subprocess.Popen(command, stdout=log, stderr=log) as agent:
        try:
            moments = _watch(psutil.Process(agent.pid), churn, port, state, minutes * 60)
        finally:
            agent.terminate()
            log.close()
    return _result(moments, minutes)


def _watch(process: psutil.Process, churn: Churn, port: int, state: Path, length_s: float) -> list[Moment]:
    moments: list[Moment] = []
    began_s = time.monotonic()
    while (at_s := time.monotonic() - began_s) < length_s:
        churn.turn()
        if len(moments) % SCRAPE_EVERY == 0:
            with contextlib.suppress(OSError):  # it may not listen yet
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
        cpu = process.cpu_times()
        size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
        rss_mib = process.memory_info().rss / MIB
        moments.append(Moment(at_s, rss_mib, process.num_fds(), cpu.user + cpu.system, size))
        time.sleep(ROUND_S)
    return moments


def _result(moments: list[Moment], minutes: float) -> Result:
    later = moments[len(moments) // 2 :]
    hours = [moment.at_s / 3600 for moment in later]
    rss = [moment.rss_mib for moment in later]
    slope = statistics.linear_regression(hours, rss)
    noise = statistics.pstdev(r - slope.slope * h - slope.intercept for h, r in zip(hours, rss, strict=True))
    first, last = later[0], later[-1]
    return Result(
        minutes=minutes,
        sessions=SESSIONS,
        rss_first_mib=first.rss_mib,
        rss_last_mib=last.rss_mib,
        rss_slope_mib_per_h=slope.slope,
        rss_noise_mib=noise,
        files_first=first.files,
        files_last=last.files,
        cpu_share=(last.cpu_s - first.cpu_s) / (last.at_s - first.at_s),
        state_bytes=last.state_bytes,
    )


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="How long.")
def main(*, minutes: float) -> None:
    """Watch an agent at rest, and print what it cost as one JSON document."""
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        click.echo(json.dumps(asdict(soak(Path(name), minutes)), indent=2))


if __name__ == "__main__":
    os.environ.pop("LIVEWATCH_CONFIG", None)
    random.seed(9)
    sys.exit(main())
