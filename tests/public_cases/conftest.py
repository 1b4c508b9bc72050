"""The gateway of this folder and a real agent beside it, with minutes scaled to fractions of a second."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ward import Gateway, Ward

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
tool_abort_after = "600ms"
settle = "100ms"
hang_after = "2s"
vitals_startup_grace = "100ms"
startup_deadline = "{startup_deadline}"
wait_bounds = {{ drain = "{drain}" }}
[recovery]
{mode}
healthy_for = "0s"
startup_grace = "0s"
resume_grace = "0s"
restart_command = ["{touch}", "{folder}/restarted"]
restart_after = "300ms"
restart_cooldown = "0s"
restart_drain = "50ms"
blast_sessions_min = 1000
"""


class Case(Ward):
    """One gateway and one agent, whose limits a test may choose."""

    def configure(self, *, mode: str = "abort", drain: str = "1h", startup_deadline: str = "1h") -> None:
        """Write the configuration that the next agent reads; without a mode it is the default."""
        text = CONFIG.format(
            folder=self.folder,
            touch=shutil.which("touch"),
            mode=f'mode = "{mode}"' if mode else "",
            drain=drain,
            startup_deadline=startup_deadline,
        )
        self.config.write_text(text, encoding="utf-8")

    def gateway(self, *, ready: bool = True) -> Gateway:
        """Start the gateway of this folder."""
        gateway = Gateway(self.folder, "tests.public_cases.gateway")
        self._running.append(gateway.process)
        if ready:
            gateway.do("ready", "-")
        return gateway

    @property
    def restarted(self) -> bool:
        """Whether the restart command was run."""
        return (self.folder / "restarted").exists()

    def reason(self, key: str) -> str | None:
        """Return why a session needs attention; ``None`` while it needs none."""
        return self._row(key).get("reason")

    def attention(self, key: str) -> str | None:
        """Return the label of a session that needs attention; ``None`` while it needs none."""
        return self._row(key).get("attention")

    def _row(self, key: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.status().get("attention") or []
        return next((row for row in rows if row["session"] == key), {})


@pytest.fixture(name="case")
def fixture_case() -> Iterator[Case]:
    """Give a case in a folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="lw") as folder:
        case = Case(Path(folder))
        case.configure()
        yield case
        case.end()
