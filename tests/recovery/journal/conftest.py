"""The journal's fixtures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from livewatch.clock import Clock
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.writer import WriterSettings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def keep(path: Path) -> Iterator[Callable[..., Journal]]:
    """Start journals on ``path``; each is closed at the end of the test."""
    journals: list[Journal] = []

    def start(
        settings: WriterSettings | None = None,
        *,
        at: Path | None = None,
        target: str = "gw",
        clock: Clock | None = None,
    ) -> Journal:
        journal = Journal(
            at or path, target, clock=clock, settings=settings or WriterSettings(retry_s=0.02, busy_s=0.05)
        )
        journals.append(journal)
        journal.start()
        return journal

    yield start
    for journal in journals:
        journal.close(10.0)
