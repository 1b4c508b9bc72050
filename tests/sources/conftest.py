"""Boards and sources that are closed at the end of each test."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from livewatch.sources.board import BoardSource
from tests.sources.board_on_disk import Board, Clock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "board"


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., Board]]:
    """Write a board at ``path``."""
    boards: list[Board] = []

    def make(**arguments: int) -> Board:
        boards.append(Board(path, **arguments))
        return boards[-1]

    yield make
    for board in boards:
        board.close()


@pytest.fixture
async def source(path: Path, clock: Clock) -> AsyncIterator[BoardSource]:
    source = BoardSource(path, None, clock)
    yield source
    await source.close()


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a Python program; it is ended with its descendants. `ASLEEP` waits for its input to end."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        processes.append(subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.communicate()
