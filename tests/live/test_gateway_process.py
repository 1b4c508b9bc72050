"""A real gateway process that is stopped, continued, killed and started again, under a real `livewatch run`."""

import contextlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from livewatch.local_api.client import AgentUnreachable, ask
from livewatch.probe.layout import HEADER
from tests.waiting import until


class Place:
    def __init__(self, folder: Path) -> None:
        self.board = folder / "board"
        self.socket = folder / "control"
        self.agent = folder / "agent"
        self.folder = folder

    def status(self) -> dict[str, Any]:
        with contextlib.suppress(AgentUnreachable):
            return ask(self.agent, "GET", "/v1/status")
        return {"vitals": None}

    def state(self) -> str | None:
        vitals = self.status()["vitals"]
        return None if vitals is None else str(vitals["state"])

    def until_state(self, *wanted: str) -> None:
        until(lambda: self.state() in wanted, f"vitals {wanted}")


@pytest.fixture(name="place")
def fixture_place() -> Generator[Place]:
    with tempfile.TemporaryDirectory(prefix="lw") as name:  # pytest's own folders are too long for UNIX sockets
        yield Place(Path(name))


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(name="start")
def fixture_start() -> Generator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "livewatch", *map(str, arguments)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()


def gateway(place: Place, start: Start) -> "subprocess.Popen[str]":
    process = start("demo-gateway", "--board", place.board, "--socket", place.socket, "--sessions", 4)
    until(place.socket.exists, "the gateway's control socket")
    return process


def agent(place: Place, start: Start, *more: object) -> "subprocess.Popen[str]":
    paths = ["--board", place.board, "--socket", place.socket, "--agent-socket", place.agent]
    return start("run", *paths, "--state-dir", place.folder, "--mode", "abort", "--interval", "100ms", *more)


@pytest.mark.invariant(5)
@pytest.mark.invariant(18)
def test_a_stopped_killed_and_restarted_gateway_is_named_and_no_session_is_touched(place: Place, start: Start) -> None:
    patient = gateway(place, start)
    watcher = agent(place, start, "--warn-after", "1s", "--abort-after", "2s")
    place.until_state("responsive")
    until(lambda: place.status()["sessions"]["total"] >= 4, "four sessions")

    patient.send_signal(signal.SIGSTOP)
    place.until_state("frozen")
    frozen = place.status()
    patient.send_signal(signal.SIGCONT)
    place.until_state("responsive", "degraded")
    patient.send_signal(signal.SIGKILL)
    patient.wait()
    place.until_state("gone")
    gateway(place, start)
    place.until_state("responsive")

    assert not [row for row in frozen["attention"] if row["attention"] in ("stalled", "stuck")]
    assert place.status()["last_actions"] == []
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0


def test_an_agent_that_waits_attaches_to_a_gateway_that_comes_later(place: Place, start: Start) -> None:
    agent(place, start, "--wait")
    place.until_state("gone")
    gateway(place, start)
    place.until_state("responsive")


def test_a_dead_collector_changes_neither_the_exit_code_nor_the_journal(
    place: Place, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    gateway(place, start)
    watcher = agent(place, start, "--metrics-listen", "127.0.0.1:0")
    place.until_state("responsive")
    watcher.send_signal(signal.SIGTERM)

    assert watcher.wait() == 0
    journal = place.folder / "gateway.journal.sqlite"
    with contextlib.closing(sqlite3.connect(journal)) as connection:
        assert connection.execute("SELECT count(*) FROM lives").fetchone()[0] == 1


def test_an_interrupted_agent_ends_with_130(place: Place, start: Start) -> None:
    watcher = agent(place, start, "--wait")
    place.until_state("gone")
    watcher.send_signal(signal.SIGINT)

    assert watcher.wait() == 130


def run_to_end(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "livewatch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_missing_board_is_one_line_and_exit_code_3(place: Place) -> None:
    ended = run_to_end("run", "--board", place.board, "--state-dir", place.folder)

    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1
    assert str(place.board) in ended.stderr


def damaged(place: Place, start: Start, how: str) -> None:
    """Leave a board that cannot be used where a good one was."""
    if how == "empty":
        place.board.touch(mode=0o600)
        return
    process = gateway(place, start)
    data = bytearray(place.board.read_bytes())
    if how == "dead":
        process.kill()
        process.wait()
        return
    match how:
        case "truncated":
            del data[len(data) // 2 :]
        case "foreign":
            data[:8] = b"NOTABORD"
        case "newer":
            data[8] = 99
        case "recycled":
            data[HEADER["start_ticks"] * 8] ^= 1
        case _:
            data[:8] = bytes(8)
    other = place.board.with_name("damaged")
    other.write_bytes(data)
    other.replace(place.board)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("empty", "truncated"),
        ("truncated", "truncated"),
        ("foreign", "is not a board"),
        ("newer", "version 99"),
        ("recycled", "another process"),
        ("dead", "is gone"),
        ("being written", "is being written"),
    ],
)
def test_a_board_that_cannot_be_used_is_one_line_and_exit_code_3(
    place: Place, start: Start, how: str, said: str
) -> None:
    damaged(place, start, how)
    ended = run_to_end("run", "--board", place.board, "--state-dir", place.folder, "--agent-socket", place.agent)

    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--warn-after", "30"], "30s"),
        (["--warn-after", "5m", "--abort-after", "1m"], "warn_after"),
        (["--metrics-listen", "nowhere"], "host:port"),
        (["--interval", "0s"], "interval"),
    ],
)
def test_unusable_settings_are_one_line_and_exit_code_2(
    place: Place, start: Start, flags: list[str], said: str
) -> None:
    gateway(place, start)
    ended = run_to_end(
        "run", "--board", place.board, "--state-dir", place.folder, "--agent-socket", place.agent, *flags
    )

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr
