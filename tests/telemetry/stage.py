"""The demonstration with its faults, a gateway that is killed, and the provoker, under a real Prometheus."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.waiting import until

HOW_TO_INSTALL = "apt-get install prometheus (it brings promtool)"
SCRAPE_S = 1
RULES = Path(__file__).parents[2] / "dashboards" / "rules" / "livewatch.yml"
_DEMO_S = 170.0
_LIVEWATCH = [sys.executable, "-m", "livewatch"]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is left when the play is over: a Prometheus that saw it all."""

    url: str
    from_s: float
    to_s: float
    demo: dict[str, Any]
    """The document of ``livewatch demo --json``."""
    page: str
    """A scrape of the demonstration's agent, while its faults were present."""

    def ask(self, path: str, **parameters: object) -> Any:
        """Return the data of one answer of Prometheus' HTTP API."""
        query = urllib.parse.urlencode({name: str(value) for name, value in parameters.items()})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30.0) as answer:
                document = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from error
        assert document["status"] == "success"
        return document["data"]

    def over_time(self, expr: str, step_s: float = 1.0) -> list[dict[str, Any]]:
        """Return the series of an expression over the whole play."""
        data = self.ask("query_range", query=expr, start=self.from_s, end=self.to_s, step=step_s)
        result: list[dict[str, Any]] = data["result"]
        return result


@contextlib.contextmanager
def staged(*, provoked: bool = True) -> Generator[Stage]:
    """Play everything once, then give what Prometheus saw; all processes end with the block.

    Args:
        provoked: whether the provoker plays too; without it everything that is seen is real.
    """
    for program in ("prometheus", "promtool"):
        assert shutil.which(program), f"{program} is not installed: {HOW_TO_INSTALL}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="livewatch-", dir="/tmp")))
        demo_port, restarted_port, first, second, own = _free_ports(5)
        made_up = [first, second] if provoked else []
        pages = [f"127.0.0.1:{port}" for port in (demo_port, restarted_port, *made_up)]
        url = stack.enter_context(_prometheus(folder, own, pages))
        if provoked:
            provoker = [sys.executable, str(Path(__file__).with_name("provoker.py")), str(first), str(second)]
            stack.enter_context(_process(provoker, folder / "provoker.log", ready=True))
        with contextlib.ExitStack() as play:
            second_gateway = play.enter_context(_second_gateway(folder, restarted_port))
            began_s = time.time()
            demo = subprocess.Popen(
                [*_LIVEWATCH, "demo", "--json", "--metrics-listen", f"127.0.0.1:{demo_port}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            play.callback(_end, demo)
            until(lambda: _sick(demo_port) or demo.poll() is not None, "a sick session")
            page = _scrape(demo_port)
            second_gateway.die_and_return()
            output, _ = demo.communicate(timeout=_DEMO_S)
            ended_s = time.time()
        yield Stage(url, began_s, ended_s, json.loads(output), page)


class _SecondGateway:
    """A gateway beside the demonstration's, which is killed once."""

    def __init__(self, folder: Path, port: int, stack: contextlib.ExitStack) -> None:
        board, control = folder / "board", folder / "control"
        self._command = [*_LIVEWATCH, "demo-gateway", "--board", str(board), "--socket", str(control)]
        self._command += ["--end-with-stdin", "--sessions", "3"]
        self._log = folder / "gateway.log"
        self._port = port
        self._stack = stack
        agent = [*_LIVEWATCH, "run", "--board", str(board), "--socket", str(control), "--name", "restarted", "--wait"]
        agent += ["--interval", "250ms", "--metrics-listen", f"127.0.0.1:{port}", "--state-dir", str(folder)]
        stack.enter_context(_process([*agent, "--agent-socket", str(folder / "agent.sock")], folder / "agent.log"))
        self._process = self._begin()

    def die_and_return(self) -> None:
        """Kill the gateway, and start it again once Prometheus knows."""
        self._process.kill()
        self._process.wait()
        self._until('livewatch_target_up{livewatch_target_name="restarted"} 0', "its death")
        _let_prometheus_see()
        self._begin()
        self._until('livewatch_restart_initiator="external",livewatch_target_name="restarted"} 1', "its return")
        _let_prometheus_see()

    def _begin(self) -> subprocess.Popen[bytes]:
        process = self._stack.enter_context(_process(self._command, self._log, ready=True))
        self._until('livewatch_target_up{livewatch_target_name="restarted"} 1', "a gateway")
        return process

    def _until(self, line: str, what: str) -> None:
        until(lambda: line in _scrape(self._port), what)


@contextlib.contextmanager
def _second_gateway(folder: Path, port: int) -> Generator[_SecondGateway]:
    with contextlib.ExitStack() as stack:
        yield _SecondGateway(folder, port, stack)


def _let_prometheus_see() -> None:
    until_s = time.monotonic() + 2.5 * SCRAPE_S
    until(lambda: time.monotonic() > until_s, "the next scrapes")


def _sick(port: int) -> bool:
    lines = [line for line in _scrape(port).splitlines() if line.startswith("livewatch_session_active")]
    sick = [line for line in lines if 'attention="stuck"' in line or 'attention="stalled"' in line]
    return any(float(line.rsplit(" ", 1)[1]) > 0 for line in sick)


def _scrape(port: int) -> str:
    return _text(f"http://127.0.0.1:{port}/metrics")


def _text(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5.0) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


@contextlib.contextmanager
def _prometheus(folder: Path, port: int, pages: Iterable[str]) -> Generator[str]:
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [{"job_name": "livewatch", "static_configs": [{"targets": list(pages)}]}],
            }
        ),
        encoding="utf-8",
    )
    url = f"http://127.0.0.1:{port}"
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with _process(command, folder / "prometheus.log"):
        until(lambda: _answers(f"{url}/-/ready"), f"Prometheus at {url}")
        # It learns of its targets only some seconds later.
        until(lambda: '"lastScrape":"2' in _text(f"{url}/api/v1/targets"), "the first scrape")
        yield url


def _answers(url: str) -> bool:
    return bool(_text(url))


@contextlib.contextmanager
def _process(command: list[str], log: Path, *, ready: bool = False) -> Generator[subprocess.Popen[bytes]]:
    """Run a program for the length of the block; one that announces itself is waited for."""
    with log.open("ab") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        if ready:
            assert process.stdout.readline(), f"{command} did not start: {log.read_text(encoding='utf-8')}"
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(15.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        open_ones: list[IO[Any] | socket.socket] = []
        ports: list[int] = []
        for _ in range(number):
            listening = stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0))))
            open_ones.append(listening)
            ports.append(int(listening.getsockname()[1]))
        return ports
