"""Boards and sources that are closed at the end of each test."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from livewatch.sources.board import BoardSource
from tests.sources.board_on_disk import Board, Clock


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
