"""A board that is cut, grown and overwritten under a real reader: it must not die of it, by SIGBUS or otherwise."""

import json
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.board import _keys, _made, _who, mutated_board

_ROOT = Path(__file__).parents[3]
_LOOK_EVERY = 25


class BoardLiveTarget(Target):
    """The input is written over the board that the reader has open, in pieces, at another length."""

    name = "board-live"
    brief = 150

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._path = folder / "board"
        self._healthy = _who(_made(folder / "seed", "busy"))
        self._runs = 0
        self._path.write_bytes(self._healthy)
        command = [sys.executable, "-m", "tests.fuzz.board_reader", str(self._path)]
        self._reader = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        """End the reader."""
        self._reader.kill()
        self._reader.communicate()

    def seeds(self) -> list[bytes]:
        """Return good boards, and what is none."""
        return [self._healthy, self._healthy[:5000], self._healthy + bytes(4096), b"", bytes(20_000)]

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Change it as the board target does."""
        return mutated_board(random, data, pool)

    def run(self, data: bytes) -> str:
        """Write it over the open board, cut it, let it grow; now and then make it good and ask what the reader sees."""
        self._runs += 1
        at = zlib.crc32(data) % (len(data) + 1)
        with self._path.open("r+b", buffering=0) as file:
            file.write(data[:at])
            file.truncate(at)
            file.write(data[at:])
            file.truncate(max(0, len(data) - at))
            file.truncate(len(self._healthy))
        if self._runs % 7 == 0:  # another file in its place
            other = self.folder / "other"
            other.write_bytes(data)
            other.replace(self._path)
        if self._runs % 11 == 0:
            self._path.unlink()
            self._path.write_bytes(data)
        return self._well() if self._runs % _LOOK_EVERY == 0 else "written"

    def _well(self) -> str:
        other = self.folder / "good"  # as a gateway that has restarted: what has the same numbers is not read again
        other.write_bytes(self._healthy)
        other.replace(self._path)
        seen: object = None
        for _ in range(200):  # it may have been in the middle of the one before
            if self._reader.poll() is not None:
                raise Finding(f"the reader has ended with {self._reader.returncode}")
            seen = self._ask()
            if seen == sorted(_keys(self._healthy)):
                return "well"
        raise Finding(f"the reader sees {str(seen)[:300]} on a good board")

    def _ask(self) -> object:
        assert self._reader.stdin is not None
        assert self._reader.stdout is not None
        try:
            self._reader.stdin.write(b"\n")
            self._reader.stdin.flush()
            return json.loads(self._reader.stdout.readline())["seen"]
        except (OSError, ValueError) as error:
            raise Finding(f"the reader has ended with {self._reader.wait()}") from error
