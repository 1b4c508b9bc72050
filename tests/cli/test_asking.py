"""Whom a command asks when nobody said whom."""

import os
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner

from livewatch.cli import status


@pytest.fixture(name="path")
def fixture_path(monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="lw") as name, socket.socket(socket.AF_UNIX) as left:
        monkeypatch.setenv("RUNTIME_DIRECTORY", f"{name}/livewatch")
        monkeypatch.delenv("LIVEWATCH_AGENT_SOCKET", raising=False)
        path = Path(name, "livewatch", "gateway.sock")
        path.parent.mkdir()
        left.bind(str(path))
        yield path


def test_a_socket_of_somebody_else_is_asked_only_when_it_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = CliRunner().invoke(status.command, [])
    mine = os.geteuid()
    if mine == 0:
        os.chown(path, 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    found = CliRunner().invoke(status.command, [])
    named = CliRunner().invoke(status.command, ["--agent", str(path)])

    assert [result.exit_code for result in (own, found, named)] == [3, 4, 3]
    assert f"give --agent {path} if that is meant" in found.stderr
