"""Lanes that several sessions share: so many slots, and who waits for one."""

from collections import deque

from livewatch.simulation.plan import LanePlan
from livewatch_classifiers import model


class Lane:
    """A shared queue of runs."""

    def __init__(self, plan: LanePlan) -> None:
        self.plan = plan
        self.holders: list[str] = []
        """Keys of the sessions whose runs hold a slot, longest first."""
        self.waiting: deque[tuple[str, float]] = deque()
        """Keys of waiting sessions with the monotonic moment since when."""

    @property
    def free(self) -> bool:
        """Whether a slot is free."""
        return len(self.holders) < self.plan.slots

    def wait(self, key: str, since_s: float) -> None:
        """Put a session at the end of the queue, once."""
        if all(waiting != key for waiting, _ in self.waiting):
            self.waiting.append((key, since_s))

    def leave(self, key: str) -> None:
        """Forget that a session waits."""
        self.waiting = deque(item for item in self.waiting if item[0] != key)

    def release(self, key: str) -> None:
        """Give a slot back, if the session holds one."""
        if key in self.holders:
            self.holders.remove(key)

    def view(self) -> model.Lane:
        """Return the frozen lane."""
        return model.Lane(
            name=self.plan.name,
            kind=self.plan.kind,
            active=len(self.holders),
            queued=len(self.waiting),
            capacity=self.plan.slots,
            head=self.holders[0] if self.holders else None,
            oldest_queued_s=self.waiting[0][1] if self.waiting else None,
        )
