"""One message on its way to an answer."""

from dataclasses import dataclass
from enum import StrEnum

from livewatch.simulation.plan import Turn


class MessageKind(StrEnum):
    """Where a message comes from."""

    USER = "user"
    HEARTBEAT = "heartbeat"
    CRON = "cron"
    CHILD = "child"


class MessageState(StrEnum):
    """What became of a message."""

    QUEUED = "queued"
    RUNNING = "running"
    ANSWERED = "answered"
    FAILED = "failed"  # the gateway's own timeout or error; the sender was told
    ABORTED = "aborted"  # its run was ended by recovery
    INTERRUPTED = "interrupted"  # its run died in a restart
    LOST = "lost"  # discarded while it waited


@dataclass(slots=True)
class Message:
    """One message; moments on the scenario's axis in seconds."""

    id: str
    session: str
    kind: MessageKind
    turn: Turn
    arrived_s: float
    arrived_mono_s: float
    started_s: float | None = None
    state: MessageState = MessageState.QUEUED
    ended_s: float | None = None
    deaf: bool = False
    """Its run was dead when it was ended: nothing that anybody could have kept was lost."""

    @property
    def over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state not in (MessageState.QUEUED, MessageState.RUNNING)
