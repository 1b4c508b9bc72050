"""Gateway and agent in namespaces of their own, as the containers of a pod have them: what the agent still knows."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from livewatch.local_api.client import AgentUnreachable, ask
from tests.waiting import until

Start = Callable[..., "subprocess.Popen[bytes]"]
OWN = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--ipc", "--uts", "--cgroup")
"""A container's namespaces."""
BESIDE = ("unshare", "--ipc", "--uts", "--cgroup")
"""Those that stay a container's own with ``shareProcessNamespace``."""


@pytest.fixture(name="start")
def fixture_start() -> Generator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def start(*command: object) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


class Pod:
    """One board and one socket, shared as a volume is."""

    def __init__(self, folder: Path, start: Start) -> None:
        self.folder, self._start = folder, start

    def livewatch(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "livewatch", *map(str, arguments)]

    def gateway(self, container: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        paths = ["--board", self.folder / "board", "--socket", self.folder / "control"]
        return self._start(*container, *self.livewatch("demo-gateway", *paths, "--sessions", 3))

    def agent(self, container: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        paths = ["--board", self.folder / "board", "--socket", self.folder / "control", "--state-dir", self.folder]
        flags = ["--agent-socket", self.folder / "agent", "--interval", "100ms", "--mode", "release", "--wait"]
        return self._start(*container, *self.livewatch("run", *paths, *flags))

    def status(self) -> dict[str, Any]:
        with contextlib.suppress(AgentUnreachable):
            return ask(self.folder / "agent", "GET", "/v1/status")
        return {"vitals": {"state": None}, "acts": False, "problem": ""}

    def until_state(self, *states: str) -> dict[str, Any]:
        until(lambda: self.status()["vitals"] is not None and self.status()["vitals"]["state"] in states, str(states))
        return self.status()


@pytest.fixture(name="pod")
def fixture_pod(start: Start) -> Generator[Pod]:
    with tempfile.TemporaryDirectory(prefix="lw") as folder:
        yield Pod(Path(folder), start)


def kill(container: "subprocess.Popen[bytes]", *, shared: bool) -> None:
    """Kill what runs in a container: the process itself, or what `unshare` started in a namespace of its own."""
    children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text(encoding="ascii").split()
    os.kill(container.pid if shared else int(children[0]), signal.SIGKILL)
    container.wait()


@pytest.mark.parametrize(("container", "shared"), [(BESIDE, True), (OWN, False)])
def test_sessions_are_seen_and_levers_work_in_both_and_only_a_shared_namespace_shows_the_process(
    pod: Pod, container: tuple[str, ...], *, shared: bool
) -> None:
    gateway = pod.gateway(container)
    pod.agent(container)
    pod.until_state("responsive")
    until(lambda: pod.status()["acts"], "the lease")
    until(lambda: pod.status()["sessions"]["total"] >= 3, "its sessions")
    until(lambda: (pod.status()["vitals"]["rss_bytes"] is not None) is shared, "what /proc tells")
    kill(gateway, shared=shared)
    pod.until_state("gone" if shared else "frozen")
    successor = pod.gateway(container)
    pod.until_state("responsive")
    assert ask(pod.folder / "agent", "POST", "/v1/drain", timeout="1s")["ok"]
    assert successor.wait() == 0
    pod.until_state("gone" if shared else "unresponsive")
