"""Taking up the work: whoever gets the lease first learns what was done before, and only then acts."""

import asyncio
import logging
from typing import Protocol

from livewatch.recovery.journal.reconcile import Reconciled, reconcile
from livewatch.recovery.journal.records import Past
from livewatch.recovery.memory import Memory
from livewatch.recovery.recall import recall
from livewatch.recovery.settings import Policy
from livewatch_classifiers.model import Snapshot

_LOG = logging.getLogger("livewatch.tenure")
TAKING_UP = "this agent has just got the lease and reads what was done before"


class Claim(Protocol):
    """A lease, as far as its holder is concerned."""

    @property
    def held(self) -> bool:
        """Whether this agent holds it."""
        ...

    @property
    def other(self) -> str:
        """Who holds it instead, in words."""
        ...


class Chronicle(Protocol):
    """A journal, as far as a successor is concerned."""

    async def past(self) -> Past:
        """Return what earlier agents did on this gateway; bounded in time, never raises."""
        ...

    def settle(self, reconciled: list[Reconciled]) -> None:
        """Write down what became of intents whose end nobody saw."""
        ...


class Tenure:
    """The time in which this agent is the one that acts. Asked by the agent in every tick; waits for nothing."""

    def __init__(self, lease: Claim, journal: Chronicle, policy: Policy) -> None:
        self._lease = lease
        self._journal = journal
        self._policy = policy
        self._reading: asyncio.Task[Past] | None = None
        self._ready = False

    def may_act(self) -> bool:
        """Return whether this agent holds the lease and knows what was done before."""
        return self._lease.held and self._ready

    def other(self) -> str:
        """Return who acts instead, in words; empty while this agent may act."""
        if not self._lease.held:
            return self._lease.other
        return "" if self._ready else TAKING_UP

    def take_up(self, memory: Memory, snapshot: Snapshot, wall_s: float) -> Memory:
        """Return the memory to decide with; on taking the lease, with everything that was done before.

        Open intents are settled by this look at the gateway, never by repeating them.
        """
        if not self._lease.held:
            self._ready = False
            self.close()
            return memory
        if self._ready:
            return memory
        if self._reading is None:
            self._reading = asyncio.create_task(self._journal.past(), name="livewatch.tenure")
        if not self._reading.done():
            return memory
        past = self._result(self._reading)
        self._reading, self._ready = None, True
        self._journal.settle(reconcile(past.open_intents, snapshot))
        now_s = snapshot.vitals.now_s
        return memory.with_past(recall(past, self._policy, identity=snapshot.identity, wall_s=wall_s, now_s=now_s))

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    @staticmethod
    def _result(reading: "asyncio.Task[Past]") -> Past:
        try:
            return reading.result()
        except Exception:  # noqa: BLE001 -- a journal that cannot be read must not stop recovery
            _LOG.exception("tenure: what was done before cannot be read; starting without it")
            return Past()
