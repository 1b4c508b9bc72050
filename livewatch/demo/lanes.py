"""Lanes: one queue per session, one turn at a time."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from livewatch.demo.fault import Fault

if TYPE_CHECKING:
    from livewatch.probe import Run


class TurnKind(StrEnum):
    """What a turn is for."""

    MESSAGE = "message"
    HEARTBEAT = "heartbeat"


@dataclass(slots=True, eq=False)
class Turn:
    """One thing that waits for, or holds, a lane."""

    kind: TurnKind
    queued_ns: int
    text: str = ""
    message_id: str | None = None
    fault: Fault | None = None
    task: asyncio.Task[None] | None = None
    run: "Run | None" = None
    """The probe's run, once it began."""
    run_id: str | None = None
    abort_cause: str = ""
    settled: bool = False


class Lane:
    """A serialized queue.

    Its pump has the flaw of the incidents: it does not start the next turn while the activity tracker says that
    something is active, and nobody but the dead owner would have ended that activity.
    """

    def __init__(
        self,
        start: Callable[[Turn], asyncio.Task[None] | None],
        busy: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self.queue: deque[Turn] = deque()
        self.active: Turn | None = None
        self._start = start
        self._busy = busy
        self._changed = changed
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return self.active is None and not self.queue

    def put(self, turn: Turn) -> None:
        """Queue one turn, and start it if the lane is free."""
        self.queue.append(turn)
        self._changed()
        self.pump()

    def remove(self, turn: Turn) -> bool:
        """Take back a turn that still waits; return whether it did."""
        if turn not in self.queue:
            return False
        self.queue.remove(turn)
        self._changed()
        return True

    def pump(self) -> None:
        """Start the next turn unless one is active."""
        if self._closed or self.active is not None or self._busy() or not self.queue:
            return
        turn = self.queue.popleft()
        self.active = turn
        self._changed()
        turn.task = self._start(turn)
        if turn.task is not None:
            turn.task.add_done_callback(lambda _task: self.free(turn))

    def free(self, turn: Turn) -> bool:
        """Let go of the slot if exactly this turn holds it, and go on; a cleared turn's late end changes nothing."""
        if self.active is not turn:
            return False
        self.active = None
        self._changed()
        self.pump()
        return True

    def close(self) -> list[Turn]:
        """Stop starting turns and hand over everything that waits, oldest first."""
        self._closed = True
        waiting = list(self.queue)
        self.queue.clear()
        self._changed()
        return waiting
