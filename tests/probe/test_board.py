"""The writing side of the board as a file."""

import errno
import os
from pathlib import Path

import pytest

from livewatch.probe.board import BoardWriter

CAPACITY = 4096


@pytest.mark.parametrize("fallocate", [True, False])
def test_its_space_is_taken_when_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fallocate: bool
) -> None:
    if not fallocate:
        monkeypatch.delattr(os, "posix_fallocate")
    board = BoardWriter(tmp_path / "board", CAPACITY)
    taken = board.path.stat()

    assert taken.st_size == board.layout.total_bytes
    assert taken.st_blocks * 512 >= taken.st_size


def test_a_file_system_without_room_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _offset: int, _size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        BoardWriter(tmp_path / "board", CAPACITY)

    assert list(tmp_path.iterdir()) == []
