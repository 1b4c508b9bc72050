"""One line per event, for logs and pipes."""

from typing import TextIO

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState
from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.summary import summary


class PlainView:
    """Writes what changed since the last moment, with the seconds since the begin."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._told: dict[Fault, list[str]] = {}

    def refresh(self, state: DemoState) -> None:
        """Write what is new."""
        if state.stage != self._stage:
            self._stage = state.stage
            self._say(state.elapsed_s, f"-- {state.stage}")
        for record in state.records:
            told = self._told.setdefault(record.fault, [])
            for line in _story(record):
                if line not in told:
                    told.append(line)
                    self._say(state.elapsed_s, f"{record.fault.value:<20} {line}")

    def finish(self, result: DemoResult) -> None:
        """Write the summary."""
        for line in summary(result):
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to give back."""

    def _say(self, elapsed_s: float, line: str) -> None:
        self._stream.write(f"{elapsed_s:6.1f} s  {line}\n")
        self._stream.flush()


def _story(record: FaultRecord) -> list[str]:
    lines: list[str] = []
    if record.injected_s is not None:
        lines.append(f"begins: {record.expected.title}")
    if record.detected_s is not None and record.reason:
        lines.append(f"{record.attention} / {record.reason}")
    if record.culprit:
        lines.append(f"blocked at {record.culprit}")
    if record.action != "none":
        lines.append(f"{record.action}: {record.outcome}")
    if record.recovered_s is not None and record.injected_s is not None:
        word = "recovered" if record.expected.repaired or record.session is None else "finished by itself"
        lines.append(f"{word} after {record.recovered_s - record.injected_s:.1f} s")
    if record.problem:
        lines.append(f"problem: {record.problem}")
    return lines
