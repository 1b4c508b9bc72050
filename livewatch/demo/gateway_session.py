"""One incarnation of a session in the gateway's memory."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from livewatch.demo.activities import ActivityTracker
from livewatch.demo.lanes import Lane, Turn
from livewatch.probe import Session


@dataclass(slots=True)
class Tally:
    """Counts of one session key, over all its incarnations."""

    turns: int = 0
    heartbeats: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])
    """Heartbeats that were dropped, by reason."""


class GatewaySession:
    """A lane, an activity tracker, and the probe's view of both."""

    def __init__(
        self,
        key: str,
        session_id: str,
        watch: Session,
        tally: Tally,
        start: "Callable[[GatewaySession, Turn], asyncio.Task[None] | None]",
    ) -> None:
        self.key = key
        self.id = session_id
        self.watch = watch
        self.tally = tally
        self.activities = ActivityTracker()
        self.approved = asyncio.Event()
        self.lane = Lane(lambda turn: start(self, turn), lambda: self.activities.active, self._report)

    def _report(self) -> None:
        queue = self.lane.queue
        self.watch.queued(len(queue), queue[0].queued_ns if queue else None)
