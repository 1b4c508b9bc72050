"""A real OpenClaw gateway from npm, on the loopback, with a fake provider: started, stopped and ended by pid."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "2026.9.6"
NODE = "26"
CACHE = Path(__file__).parents[2] / ".cache" / "openclaw"
FAULTS = Path(__file__).parent / "faults"
TOKEN = "a-token-for-tests"
SLOTS = 400
"""So many runs at once: more than any test starts that does not say otherwise."""
BOOTS_WITHIN_S = 120.0


class NotInstalled(Exception):  # noqa: N818 -- reads as what is wrong
    """OpenClaw cannot be had; the text says what to do."""


def install() -> Path:
    """Return the folder of the pinned OpenClaw's commands, after fetching it from npm if it is not there yet.

    Raises:
        NotInstalled: when npm is missing or fails.
    """
    commands = CACHE / "node_modules" / ".bin"
    manifest = CACHE / "node_modules" / "openclaw" / "package.json"
    if manifest.exists() and json.loads(manifest.read_text(encoding="utf-8"))["version"] == VERSION:
        return commands
    CACHE.mkdir(parents=True, exist_ok=True)
    # Node first: OpenClaw's own installer asks for a newer one than most systems have.
    for package in (f"node@{NODE}", f"openclaw@{VERSION}"):
        patience = ["--fetch-timeout=60000", "--fetch-retries=1"]
        command = ["npm", "install", "--no-audit", "--no-fund", *patience, "--prefix", str(CACHE), package]
        try:
            subprocess.run(command, check=True, cwd=CACHE, env=_path(commands), stdout=subprocess.DEVNULL, timeout=300)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotInstalled(f"{package} cannot be installed ({error}); npm and its registry are needed") from error
    return commands


def _path(commands: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages by name, with the monotonic time at which the provider was first asked, or had answered."""

    begun_s: dict[str, float]
    answered_s: dict[str, float]


class OpenClaw:
    """One gateway with its own home and provider."""

    def __init__(self, folder: Path) -> None:
        self.commands = install()
        self.home = folder
        self.state = folder / "state"
        self.config = self.state / "openclaw.json"
        self.port = free_port()
        self.token_file = folder / "token"
        self.log = folder / "gateway.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.slots = SLOTS
        self.provider = subprocess.Popen(
            [sys.executable, "-m", "tests.openclaw.provider"], stdout=subprocess.PIPE, text=True
        )
        assert self.provider.stdout is not None
        self._provider_port = int(self.provider.stdout.readline())
        self._configure()

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the gateway, and of whoever is to find its configuration."""
        return {
            **_path(self.commands),
            "HOME": str(self.home),
            "OPENCLAW_STATE_DIR": str(self.state),
            "TMPDIR": str(self.home),
        }

    def start(self) -> None:
        """Start the process; `ready` says when it serves."""
        command = [str(self.commands / "openclaw"), "gateway", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def ready(self) -> bool:
        """Return whether it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            assert self.process is None or self.process.poll() is None, self.log.read_text()[-2000:]
            return False

    def messages(self) -> Messages:
        """Return what became of the messages that operators sent, as the provider saw it."""
        page = f"http://127.0.0.1:{self._provider_port}/messages"
        with urllib.request.urlopen(page, timeout=10) as answer:
            found = json.load(answer)
        return Messages(found["begun_s"], found["answered_s"])

    def allow(self, runs: int) -> None:
        """Change how many runs the lane `main` lets through at once; the gateway takes the file up by itself."""
        document = json.loads(self.config.read_text(encoding="utf-8"))
        document["agents"]["defaults"]["maxConcurrent"] = self.slots = runs
        self.config.write_text(json.dumps(document, indent=2), encoding="utf-8")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the gateway's own process."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        """End the gateway only."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self) -> None:
        """End gateway and provider."""
        self.end()
        self.provider.kill()
        self.provider.communicate()

    def _configure(self) -> None:
        model = {
            "id": "m",
            "name": "m",
            "contextWindow": 128000,
            "maxTokens": 4096,
            "input": ["text"],
            "reasoning": False,
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        }
        fake = {
            "baseUrl": f"http://127.0.0.1:{self._provider_port}/v1",
            "apiKey": "x",
            "api": "openai-completions",
            "models": [model],
        }
        workspace = self.home / "workspace"
        workspace.mkdir(parents=True)
        document: dict[str, Any] = {
            "gateway": {
                "mode": "local",
                "port": self.port,
                "bind": "loopback",
                "auth": {"mode": "token", "token": TOKEN},
            },
            "models": {"mode": "merge", "providers": {"fake": fake}},
            "logging": {"file": str(self.home / "openclaw.log")},
            "agents": {
                "defaults": {"model": {"primary": "fake/m"}, "workspace": str(workspace), "maxConcurrent": SLOTS},
                "list": [
                    {"id": "main", "default": True},
                    {"id": "asker", "tools": {"exec": {"security": "allowlist", "ask": "always"}}},
                ],
            },
            "tools": {"exec": {"security": "full", "ask": "off"}, "toolSearch": False},
            "plugins": {
                "load": {"paths": [str(FAULTS)]},
                "entries": {"livewatch-faults": {"enabled": True, "hooks": {"allowConversationAccess": True}}},
            },
        }
        self.state.mkdir(parents=True)
        self.config.write_text(json.dumps(document, indent=2), encoding="utf-8")
        self.config.chmod(0o600)
        self.token_file.write_text(TOKEN, encoding="utf-8")
        self.token_file.chmod(0o600)


if __name__ == "__main__":
    try:
        install()
    except NotInstalled as problem:
        sys.exit(f"openclaw: {problem}")
