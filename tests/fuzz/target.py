"""What is fuzzed: one entrance for bytes from outside, and what may come out of it."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import ClassVar

from tests.fuzz.mutator import Mutator

CORPUS = Path(__file__).parent / "corpus"


class Finding(Exception):  # noqa: N818 -- reads as what it is
    """The target did what it must not; the text says what."""


class Target:
    """One entrance. `run` returns a short word for what came out and raises for everything that must not."""

    name: ClassVar[str]
    tokens: ClassVar[Sequence[bytes]] = ()
    cpu_s: ClassVar[float] = 10.0
    """An input that takes more time of the processor than this is a hang."""
    brief: ClassVar[int] = 300
    """Mutations in the short pass of the test suite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def seeds(self) -> list[bytes]:
        """Return inputs to begin with that are made, not kept."""
        return []

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Return another input."""
        return Mutator(random, self.tokens).mutated(data, pool)

    def run(self, data: bytes) -> str:
        """Feed one input."""
        raise NotImplementedError

    def close(self) -> None:
        """End what was started."""

    @classmethod
    def kept(cls) -> list[tuple[str, bytes]]:
        """Return the corpus in the tree, by name."""
        folder = CORPUS / cls.name
        return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())] if folder.is_dir() else []
