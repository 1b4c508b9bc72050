"""An agent at rest for a while: sessions come, progress and go, and its memory, files, journal and CPU are watched.

The first half is warm-up, and takes about a quarter of an hour: memory that was reserved is touched for the first time
when a tick, a scrape and an export happen to coincide. A shorter run tells of that and not of growth.
"""

import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import psutil

from livewatch.probe.layout import NONE, STATES
from livewatch_classifiers.thresholds import Thresholds
from tests.bench.drift import PARTS, Drift, drift
from tests.bench.tick import Crowd

SESSIONS, CHURN, SCRAPE_EVERY = 1_000, 5, 5
BEATS, BEAT_S = 5, 0.2
"""Heartbeats of the board's loop in a round, and the time between them: a round takes a second."""
EXPORT_EVERY_S = 15
_KIB = re.compile(r"^(Rss\w+):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory and what it is made of, as Linux counts it."""

    rss_mib: float
    anonymous_mib: float
    """Heap, the interpreter's arenas, stacks: the only part that a leak can be in."""
    file_mib: float
    """Programs and libraries (other processes share them), the board, the index of the journal's log."""
    shmem_mib: float

    @classmethod
    def of(cls, pid: int) -> "Resident":
        """Return that of a process."""
        kib = dict(_KIB.findall(Path(f"/proc/{pid}/status").read_text(encoding="utf-8")))
        anonymous, file, shmem = (int(kib[name]) / 1024 for name in ("RssAnon", "RssFile", "RssShmem"))
        return cls(anonymous + file + shmem, anonymous, file, shmem)


@dataclass(frozen=True, slots=True)
class Moment:
    """The agent at one moment."""

    at_s: float
    memory: Resident
    files: int
    cpu_s: float
    state_bytes: int
    """Everything in its state folder: the journal and its write-ahead log."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the soak found."""

    minutes: float
    sessions: int
    first: Resident
    """When the second half began; the first is warm-up. A median, as the last."""
    last: Resident
    rss_drift_mib: Drift
    """Of the second half."""
    files_first: int
    files_last: int
    cpu_share: float
    state_bytes: int
    scrape_bytes: int
    """The last page of metrics, not compressed."""
    otlp_bytes_per_s: float
    otlp_exports: int


class Receiver:
    """Takes OTLP over HTTP and counts its bytes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        sizes = self.sizes

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sizes.append(len(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()


class Churn:
    """Every session in a turn: a few are replaced each round, a tenth of the others progress."""

    def __init__(self, crowd: Crowd, churn: int) -> None:
        self._crowd = crowd
        self._churn = churn
        self._oldest = deque(range(crowd.size))
        self._number = crowd.size

    def turn(self) -> None:
        """One round."""
        for _ in range(self._churn):
            slot = self._oldest.popleft()
            self._number += 1
            self._crowd.begin_turn(slot, {"key": f"agent:main:{self._number}", "run_id": f"r{self._number}"})
            self._oldest.append(slot)
        self._crowd.progress(0.1)


class Rest:
    """Nine of ten sessions are idle; the others work, each turn for as many seconds as there are working sessions."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._working = deque(range(crowd.size // 10))
        idle = {"state": STATES.index("idle"), "activity": NONE, "owner": 0}
        for slot in range(len(self._working), crowd.size):
            crowd.writer.write(slot, idle, {"run_id": "", "handle": ""})

    def turn(self) -> None:
        """One round: one turn ends and another begins, all that work progress."""
        self._crowd.begin_turn(self._working[0], {"run_id": f"r{time.monotonic_ns()}"})
        self._working.rotate(-1)
        for slot in self._working:
            self._crowd.writer.stamp(slot, time.monotonic_ns())


def soak(folder: Path, minutes: float, churn: int, speed: float = 1.0) -> Result:
    """Run an agent over a board for ``minutes`` and return what it cost. It is scraped, and exports over OTLP.

    Everything comes ``speed`` times as fast, limits too, so that it sees as much in a shorter time.
    """
    crowd, receiver = Crowd(folder / "board", SESSIONS), Receiver()
    port, state = _free_port(), folder / "state"
    command = [sys.executable, "-m", "livewatch", "run", "--board", str(crowd.writer.path), "--mode", "observe"]
    command += ["--metrics-listen", f"127.0.0.1:{port}", "--state-dir", str(state)]
    command += ["--agent-socket", str(folder / "agent.sock"), "--interval", f"{1000 / speed:.0f}ms"]
    limits = Thresholds()
    command += ["--warn-after", f"{limits.warn_after_s * 1000 / speed:.0f}ms"]
    command += ["--abort-after", f"{limits.abort_after_s * 1000 / speed:.0f}ms"]
    otlp = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": f"{EXPORT_EVERY_S * 1000 / speed:.0f}",
    }
    log = (folder / "log").open("wb")
    with subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **otlp}) as agent:
        try:
            life = Churn(crowd, churn) if churn else Rest(crowd)
            watched = _Watched(psutil.Process(agent.pid), crowd, life, state, speed)
            moments, scrape_bytes = _watch(watched, port, minutes * 60)
        finally:
            agent.terminate()
            log.close()
            receiver.close()
    return _result(moments, minutes, scrape_bytes, receiver.sizes)


