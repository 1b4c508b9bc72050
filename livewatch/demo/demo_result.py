"""What the demonstration came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livewatch.demo.fault_record import FaultRecord


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The whole score. Durations in seconds."""

    faults: Sequence[FaultRecord]
    false_actions: Sequence[str]
    false_blames: Sequence[str]
    healthy_sessions: int
    healthy_turns_completed: int
    healthy_turns_failed: int
    messages_sent: int
    messages_lost: int
    messages_duplicated: int
    heartbeats: int
    heartbeats_dropped: Mapping[str, int]
    duration_s: float
    problems: Sequence[str] = field(default_factory=tuple[str, ...])
    """What went wrong apart from single faults."""

    @property
    def ok(self) -> bool:
        """Whether every fault was recovered, nothing healthy was touched and no message was lost or doubled."""
        return not (
            self.problems
            or self.false_actions
            or self.false_blames
            or self.healthy_turns_failed
            or self.messages_lost
            or self.messages_duplicated
            or any(record.problem for record in self.faults)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the document that ``--json`` prints."""
        return {
            "ok": self.ok,
            "faults": [record.as_json() for record in self.faults],
            "false_actions": len(self.false_actions),
            "false_blames": len(self.false_blames),
            "messages_lost": self.messages_lost,
            "messages_duplicated": self.messages_duplicated,
            "messages_sent": self.messages_sent,
            "healthy_sessions": self.healthy_sessions,
            "healthy_turns_completed": self.healthy_turns_completed,
            "healthy_turns_failed": self.healthy_turns_failed,
            "heartbeats": self.heartbeats,
            "heartbeats_dropped": dict(self.heartbeats_dropped),
            "duration_s": round(self.duration_s, 1),
            "problems": [*self.problems, *self.false_actions, *self.false_blames],
        }
