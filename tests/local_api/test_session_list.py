"""Which sessions are listed, in which order; a place is the same for whoever sorts."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.local_api.decoding import from_query
from livewatch.local_api.requests import SessionsRequest
from livewatch.local_api.session_list import SessionQuery, recovery_words, session_list
from livewatch.local_api.session_order import SessionOrder, Sortable, place
from livewatch_classifiers import Activity
from livewatch_classifiers.model import Wait
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, Attention, SessionState, WaitKind
from tests.recovery.fake_gateway import NOW_S, session
from tests.test_agent import Stage

SESSIONS = {
    "idle": session(
        "idle",
        state=SessionState.IDLE,
        state_since_s=NOW_S - 50,
        run=None,
        queued=None,
        progress_s=NOW_S - 7,
        activity=None,
    ),
    "busy": session(
        "busy",
        queued=0,
        state_since_s=NOW_S - 20,
        progress_s=NOW_S,
        activity=Activity(ActivityKind.MODEL_CALL, name="m"),
    ),
    "dead": session("dead", queued=3),
    "asks": session(
        "asks",
        queued=1,
        state=SessionState.WAITING,
        state_since_s=NOW_S - 10,
        progress_s=NOW_S - 10,
        wait=Wait(WaitKind.APPROVAL, NOW_S - 10, NOW_S + 900),
    ),
}


async def looked() -> TickReport:
    stage = Stage()
    stage.source.sessions = dict(SESSIONS)
    return await stage.tick(after_s=0)


def query(**parameters: str) -> SessionQuery:
    return SessionQuery.of(from_query(SessionsRequest, urlencode(parameters)))


def listed(report: TickReport | None, **parameters: str) -> dict[str, Any]:
    return session_list(report, query(**parameters), doing={})


def keys(document: dict[str, Any]) -> list[str]:
    return [row["session"] for row in document["sessions"]]


@pytest.mark.parametrize(
    ("parameters", "order"),
    [
        ({}, ["dead", "asks", "busy", "idle"]),
        ({"sort": "age"}, ["dead", "idle", "busy", "asks"]),
        ({"sort": "silent"}, ["dead", "asks", "busy", "idle"]),
        ({"sort": "queue"}, ["dead", "asks", "busy", "idle"]),
        ({"sort": "session"}, ["asks", "busy", "dead", "idle"]),
        ({"sort": "session", "reverse": "true"}, ["idle", "dead", "busy", "asks"]),
        ({"sort": "age", "limit": "2"}, ["dead", "idle"]),
        ({"sort": "age", "limit": "2", "reverse": "true"}, ["asks", "busy"]),
        ({"attention": "long_running,none"}, ["asks", "busy", "idle"]),
        ({"match": "i*e"}, ["idle"]),
        ({"limit": "0"}, []),
    ],
)
async def test_sessions_come_in_the_order_that_was_asked_for(parameters: dict[str, str], order: list[str]) -> None:
    document = listed(await looked(), **parameters)
    assert keys(document) == order
    assert document["total"] == 4
    assert document["counts"] == {"none": 1, "long_running": 2, "stalled": 1, "stuck": 0}


async def test_a_row_says_what_a_session_does_and_an_idle_one_is_not_silent() -> None:
    rows = {row["session"]: row for row in listed(await looked())["sessions"]}
    assert rows["idle"]["silence_s"] is None
    assert (rows["busy"]["activity"], rows["busy"]["activity_name"]) == ("model_call", "m")
    assert rows["dead"]["activity"] == "embedded_run"
    assert rows["asks"]["waiting_for"] == "approval"
    assert rows["dead"]["silence_s"] == 800


async def test_a_row_says_what_is_done_and_who_holds_it() -> None:
    report = await looked()
    doing = recovery_words(report, {"asks": ActionKind.WAKE})
    document = session_list(report, SessionQuery(), doing=doing, held={"dead": "by me"}.get)
    rows = {row["session"]: row for row in document["sessions"]}
    assert rows["asks"]["doing"] == "wake was sent, its effect is awaited"
    assert rows["dead"]["doing"]
    assert [rows[key]["held"] for key in ("dead", "busy")] == ["by me", None]


async def test_a_gateway_that_cannot_be_read_has_a_problem_and_no_rows() -> None:
    assert listed(None)["problem"] == "no look at the gateway yet"
    assert listed(None)["sessions"] == []


@pytest.mark.parametrize("parameters", [{"attention": "ill"}, {"sort": "colour"}, {"limit": "many"}])
def test_an_unknown_word_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(parameters.values()))):
        query(**parameters)


numbers = st.none() | st.floats(0, 1e6)
sortables = st.builds(Sortable, st.sampled_from(Attention), numbers, numbers, st.none() | st.integers(0, 99), st.text())


@given(st.sampled_from(SessionOrder), st.lists(sortables, unique_by=lambda s: s.key))
def test_every_session_has_one_place_and_the_unknown_stands_last(order: SessionOrder, them: list[Sortable]) -> None:
    arranged = sorted(them, key=lambda s: place(order, s))
    assert len({place(order, s) for s in them}) == len(them)
    if order in (SessionOrder.AGE, SessionOrder.SILENT, SessionOrder.QUEUE):
        field = {"age": "age_s", "silent": "silence_s", "queue": "queued"}[order.value]
        values = [getattr(s, field) for s in arranged]
        known = [value for value in values if value is not None]
        assert values == sorted(known, reverse=True) + [None] * (len(values) - len(known))
