"""Writes a run as a recording: one line per look at the gateway, as `livewatch.recording` says."""

from typing import BinaryIO

from livewatch.recording import Frame, encode_frame
from livewatch_classifiers.report import TickReport


class TraceWriter:
    """A listener that records every snapshot."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def on_tick(self, report: TickReport) -> None:
        """Write one line; a tick without a look writes none."""
        if report.snapshot is not None:
            self._file.write(encode_frame(Frame(report.wall_s, report.target, report.snapshot)) + b"\n")
