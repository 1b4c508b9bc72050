"""A real `livewatch run` under a stand-in for its supervisor: what systemd and a kubelet would see."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest

from livewatch.local_api.client import ask
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]

WATCHDOG_S = 1.0


class Systemd:
    """The other end of ``NOTIFY_SOCKET``."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        """Return everything heard up to now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard += self._end.recv(4096).decode().split("\n")
        return self.heard

    def times(self, line: str) -> int:
        return self.listen().count(line)

    def until_more(self, line: str, count: int = 1) -> None:
        wanted = self.times(line) + count
        until(lambda: self.times(line) >= wanted, f"{line} {count} times more")


@pytest.fixture(name="systemd")
def fixture_systemd(place: Place, monkeypatch: pytest.MonkeyPatch) -> Generator[Systemd]:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as end:
        path = str(place.folder / "notify")
        end.bind(path)
        end.settimeout(0.0)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG_S * 1e6)))
        yield Systemd(end)


def health(place: Place) -> tuple[str, int]:
    url = urlsplit(ask(place.agent, "GET", "/v1/about")["health_url"])
    return str(url.hostname), int(url.port or 0)


def page(where: tuple[str, int], path: str, timeout_s: float = 5.0) -> int:
    """Return the status of a page; 0 when nobody answers in time."""
    with contextlib.closing(HTTPConnection(*where, timeout=timeout_s)) as connection:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            json.loads(response.read())
        except (OSError, HTTPException):
            return 0
        return response.status


def test_ready_and_watchdog_come_from_ticks_whatever_happens_to_the_gateway(
    place: Place, start: Start, systemd: Systemd
) -> None:
    patient = gateway(place, start)
    watcher = agent(place, start, "--health-listen", "127.0.0.1:0")
    until(lambda: systemd.times("READY=1"), "READY")
    systemd.until_more("WATCHDOG=1", 3)
    where = health(place)
    well = (page(where, "/livez"), page(where, "/readyz"), ask(place.agent, "GET", "/readyz")["ok"])

    patient.send_signal(signal.SIGSTOP)
    place.until_state("frozen")
    systemd.until_more("WATCHDOG=1", 3)
    frozen = (page(where, "/livez"), page(where, "/readyz"))
    patient.send_signal(signal.SIGKILL)
    patient.wait()
    place.until_state("gone")
    systemd.until_more("WATCHDOG=1", 5)
    place.board.unlink()
    systemd.until_more("WATCHDOG=1", 3)
    gone = (page(where, "/livez"), page(where, "/readyz"), ask(place.agent, "GET", "/livez")["ok"])

    assert (well, frozen, gone) == ((200, 200, True), (200, 200), (200, 200, True))
    assert systemd.times("READY=1") == 1
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0
    assert systemd.times("STOPPING=1") == 1


def test_an_agent_that_waits_is_ready_before_there_is_a_gateway(place: Place, start: Start, systemd: Systemd) -> None:
    watcher = agent(place, start, "--wait", "--health-listen", "127.0.0.1:0")
    until(lambda: systemd.times("READY=1"), "READY")
    systemd.until_more("WATCHDOG=1", 3)
    assert page(health(place), "/readyz") == 200
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0


def test_an_agent_that_hangs_feeds_nobody_and_one_that_goes_on_does_again(
    place: Place, start: Start, systemd: Systemd
) -> None:
    gateway(place, start)
    watcher = agent(place, start, "--health-listen", "127.0.0.1:0")
    systemd.until_more("WATCHDOG=1", 3)
    where = health(place)
    watcher.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
    before = len(systemd.listen())
    silent = page(where, "/livez", WATCHDOG_S)  # no answer for as long as the watchdog would have waited

    assert silent == 0
    assert len(systemd.listen()) == before
    watcher.send_signal(signal.SIGCONT)
    systemd.until_more("WATCHDOG=1", 2)
    until(lambda: page(where, "/livez") == 200, "a living agent")


def test_a_reload_is_told_to_the_supervisor_also_when_the_file_is_wrong(
    place: Place, start: Start, systemd: Systemd
) -> None:
    config = place.folder / "livewatch.toml"
    config.write_text('[thresholds]\nwarn_after = "90s"\n', encoding="utf-8")
    gateway(place, start)
    watcher = agent(place, start, "--config", config)
    until(lambda: systemd.times("READY=1"), "READY")
    for reloads, text in enumerate(('[thresholds]\nwarn_after = "100s"\n', "[nonsense]\n"), start=1):
        config.write_text(text, encoding="utf-8")
        watcher.send_signal(signal.SIGHUP)
        until(lambda: systemd.times("READY=1") == reloads + 1, "READY again")  # noqa: B023 -- awaited at once
        assert systemd.times("RELOADING=1") == reloads
    assert len([line for line in systemd.heard if line.startswith("MONOTONIC_USEC=")]) == 2
    systemd.until_more("WATCHDOG=1", 3)


def test_a_watchdog_meant_for_another_process_is_not_fed(
    place: Place, start: Start, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    gateway(place, start)
    watcher = agent(place, start)
    until(lambda: systemd.times("READY=1"), "READY")
    place.until_state("responsive")
    watcher.send_signal(signal.SIGTERM)
    assert watcher.wait() == 0
    assert systemd.times("STOPPING=1") == 1
    assert systemd.times("WATCHDOG=1") == 0


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--interval", "100ms"], 3, "--wait"),
        (["--wait", "--interval", "100ms", "--health-listen", "nowhere"], 2, "host:port"),
        (["--wait", "--interval", "10s"], 2, "cannot feed a watchdog of 1 s"),
        (["--wait", "--warn-after", "soon"], 2, "soon"),
    ],
)
def test_what_cannot_start_is_never_ready_and_its_code_tells_a_supervisor_whether_to_try_again(
    place: Place, systemd: Systemd, flags: list[str], code: int, said: str
) -> None:
    command = [sys.executable, "-m", "livewatch", "run", "--board", str(place.board), "--state-dir", str(place.folder)]
    ended = subprocess.run(
        [*command, "--agent-socket", str(place.agent), *flags],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == code
    assert said in ended.stderr
    assert systemd.listen() == []
