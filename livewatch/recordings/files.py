"""The files of recordings: names in order of time, and reading them back, however their writer ended."""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from livewatch.recording import RecordingError, decode_frame
from livewatch.recordings.entry import Entry, Said
from livewatch.recordings.lines import LineReader
from livewatch.recovery.rounds import Circumstances, Round
from livewatch.recovery.settings import Policy
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind

SUFFIX = ".jsonl.gz"
_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 18
_LINE_BYTES_MAX = 1 << 26
_EVERYTHING = frozenset(ActionKind) - {ActionKind.RESTART_TARGET}


def file_name(target: str, wall_s: float, number: int) -> str:
    """Return the name of one file; names of one gateway sort by time."""
    return f"{target}.{datetime.fromtimestamp(wall_s, UTC):%Y%m%dT%H%M%SZ}.{number:04d}{SUFFIX}"


def files_of(folder: Path, target: str) -> list[Path]:
    """Return one gateway's files in a folder, oldest first."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if target_of(path) == target)


def target_of(path: Path) -> str:
    """Return the gateway's name as the file's name says it."""
    return path.name.removesuffix(SUFFIX).rsplit(".", 2)[0]


class Recording:
    """A folder, or one file, to be read in order of time. `notes` says what could not be read, a line per file."""

    def __init__(self, path: Path) -> None:
        """Look which files there are.

        Raises:
            RecordingError: when there is none, or they are of several gateways.
        """
        self.notes: list[str] = []
        self.files = [path] if path.is_file() else sorted(path.glob(f"*{SUFFIX}"))
        if not self.files:
            raise RecordingError(f"no recording at {path}; `livewatch run --record {path}` writes one")
        targets = sorted({target_of(file) for file in self.files})
        if path.is_dir() and len(targets) > 1:
            raise RecordingError(f"{path} holds recordings of {', '.join(targets)}; give the files of one of them")

    def entries(self) -> Iterator[Entry]:
        """Yield every round that can be read.

        A file that ends in the middle of a line ended so because its writer did: that is no damage. A damaged file is
        told in `notes` and left at that point; what comes after in other files is read.

        Raises:
            RecordingError: when the only file is no recording at all, or none can be opened.
        """
        self.notes.clear()
        hole = False
        for file in self.files:
            number = 0
            reader = LineReader()
            try:
                for number, line in enumerate(_lines(file), start=1):  # noqa: B007 -- told in the note
                    entry = _entry(reader, line)
                    yield replace(entry, missing=max(1, entry.missing)) if hole else entry
                    hole = False
            except (RecordingError, OSError) as error:
                if len(self.files) == 1 and number <= 1:
                    raise RecordingError(f"{file}: {error}") from error
                hole = True
                self.notes.append(f"{file.name}: damaged at line {number}, the rest of it is left out ({error})")


def _entry(reader: LineReader, line: bytes) -> Entry:
    if line.startswith(b'{"v":1,'):
        frame = decode_frame(line)
        snapshot = frame.snapshot
        taken = Round(snapshot.vitals.now_s, frame.wall_s, snapshot, circumstances=Circumstances(_EVERYTHING))
        return Entry(frame.target, taken, Said(), Thresholds(), Policy(), sparse=True)
    return reader.entry(line)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield whole lines, unpacked where they are packed; an unfinished last line is left out."""
    rest = b""
    for chunk in _chunks(path):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
        if len(rest) > _LINE_BYTES_MAX:
            raise RecordingError("a line without an end; this is no recording")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        unpacking = zlib.decompressobj(wbits=31) if packed else None
        while data := file.read(_CHUNK_BYTES):
            if unpacking is None:
                yield data
                continue
            while data:
                try:
                    yield unpacking.decompress(data)
                except zlib.error as error:
                    raise RecordingError(f"its compressed data is damaged ({error})") from error
                data = unpacking.unused_data
                if unpacking.eof:
                    unpacking = zlib.decompressobj(wbits=31)
