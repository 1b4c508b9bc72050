"""`livewatch run --source process` on a server that knows nothing of it."""

import signal
import subprocess
import sys

from tests.live.test_gateway_process import Place, Start, fixture_place, fixture_start
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]


def test_a_server_with_nothing_in_it_is_watched_by_its_port(place: Place, start: Start) -> None:
    command = [sys.executable, "-m", "tests.sources.zero_touch.plain_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        try:
            paths = ["--agent-socket", place.agent, "--state-dir", place.folder]
            watcher = start("run", "--source", "process", "--port", port, "--interval", "100ms", *paths)
            place.until_state("responsive")
            server.send_signal(signal.SIGSTOP)
            place.until_state("frozen")
            server.send_signal(signal.SIGCONT)
            place.until_state("responsive")
            server.kill()
            place.until_state("gone")
            look = place.status()["time"]
            until(lambda: place.status()["time"] > look + 0.5, "some more samples")
            assert place.status()["vitals"]["state"] == "gone"  # and stays it: there is no process
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait() == 0
        finally:
            server.kill()
