"""Ten thousand connections, slow senders, half-closed ones: then it still answers and every descriptor is back."""

import contextlib
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.fuzz.talking import parsed, send
from tests.fuzz.targets.sockets import AgentApiTarget, ControlTarget, SocketTarget, request
from tests.waiting import until

ROOT = Path(__file__).parents[2]
_CROWD = 10_000
_SPARE = 200
_FILES = 256
"""What the process under the crowd may open: far less than there are callers."""
_WAVE_MAX = 2_000
_HEAD = b"POST /v1/actions HTTP/1.1\r\nContent-Length: 10\r\n"


@pytest.fixture(name="listening", params=[ControlTarget, AgentApiTarget], ids=lambda kind: kind.name)
def fixture_listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SocketTarget]:
    kind: type[SocketTarget] = request.param
    target = kind(tmp_path)
    for process in target.running:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (_FILES, _FILES))
    yield target
    target.close()


def connected(path: Path) -> socket.socket | None:
    """Return a connection, or nothing where the queue is full."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(1.0)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def answers(target: SocketTarget) -> bool:
    with contextlib.suppress(OSError):
        answer = send(target.socket, request("GET", "/v1/info" if isinstance(target, ControlTarget) else "/v1/status"))
        return bool(answer) and parsed(answer)[0] == 200
    return False


def test_ten_thousand_slow_senders_leave_no_trace(listening: SocketTarget) -> None:
    process = psutil.Process(listening.running[-1].pid)
    until(lambda: answers(listening), "an answer before the crowd")
    before = process.num_fds()
    wave = max(50, min(_WAVE_MAX, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE))
    came = 0
    while came < _CROWD:
        crowd = [connected(listening.socket) for _ in range(min(wave, _CROWD - came))]
        came += len(crowd)
        for number, caller in enumerate(crowd):
            if caller is None:
                continue
            with contextlib.suppress(OSError):
                caller.send(_HEAD[: number % len(_HEAD)])  # the rest never comes
                if number % 3 == 0:
                    caller.shutdown(socket.SHUT_WR)
        for caller in crowd:
            if caller is not None:
                caller.close()

    until(lambda: answers(listening), "an answer after the crowd")
    until(lambda: process.num_fds() <= before + 1, "the descriptors back")
    listening.well()


def test_a_crowd_that_stays_is_gone_after_the_time_that_a_request_may_take(listening: SocketTarget) -> None:
    until(lambda: answers(listening), "an answer before the crowd")
    with contextlib.ExitStack() as crowd:
        for _ in range(300):
            caller = connected(listening.socket)
            if caller is not None:
                crowd.enter_context(caller)
        until(lambda: answers(listening), "an answer although everybody stays")


def test_a_head_that_never_ends_is_cut_off(listening: SocketTarget) -> None:
    send(listening.socket, b"GET /v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 200_000)
    send(listening.socket, b"GET /" + b"x" * 1_000_000)
    until(lambda: answers(listening), "an answer after it")
    listening.well()


_WITHOUT_FILES = """
import itertools, resource, sys, threading
from pathlib import Path
from livewatch.guard.access import Access
from livewatch.guard.listener import Listener
from livewatch.probe.control import _Server

calls = itertools.count()

class Counting(_Server):
    def get_request(self):
        next(calls)
        return super().get_request()

server = Counting(Listener(Path(sys.argv[1])), None, Access())
threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
open_now = len(list(Path("/proc/self/fd").iterdir()))
resource.setrlimit(resource.RLIMIT_NOFILE, (open_now - 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print("ready", flush=True)
sys.stdin.readline()
threading.Event().wait(1.0)
print(next(calls), flush=True)
"""


def test_a_gateway_without_descriptors_does_not_burn_a_core_on_a_caller_it_cannot_accept() -> None:
    with tempfile.TemporaryDirectory(prefix="lw") as folder:
        command = [sys.executable, "-c", _WITHOUT_FILES, f"{folder}/control"]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            caller = connected(Path(folder) / "control")
            process.stdin.write("\n")
            process.stdin.flush()
            tries = int(process.stdout.readline())
            assert caller is not None
            caller.close()
    assert 0 < tries < 50
