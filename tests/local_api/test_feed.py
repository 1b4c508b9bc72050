"""``/v1/events`` over a real socket and a real journal: waiting, its bounds, and what cannot be read."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from livewatch.local_api import feed as feed_module
from livewatch.local_api.client import AgentRefused, ask
from livewatch.local_api.feed import Feed
from livewatch.local_api.requests import EventsRequest
from livewatch.local_api.server import Handler, LocalApi
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.writer import WriterSettings
from tests.recovery.journal.facts import an_act
from tests.waiting import DEADLINE_S, until


class Desk:
    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "state" / "j.sqlite", "gw", settings=WriterSettings(retry_s=0.02, busy_s=0.05))
        self.feed = Feed(self.journal, "gw")
        self.api = LocalApi(folder / "a.sock", {("GET", "/v1/events"): Handler(EventsRequest, self.feed)})

    async def ask(self, **parameters: object) -> dict[str, Any]:
        return await asyncio.to_thread(ask, self.api.path, "GET", "/v1/events", **parameters)


@pytest.fixture(name="desk")
async def _desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.journal.start()
    await desk.journal.open_intents()
    await desk.api.start()
    yield desk
    await desk.api.close()
    await asyncio.to_thread(desk.journal.close, 10.0)


async def test_a_follower_that_waits_is_woken_by_what_is_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_WAIT_S", DEADLINE_S)  # only being woken can end it in time
    seen = await desk.ask()
    waiting = asyncio.create_task(desk.ask(after=seen["cursor"], wait=True))
    await asyncio.to_thread(until, lambda: desk.feed._waiters)
    await desk.journal.intent(an_act())
    page = await asyncio.wait_for(waiting, DEADLINE_S / 2)
    assert [event["kind"] for event in seen["events"]] == ["agent_began"]
    assert [event["kind"] for event in page["events"]] == ["intent"]
    assert (page["waited"], page["problem"]) == (True, "")


async def test_waiting_ends_with_an_empty_page_and_the_same_cursor(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_WAIT_S", 0.05)
    seen = await desk.ask()
    page = await desk.ask(after=seen["cursor"], wait=True)
    assert (page["events"], page["cursor"]) == ([], seen["cursor"])


async def test_followers_beyond_the_bound_are_answered_at_once(desk: Desk) -> None:
    cursor = (await desk.ask())["cursor"]
    desk.feed._waiters = feed_module._WAITERS_MAX
    page = await desk.ask(after=cursor, wait=True)
    assert (page["waited"], page["events"]) == (False, [])


async def test_pages_are_bounded_and_nonsense_is_refused(desk: Desk) -> None:
    await desk.journal.intent(an_act())
    assert len((await desk.ask(limit=1))["events"]) == 1
    assert (await desk.ask(since=time.time() + 1e6))["events"] == []
    for wrong in ({"limit": "many"}, {"since": "yesterday"}):
        with pytest.raises(AgentRefused) as caught:
            await desk.ask(**wrong)
        assert caught.value.kind == "usage"


async def test_a_journal_that_is_gone_is_told_and_not_invented(desk: Desk) -> None:
    for path in desk.journal.path.parent.iterdir():
        path.unlink()
    with pytest.raises(AgentRefused) as caught:
        await desk.ask()
    assert caught.value.kind == "no_journal"
