"""The thread that decides opens no file and asks psutil nothing, while it watches, acts, answers and is scraped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.live.test_gateway_process import Place, fixture_place
from tests.waiting import until

__all__ = ["fixture_place"]
TICKS = 60


def ticks(report: Path) -> int:
    """Return how many were told; 0 while the report is being written."""
    words = report.read_text(encoding="utf-8").split() if report.exists() else []
    return int(words[0]) if words else 0


def test_the_deciding_thread_opens_no_file_and_never_asks_psutil(place: Place) -> None:
    report = place.folder / "report"
    module = [sys.executable, "-m"]
    flags = ["--warn-after", "500ms", "--abort-after", "1s", "--interval", "100ms", "--mode", "abort"]
    paths = ["--board", place.board, "--socket", place.socket, "--agent-socket", place.agent]
    storm = [*module, "tests.live.storm_gateway", place.board, place.socket, "7"]
    watched = [*module, "tests.live.deciding_thread", report, "run", *paths, "--state-dir", place.folder, *flags]
    with subprocess.Popen(list(map(str, storm)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as gateway:
        until(place.socket.exists, "the gateway's control socket")
        at_once = {**os.environ, "LIVEWATCH_STARTUP_GRACE": "1ms"}
        with subprocess.Popen([*map(str, watched), "--metrics-listen", "127.0.0.1:0"], env=at_once) as agent:
            try:
                until(lambda: place.status().get("last_actions"), "an action")
                until(lambda: ticks(report) >= TICKS, "enough ticks")
                agent.send_signal(signal.SIGTERM)
                assert agent.wait() == 0
            finally:
                agent.kill()
                gateway.kill()

    assert report.read_text().splitlines()[1:] == []
