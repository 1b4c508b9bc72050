"""A source with a second witness: the same looks, and beside them how long the gateway takes to answer a request."""

import asyncio
from dataclasses import replace

from livewatch.sources.base import Discarding, Source
from livewatch.sources.round_trip import RoundTrip
from livewatch_classifiers.decision import Action, Reply
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.vocabulary import ActionKind


class WitnessedSource:
    """Adds round trips to the vitals of another source, and changes nothing else."""

    def __init__(self, inner: Source, round_trip: RoundTrip) -> None:
        self._inner = inner
        self._round_trip = round_trip
        self.loop_source: str = getattr(inner, "loop_source", "in_process")

    @property
    def name(self) -> str:
        """Configured name of the gateway."""
        return self._inner.name

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """The actions that the source offers."""
        return self._inner.capabilities

    @property
    def discards(self) -> frozenset[ActionKind]:
        """Those of them that throw queued messages away."""
        return self._inner.discards if isinstance(self._inner, Discarding) else frozenset()

    @property
    def control_problem(self) -> str:
        """Why no repair can be sent to the gateway."""
        return getattr(self._inner, "control_problem", "")

    async def sample(self) -> Snapshot:
        """Look once.

        Raises:
            SourceError: when the source does.
        """
        snapshot, reading = await self._inner.sample(), self._round_trip.reading()
        vitals = replace(snapshot.vitals, round_trip_s=reading.took_s, round_trip_overdue_s=reading.overdue_s)
        passes = snapshot.passes if reading.latest is None else (*snapshot.passes, reading.latest)
        return replace(snapshot, vitals=vitals, passes=passes)

    async def act(self, action: Action) -> Reply:
        """Ask for one action."""
        return await self._inner.act(action)

    async def close(self) -> None:
        """Stop asking, and let go of the source; safe to call twice."""
        await asyncio.to_thread(self._round_trip.close)
        await self._inner.close()
