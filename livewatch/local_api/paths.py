"""Where a running agent listens for `livewatch status` and its like."""

import os
import tempfile
from pathlib import Path


def agent_socket(name: str, configured: Path | None = None) -> Path:
    """Return the socket path of the agent that watches the gateway called ``name``."""
    return configured if configured is not None else runtime_dir() / f"{name}.sock"


def runtime_dir() -> Path:
    """Return this user's runtime folder: systemd's, the XDG one, or a private one under the temporary folder."""
    for base in (os.environ.get("RUNTIME_DIRECTORY"), os.environ.get("XDG_RUNTIME_DIR")):
        if base:
            folder = Path(base.split(":")[0])
            return folder if folder.name == "livewatch" else folder / "livewatch"
    return Path(tempfile.gettempdir()) / f"livewatch-{os.getuid()}"
