"""A patient gateway and a real agent beside it, with short limits, and everything that a test of faults asks them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livewatch.local_api.client import AgentUnreachable, ask
from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal
from livewatch.recovery.journal.records import StoredIntent
from tests.waiting import until

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 30.0
"""Far above the 5 s that ending may take and far below what each fault would cost without a bound."""
CONFIG = """
[target]
board = "{folder}/run/board"
socket = "{folder}/control"
[agent]
interval = "50ms"
agent_socket = "{folder}/agent"
state_dir = "{folder}/state"
[thresholds]
warn_after = "300ms"
abort_after = "600ms"
[recovery]
mode = "abort"
healthy_for = "0s"
startup_grace = "0s"
resume_grace = "0s"
verify = "2s"
backoff_initial = "250ms"
budget_actions = 1000
blast_sessions_min = 1000
"""


class Gateway:
    """The gateway's process, and what it has said."""

    def __init__(self, folder: Path, module: str = "tests.faults.patient_gateway") -> None:
        command = [sys.executable, "-m", module, str(folder / "run/board"), str(folder / "control")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()
        until(lambda: self.heard("ready"), "a gateway that is ready")

    def do(self, word: str, argument: object) -> None:
        """Give one order and wait until it is followed."""
        assert self.process.stdin is not None
        before = len(self.heard("did"))
        self.process.stdin.write(f"{word} {argument}\n")
        self.process.stdin.flush()
        until(lambda: len(self.heard("did")) > before, f"{word} {argument}")

    def heard(self, word: str) -> list[dict[str, Any]]:
        """Return what it said with this word."""
        return [line for line in list(self.said) if word in line]

    def pulled(self, key: str) -> int:
        """Return how often a lever was pulled on a session."""
        return sum(line["session"] == key for line in self.heard("pulled"))

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))


class Ward:
    """A folder with both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board = folder / "run/board"
        self.state = folder / "state"
        self.journal = self.state / "gateway.journal.sqlite"
        self.config = folder / "livewatch.toml"
        self.config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
        self._running: list[subprocess.Popen[Any]] = []

    def gateway(self) -> Gateway:
        """Start a gateway."""
        gateway = Gateway(self.folder)
        self._running.append(gateway.process)
        return gateway

    def agent(self, *more: object, **environ: str) -> "subprocess.Popen[bytes]":
        """Start an agent and wait until it answers."""
        process = self.agent_process(*more, **environ)
        until(lambda: self.status()["vitals"] is not None, "an agent that has looked")
        return process

    def agent_process(self, *more: object, **environ: str) -> "subprocess.Popen[bytes]":
        """Start an agent."""
        command = [sys.executable, "-m", "livewatch", "run", "--config", str(self.config), *map(str, more)]
        with (self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=said, env=os.environ | environ
            )
        self._running.append(process)
        return process

    def said(self) -> str:
        """Return what agents said on standard error."""
        return (self.folder / "said").read_text(errors="replace")

    def status(self) -> dict[str, Any]:
        """Return the agent's status, or one without a look when it does not answer."""
        return self._asked("/v1/status") or {"vitals": None, "time": None}

    def journal_health(self) -> dict[str, Any]:
        """Return how the agent's journal does."""
        health: dict[str, Any] = (self._asked("/v1/about") or {}).get("journal_health", {})
        return health

    def state_of_the_gateway(self) -> str | None:
        """Return how the agent judges the gateway."""
        vitals = self.status()["vitals"]
        return None if vitals is None else str(vitals["state"])

    def until_state(self, *wanted: str) -> None:
        """Wait for a judgement."""
        until(lambda: self.state_of_the_gateway() in wanted, f"{wanted}, not {self.status()}")

    def rounds(self, count: int) -> None:
        """Wait until the agent has gone round so many times."""
        for _ in range(count):
            before = self.status()["time"]
            until(lambda: self.status()["time"] not in (None, before), "another round")  # noqa: B023 -- called at once

    def repaired(self, gateway: Gateway, key: str) -> None:
        """Let a session hang, and wait until it is repaired."""
        gateway.do("hang", key)
        until(lambda: gateway.pulled(key) == 1, f"the repair of {key}")

    def intents(self) -> tuple[StoredIntent, ...]:
        """Return the actions in the journal; none while it cannot be read."""
        with contextlib.suppress(JournalUnreadableError):
            return read_journal(self.journal).intents
        return ()

    def ends_well(self, agent: "subprocess.Popen[bytes]") -> None:
        """Stop the agent; it must end in order and in time, with nothing broken."""
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(ENDS_WITHIN_S) == 0
        assert "Traceback" not in self.said(), self.said()

    def end(self) -> None:
        """End every process, by its pid."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _asked(self, target: str) -> dict[str, Any] | None:
        with contextlib.suppress(AgentUnreachable):
            return ask(self.folder / "agent", "GET", target)
        return None


@pytest.fixture(name="ward")
def fixture_ward() -> Iterator[Ward]:
    """Give a ward in a folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="lw") as folder:
        ward = Ward(Path(folder))
        yield ward
        ward.end()
