"""What a view may show while the demonstration runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.watcher import Watcher


@dataclass(frozen=True, slots=True)
class DemoState:
    """One moment of the demonstration; the records and the watcher are live objects, to be read only."""

    stage: str
    elapsed_s: float
    now_s: float
    """Monotonic seconds, the base of the records' moments."""
    records: Sequence[FaultRecord]
    watcher: Watcher
    healthy_sessions: int
    healthy_turns_completed: int
    messages_open: int


class DemoView(Protocol):
    """Where the demonstration is shown."""

    def refresh(self, state: DemoState) -> None:
        """Show this moment; called some times per second."""
        ...

    def finish(self, result: DemoResult) -> None:
        """Show what it came to; called once, last."""
        ...

    def close(self) -> None:
        """Give the terminal back; called however the demonstration ends, and safe to call twice."""
        ...
