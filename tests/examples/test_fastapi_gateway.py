"""``examples/fastapi_gateway.py`` under a real uvicorn, with a real `livewatch run` beside it."""

import signal
import socket
import subprocess
import sys

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.examples.stage import EXAMPLES, ExampleStage
from tests.waiting import DEADLINE_S, until


class Gateway:
    """The example, served by uvicorn on a free port."""

    def __init__(self, stage: ExampleStage) -> None:
        self.stage = stage
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            words = ["--app-dir", EXAMPLES, "--fd", listening.fileno(), "--log-level", "warning", "fastapi_gateway:app"]
            self.process: subprocess.Popen[str] = stage.start(
                sys.executable, "-m", "uvicorn", *words, pass_fds=[listening.fileno()]
            )
        until(stage.control.exists, "the gateway's control socket")

    def connect(self, session: str) -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/sessions/{session}", proxy=None, open_timeout=DEADLINE_S)


@pytest.fixture(name="gateway")
def fixture_gateway(stage: ExampleStage) -> Gateway:
    return Gateway(stage)


def heard(client: ClientConnection) -> str:
    return str(client.recv(timeout=DEADLINE_S))


def test_a_hung_model_call_is_aborted_and_the_message_behind_it_answered(gateway: Gateway) -> None:
    stage = gateway.stage
    with gateway.connect("healthy") as healthy, gateway.connect("sick") as sick:
        healthy.send("hello")
        assert heard(healthy) == "hello"
        stage.watch()
        healthy.send("drip 60")  # three seconds, far beyond what the agent allows for silence
        sick.send("hang")
        sick.send("still there?")

        assert heard(sick).startswith("error: aborted, stalled/active_work_without_progress: model_call echo-1 silent")
        assert heard(sick) == "still there?"
        assert heard(healthy).split() == [str(number) for number in range(60)]

    until(lambda: stage.actions() == [("sick", "abort_run", "recovered")], "the outcome, and nothing else")


def test_a_run_that_ignores_its_abort_is_left_behind_and_its_lane_goes_on(gateway: Gateway) -> None:
    stage = gateway.stage
    stage.watch()
    with gateway.connect("zombie") as zombie:
        zombie.send("deaf")
        zombie.send("still there?")
        assert heard(zombie).startswith("error: aborted")
        assert heard(zombie) == "still there?"

    expected = [("zombie", "abort_run", "ineffective"), ("zombie", "force_clear", "recovered")]
    until(lambda: stage.actions() == expected, "both rungs")


def test_a_drain_lets_what_is_alive_finish_and_ends_the_server(gateway: Gateway) -> None:
    stage = gateway.stage
    stage.watch()
    with gateway.connect("s") as client:
        client.send("drip 20")
        until(lambda: stage.status()["running"] == ["s"], "a run")
        drained = stage.run("drain", "--timeout", "10s", "--yes")
        answer = heard(client)

    assert answer.split() == [str(number) for number in range(20)]
    assert (drained.returncode, gateway.process.wait(timeout=DEADLINE_S)) in ((0, 0), (0, -signal.SIGTERM))
    assert "nothing was left" in drained.stdout
    assert not stage.board.exists()
