"""One sequence over everything in the journal: in order, never twice, and it goes on in the next agent's life."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.feed import Page, read_feed
from livewatch.recovery.journal.reader import JournalUnreadableError
from livewatch.recovery.journal.records import Asked
from livewatch.recovery.journal.schema import MIGRATIONS, migrate
from livewatch.recovery.journal.store import Retention
from livewatch.recovery.journal.writer import WriterSettings
from livewatch_classifiers.decision import Person
from tests.recovery.journal.facts import WALL_S, a_tick, an_act, completed, falls_sick, wait_until
from tests.recovery.journal.story import _StoryClock

Keep = Callable[..., Journal]


def kinds(page: Page) -> list[str]:
    return [item.kind for item in page.items]


async def a_story(journal: Journal) -> None:
    journal.on_tick(a_tick(transitions=(falls_sick(),)))
    await journal.open_intents()
    wait_until(lambda: journal.health.written >= 2)
    await journal.intent(an_act())
    journal.completed(completed(an_act()))
    journal.asked(Asked(Person("anna"), "hold", "hold * until resumed"))


async def test_events_actions_outcomes_and_lives_are_one_sequence(keep: Keep, path: Path) -> None:
    journal = keep()
    await a_story(journal)
    assert journal.close(10.0)
    page = read_feed(path)
    assert kinds(page) == ["agent_began", "transition", "intent", "outcome", "operator", "agent_ended"]
    texts = [item.text for item in page.items]
    assert texts[1] == "stalled/blocked_tool_call, rule 9 (was none/active for 6m40s); silent 6m20s, limit 5m00s"
    assert texts[2].startswith("abort_run decided: ")
    assert texts[3].startswith("abort_run recovered")
    assert texts[4] == "anna: hold * until resumed"
    assert page.items[2].session == "agent:main:main"


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_pages_put_together_are_the_whole_without_a_double(keep: Keep, path: Path, limit: int) -> None:
    for _ in range(2):
        journal = keep()
        await a_story(journal)
        assert journal.close(10.0)
    whole, pages, cursor = read_feed(path), list[str](), ""
    while page := read_feed(path, after=cursor, limit=limit):
        if not page.items:
            break
        pages += [item.cursor for item in page.items]
        cursor = page.cursor
    assert pages == [item.cursor for item in whole.items]
    assert len(set(pages)) == len(pages) == 12


async def test_a_cursor_stays_good_in_the_next_agents_life(keep: Keep, path: Path) -> None:
    first = keep()
    await a_story(first)
    assert first.close(10.0)
    cursor = read_feed(path).cursor
    second = keep()
    await second.intent(an_act(idempotency_key="k2"))
    assert kinds(read_feed(path, after=cursor)) == ["agent_began", "intent"]


async def test_a_cursor_of_another_file_is_not_believed(keep: Keep, path: Path, tmp_path: Path) -> None:
    journal, other = keep(), keep(at=tmp_path / "other.sqlite")
    for one in (journal, other):
        await a_story(one)
        assert one.close(10.0)
    assert kinds(read_feed(path, after=read_feed(tmp_path / "other.sqlite").cursor)) == kinds(read_feed(path))
    assert kinds(read_feed(path, after="nonsense")) == kinds(read_feed(path))


async def test_since_and_target_choose_and_an_empty_page_says_where_to_go_on(keep: Keep, path: Path) -> None:
    clock = _StoryClock()
    journal = keep(clock=clock)
    await journal.intent(an_act())
    clock.after_s = 100.0
    await journal.intent(an_act(idempotency_key="k2"))
    assert journal.close(10.0)
    assert kinds(read_feed(path, since_wall_s=WALL_S + 50, target="gw"))[0] == "intent"
    nothing = read_feed(path, since_wall_s=WALL_S + 1e9)
    assert nothing.items == ()
    assert nothing.cursor == read_feed(path).cursor
    assert read_feed(path, target="another").items == ()


async def test_numbers_are_never_used_again_after_everything_expired(keep: Keep, path: Path) -> None:
    clock = _StoryClock()
    clock.after_s = -7200.0
    old = keep(clock=clock)
    await old.intent(an_act())
    old.completed(completed(an_act()))
    assert old.close(10.0)
    before = read_feed(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE feed SET wall_s = 0")  # an end is dated by the machine's own clock
    settings = WriterSettings(retry_s=0.02, maintain_every_s=0.0, retention=Retention(age_s=3600.0))
    journal = keep(settings, clock=clock)
    wait_until(lambda: not read_feed(path).items)
    clock.after_s = 0.0
    await journal.intent(an_act(idempotency_key="k2"))
    assert kinds(read_feed(path, after=before.cursor)) == ["intent"]


def test_a_file_of_the_first_version_is_refused_in_words(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
    with pytest.raises(JournalUnreadableError, match="has no sequence yet"):
        read_feed(path)
