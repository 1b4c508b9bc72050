"""Writes a run as a recording, as `livewatch.recordings` says, in one file that nobody packs."""

from typing import BinaryIO

from livewatch.recordings.lines import LineWriter, Remembered
from livewatch.recovery.rounds import Moment


class TraceWriter:
    """A `Witness` that writes every round at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines = LineWriter()
        self._before = Remembered()

    def on_moment(self, moment: Moment) -> None:
        """Write one line."""
        self._file.write(self._lines.line(moment, self._before))
        self._before = Remembered(moment.memory, moment.report.vitals)
