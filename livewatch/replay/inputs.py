"""What `replay` and `tune` may be given: a folder of recordings, one of its files, a trace, or a journal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from livewatch.recording import RecordingError
from livewatch.recordings.entry import Entry
from livewatch.recordings.files import Recording
from livewatch.recovery.journal.reader import JournalUnreadableError, read_journal
from livewatch.recovery.journal.records import History
from livewatch.recovery.settings import Policy
from livewatch.replay.journal_entries import journal_entries
from livewatch_classifiers.thresholds import Thresholds

_SQLITE = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Input:
    """Rounds to go through, once."""

    entries: Iterator[Entry]
    notes: Callable[[], list[str]]
    """What could not be read, a line each; complete after the last entry."""
    journal: bool = False


def open_input(path: Path, settings: tuple[Thresholds, Policy] | None = None) -> Input:
    """Return the rounds behind a path.

    Args:
        path: folder, recording, trace or journal.
        settings: those that were in force, for inputs that do not know them; defaults without it.

    Raises:
        RecordingError: when there is nothing that can be read, in one line that says why.
    """
    if not path.exists():
        raise RecordingError(f"{path} does not exist; `livewatch run --record {path}` makes a recording")
    if is_journal(path):
        history, target = open_journal(path)
        unreadable = [f"{history.unreadable} rows of the journal cannot be read"] if history.unreadable else []
        return Input(
            journal_entries(history, target, *(settings or (Thresholds(), Policy()))), lambda: unreadable, journal=True
        )
    recording = Recording(path)
    return Input(recording.entries(), lambda: recording.notes)


def is_journal(path: Path) -> bool:
    """Return whether the file is a journal by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def open_journal(path: Path) -> tuple[History, str]:
    """Return a journal with its looks, and the gateway that it is about.

    Raises:
        RecordingError: when it cannot be read, or is about several gateways.
    """
    try:
        history = read_journal(path, frames_between=(0.0, float("inf")))
    except JournalUnreadableError as error:
        raise RecordingError(str(error)) from error
    targets = sorted({stored.target for stored in history.lives})
    if len(targets) != 1:
        raise RecordingError(f"{path} is about {', '.join(targets) or 'no gateway'}; it takes a journal of one")
    return history, targets[0]
