"""Where the agent of a gateway keeps its journal and its operators' holds when nobody says otherwise."""

import os
from pathlib import Path


def journal_path(name: str, state_dir: Path | None = None) -> Path:
    """Return the journal file of the agent that watches the gateway called ``name``."""
    return (state_dir or default_state_dir()) / f"{name}.journal.sqlite"


def holds_path(name: str, state_dir: Path | None = None) -> Path:
    """Return the file that keeps operators' holds over a restart of the agent."""
    return (state_dir or default_state_dir()) / f"{name}.holds.json"


def default_state_dir() -> Path:
    """Return systemd's state folder, or this user's."""
    systemd = os.environ.get("STATE_DIRECTORY")
    if systemd:
        return Path(systemd.split(":")[0])
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "livewatch"