@dataclass(frozen=True, slots=True)
class _Watched:
    process: psutil.Process
    crowd: Crowd
    life: Churn | Rest
    state: Path
    speed: float


def _watch(watched: _Watched, port: int, length_s: float) -> tuple[list[Moment], int]:
    moments: list[Moment] = []
    scrape_bytes = 0
    began_s = time.monotonic()
    while (at_s := (time.monotonic() - began_s) * watched.speed) < length_s:
        watched.life.turn()
        for _ in range(BEATS):
            watched.crowd.beat()
            time.sleep(BEAT_S / watched.speed)
        if len(moments) % SCRAPE_EVERY == 0:
            with contextlib.suppress(OSError):  # it may not listen yet
                scrape_bytes = len(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read())
        cpu = watched.process.cpu_times()
        size = sum(path.stat().st_size for path in watched.state.rglob("*") if path.is_file())
        memory = Resident.of(watched.process.pid)
        moments.append(Moment(at_s, memory, watched.process.num_fds(), cpu.user + cpu.system, size))
    return moments, scrape_bytes


def _result(moments: list[Moment], minutes: float, scrape_bytes: int, exports: list[int]) -> Result:
    later = moments[len(moments) // 2 :]
    part = len(later) // PARTS
    first, last = later[0], later[-1]
    return Result(
        minutes=minutes,
        sessions=SESSIONS,
        first=_median(later[:part]),
        last=_median(later[-part:]),
        rss_drift_mib=drift([moment.at_s / 3600 for moment in later], [moment.memory.rss_mib for moment in later]),
        files_first=first.files,
        files_last=last.files,
        cpu_share=(last.cpu_s - first.cpu_s) / (last.at_s - first.at_s),
        state_bytes=last.state_bytes,
        scrape_bytes=scrape_bytes,
        otlp_bytes_per_s=sum(exports) / (minutes * 60),
        otlp_exports=len(exports),
    )


def _median(moments: Sequence[Moment]) -> Resident:
    names = [field.name for field in fields(Resident)]
    return Resident(*(statistics.median(getattr(moment.memory, name) for moment in moments) for name in names))


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


@click.command()
@click.option("--minutes", type=click.FloatRange(min=1), default=30.0, show_default=True, help="How long.")
@click.option(
    "--churn", type=click.IntRange(min=0), default=CHURN, show_default=True, help="Sessions replaced a second."
)
@click.option(
    "--speed", type=click.FloatRange(1, 20), default=1.0, show_default=True, help="30 minutes take 3 with 10."
)
def main(*, minutes: float, churn: int, speed: float) -> None:
    """Watch an agent at rest, and print what it cost as one JSON document."""
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        click.echo(json.dumps(asdict(soak(Path(name), minutes, churn, speed)), indent=2))


if __name__ == "__main__":
    os.environ.pop("LIVEWATCH_CONFIG", None)
    random.seed(9)
    sys.exit(main())
