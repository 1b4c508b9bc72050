"""Folders short enough for sockets, and somebody else."""

import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.security.strangers import Stranger


@pytest.fixture(name="folder")
def fixture_folder() -> Generator[Path]:
    """Return a private folder through which others may pass."""
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(name="stranger")
def fixture_stranger(monkeypatch: pytest.MonkeyPatch) -> Stranger:
    """Return somebody else."""
    return Stranger(monkeypatch)
