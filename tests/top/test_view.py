"""Which rows are shown, in which order, and which is chosen."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.local_api.decoding import from_values
from livewatch.local_api.requests import SessionsRequest
from livewatch.local_api.session_list import SessionQuery, session_list
from livewatch.local_api.session_order import SessionOrder
from livewatch.top.row import Row, rows_of
from livewatch.top.view import Show, View
from livewatch_classifiers.vocabulary import Attention
from tests.local_api.test_session_list import SESSIONS
from tests.test_agent import Stage
from tests.top.documents import FOUR, row

ROWS = rows_of(FOUR)


def keys(rows: tuple[Row, ...]) -> list[str]:
    return [row.key for row in rows]


@pytest.mark.parametrize(
    ("show", "count"),
    [(Show.ALL, 4), (Show.ATTENTION, 3), (Show.SICK, 2), (Show.STUCK, 1), (Show.STALLED, 1), (Show.LONG, 1)],
)
def test_a_filter_shows_only_its_labels(show: Show, count: int) -> None:
    shown = View(show=show).arranged(ROWS)
    assert len(shown) == count
    assert {row.attention for row in shown} <= show.labels


def test_every_filter_and_every_order_is_reached_by_its_key() -> None:
    view = View()
    shows, orders = {view.show}, {view.order}
    for _ in range(len(Show) + len(SessionOrder)):
        view = view.next_show().next_order()
        shows.add(view.show)
        orders.add(view.order)
    assert (shows, orders) == (set(Show), set(SessionOrder))
    assert view.next_show().next_show(-1) == view


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("agent", ["agent:one", "agent:two"]),
        ("one", ["agent:one"]),
        ("*three", ["cron:three"]),
        ("[aw]*", ["agent:one", "agent:two", "well"]),
        ("nobody", []),
    ],
)
def test_find_takes_a_part_of_a_key_or_a_glob(find: str, found: list[str]) -> None:
    assert keys(View(find=find).arranged(ROWS)) == found


def test_the_column_that_is_sorted_by_turns_round_when_it_is_chosen_again() -> None:
    once = View().sorted_by(SessionOrder.QUEUE)
    assert keys(once.arranged(ROWS))[:1] == ["agent:one"]
    assert keys(once.arranged(ROWS))[-1:] == ["cron:three"]
    twice = once.sorted_by(SessionOrder.QUEUE)
    assert keys(twice.arranged(ROWS)) == keys(once.arranged(ROWS))[::-1]
    assert twice.sorted_by(SessionOrder.AGE).reverse is False


def test_the_chosen_session_stays_chosen_when_its_row_moves_and_comes_back() -> None:
    view = View().moved(View().arranged(ROWS), 1)
    assert view.chosen == "agent:two"
    by_age = replace(view, order=SessionOrder.AGE).arranged(ROWS)
    assert by_age[view.index(by_age)].key == "agent:two"
    gone = tuple(row for row in ROWS if row.key != "agent:two")
    assert view.index(gone) == 0
    assert view.index(ROWS) == 1


@given(st.lists(st.integers(-9, 9)))
def test_moving_stops_at_both_ends(steps: list[int]) -> None:
    view, at = View(), 0
    for step in steps:
        view = view.moved(ROWS, step)
        at = min(max(at + step, 0), len(ROWS) - 1)
    assert view.index(ROWS) == at
    assert View().moved((), 3) == View()


@pytest.mark.parametrize("order", SessionOrder)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("show", Show)
async def test_the_screen_and_the_agent_sort_and_filter_alike(
    order: SessionOrder, *, reverse: bool, show: Show
) -> None:
    stage = Stage()
    stage.source.sessions = dict(SESSIONS)
    report = await stage.tick()
    view = View(order, reverse, show, find="a*")

    def asked(view: View) -> list[dict[str, Any]]:
        query = SessionQuery.of(from_values(SessionsRequest, view.query()))
        rows: list[dict[str, Any]] = session_list(report, query, doing={})["sessions"]
        return rows

    everything = rows_of(asked(View(SessionOrder.SESSION)))
    assert len(everything) == len(SESSIONS)
    assert keys(view.arranged(everything)) == [row["session"] for row in asked(view)]


def test_a_row_is_safe_for_a_terminal_and_keeps_the_key_for_asking() -> None:
    hostile = row(session="\x1b[2Jx", activity_name="\x07", doing="\x1b]0;", attention="stuck", held="by \x1b")
    assert hostile.key == "\x1b[2Jx"
    assert all(text.isprintable() for text in (hostile.name, hostile.doing, hostile.why))
    assert hostile.held


@pytest.mark.parametrize(
    ("facts", "doing"),
    [
        ({}, "model m"),
        ({"activity": "", "activity_name": "", "state": "idle"}, "idle"),
        ({"waiting_for": "approval"}, "wait approval"),
        ({"activity": "tool_call", "activity_name": "exec"}, "tool exec"),
        ({"activity": "embedded_run", "activity_name": ""}, "run"),
    ],
)
def test_what_a_session_does_is_said_in_few_words(facts: dict[str, Any], doing: str) -> None:
    assert row(**facts).doing == doing


def test_labels_of_filters_cover_every_attention() -> None:
    assert Show.ALL.labels == frozenset(Attention)
