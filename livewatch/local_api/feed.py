"""Serves ``/v1/events``: what the journal holds after a cursor, waiting a moment for the next when there is nothing."""

import asyncio
from http import HTTPStatus
from typing import Any

from msgspec import UnsetType

from livewatch.local_api.requests import EventsRequest
from livewatch.local_api.server import ApiError
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.feed import Page, read_feed
from livewatch.recovery.journal.reader import JournalUnreadableError
from livewatch_classifiers.decision import Person

SCHEMA_VERSION = 1
_WAIT_S = 2.0
"""Longest wait; well below the time that a request may take."""
_WAITERS_MAX = 4
"""Followers that may wait at the same time; further ones are answered at once, so that places stay for the others."""
_LOOK_EVERY_S = 0.1


class Feed:
    """Answers followers of one journal. It holds no state of theirs: the cursor is all there is."""

    def __init__(self, journal: Journal, target: str) -> None:
        self._journal = journal
        self._target = target
        self._waiters = 0

    async def __call__(self, request: EventsRequest, _caller: Person) -> dict[str, Any]:
        """Return happenings after the cursor ``after``, or since the Unix time ``since``; ``wait`` for one if none."""
        waits = request.wait and self._waiters < _WAITERS_MAX
        page = await (self._waited(request) if waits else self._page(request))
        health = self._journal.health
        return {
            "schema_version": SCHEMA_VERSION,
            "ok": True,
            "waited": waits,
            "problem": f"the journal cannot be written ({health.problem})" if health.degraded else "",
            "cursor": page.cursor,
            "events": [item.document() for item in page.items],
        }

    async def _waited(self, request: EventsRequest) -> Page:
        self._waiters += 1
        try:
            clock = asyncio.get_running_loop().time
            ends_s = clock() + _WAIT_S
            while True:
                written = self._journal.health.written  # before the look: what is committed after it wakes us
                page = await self._page(request)
                if page.items:
                    return page
                while self._journal.health.written == written:
                    if clock() >= ends_s:
                        return page
                    await asyncio.sleep(_LOOK_EVERY_S)
        finally:
            self._waiters -= 1

    async def _page(self, request: EventsRequest) -> Page:
        try:
            return await asyncio.to_thread(
                read_feed,
                self._journal.path,
                after="" if isinstance(request.after, UnsetType) else request.after,
                since_wall_s=request.since,
                target=self._target,
                limit=request.limit,
            )
        except JournalUnreadableError as error:
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no_journal", str(error)) from error
