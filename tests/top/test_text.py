"""Lines of the screen: as wide as the screen, readable without colour, and with the thing that must be told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from livewatch.local_api.session_order import SessionOrder
from livewatch.top.columns import ORDER_OF, Column, Layout, sentence
from livewatch.top.header import counts_line, gateway_line, loop_line, notice_line, notices
from livewatch.top.row import rows_of
from livewatch.top.tones import Line, Piece, Tone, cut, ellipsis, middle_cut, spread
from livewatch.top.trend import Trend, delay_of, sparkline
from livewatch.top.view import Show, View
from tests.top.documents import FOUR, STATUS, VITALS, row

names = st.text(st.sampled_from("abé:漢👍-"), min_size=1, max_size=40)


def said(line: Line) -> str:
    return "".join(piece.text for piece in line)


@given(st.lists(names, min_size=1, max_size=5), st.integers(70, 200), st.sampled_from(SessionOrder))
def test_every_line_of_the_table_is_as_wide_as_the_screen(keys: list[str], width: int, order: SessionOrder) -> None:
    rows = tuple(row(session=key, doing="release_lane blocked by mode", attention="stuck") for key in keys)
    layout = Layout.of(rows, width)
    assert cell_len(said(layout.head(order, reverse=False))) == width
    assert {cell_len(said(layout.line(each))) for each in rows} == {width}


@given(names, st.integers(0, 30))
def test_cut_names_fit_and_keep_both_ends(text: str, width: int) -> None:
    assert cell_len(middle_cut(text, width)) <= width
    assert cell_len(ellipsis(text, width)) <= width
    if 6 < width < cell_len(text):
        assert middle_cut(text, width)[0] == text[0]
        assert middle_cut(text, width)[-1] == text[-1]


@given(st.lists(names), st.lists(names, max_size=1), st.integers(0, 60))
def test_a_spread_line_is_never_wider_than_the_screen(left: list[str], right: list[str], width: int) -> None:
    assert cell_len(said(spread(map(Piece, left), map(Piece, right), width))) <= width
    assert cell_len(said(cut(map(Piece, left), width))) <= width


def test_labels_are_words_and_a_held_row_has_its_letter() -> None:
    layout = Layout.of(rows_of(FOUR), 80)
    lines = [said(layout.line(each)) for each in rows_of([*FOUR, FOUR[0] | {"held": "by me"}])]
    assert [line.split()[0] for line in lines] == ["stuck", "stalled", "long", "-", "stuck"]
    assert [line[8] for line in lines] == [" ", " ", " ", " ", "H"]


@pytest.mark.parametrize("width", [80, 140])
def test_a_click_on_a_heading_finds_its_column(width: int) -> None:
    layout = Layout.of(rows_of(FOUR), width)
    head = said(layout.head(SessionOrder.AGE, reverse=True))
    assert "AGE▲" in head
    for column, order in ORDER_OF.items():
        assert ORDER_OF[layout.column_at(head.index(column.value)) or Column.WHY] is order
    assert layout.column_at(width + 5) is None


@pytest.mark.parametrize(("queued", "told"), [(None, "?"), (0, "-"), (999, "999"), (4000, "1k+")])
def test_a_queue_fits_its_column(queued: int | None, told: str) -> None:
    layout = Layout.of((), 80)
    assert said(layout.line(row(queued=queued, attention="none"))).split()[-1] == told


def test_the_sentence_has_what_the_row_had_no_room_for() -> None:
    told = said(sentence(row(attention="stuck", reason="zombie_run", rule="5", doing="force_clear", held="by anna")))
    assert told == "s: stuck, rule 5; zombie_run; paused by anna; force_clear"
    assert said(sentence(row())) == "s: nothing stands out, rule 17; model m"


def test_the_head_names_gateway_state_reasons_mode_and_time() -> None:
    vitals = VITALS | {"state": "unresponsive", "reasons": ["event_loop_delay"], "cause": "own_code"}
    line = gateway_line(STATUS | {"vitals": vitals}, 80, fresh=True)
    assert said(line).startswith("gw unresponsive (event_loop_delay, cause: own_code)")
    assert said(line).endswith("mode abort  07:59:04Z")
    assert line[1].tone is Tone.BAD
    assert "was unresponsive" in said(gateway_line(STATUS | {"vitals": vitals}, 80, fresh=False))
    assert "not seen yet" in said(gateway_line({"target": "gw", "mode": "abort", "vitals": None}, 80, fresh=True))


def test_the_counts_say_what_is_left_out_and_in_which_order() -> None:
    view = View(SessionOrder.AGE, reverse=True, show=Show.SICK, find="a")
    told = said(counts_line(STATUS, view, 2, 5, 130))
    assert told.startswith("4 sessions  1 stuck  1 stalled  1 long running ")
    assert told.endswith("by age reversed  only stalled+stuck  find a  first 2 of 5")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"problem": "no board: start it"}, ["no board: start it"]),
        ({"acts": False, "actor": "pid 7 acts"}, ["observes only: pid 7 acts"]),
        ({"health_penalty": 2}, ["livewatch itself is slow: its readings are suspect, and it waits longer"]),
        ({"holds": [{"session": "a*", "by": "anna", "left_s": None}]}, ["paused by anna until resumed: a*"]),
        (
            {
                "time": 5000.0,
                "last_actions": [
                    {"action": "wake", "session": "s", "outcome": "recovered", "took_s": 2.0, "time": 1400.0}
                ],
            },
            ["last done: wake on s, 1h00m ago: recovered after 2s"],
        ),
        (
            {"problem": "", "sessions_visible": False},
            [],
        ),
        (
            {"held": [{"action": "wake", "session": "s", "gate": "mode", "held_s": 60.2, "detail": "d"}]},
            ["a person should look: wake on s blocked by mode for 1m00s: d"],
        ),
        ({}, []),
    ],
)
def test_what_a_person_should_know_is_told(status: dict[str, object], told: list[str]) -> None:
    assert [piece.text for piece in notices(STATUS | status)] == told


def test_the_first_notice_is_shown_and_the_others_are_counted() -> None:
    assert said(notice_line([Piece("a"), Piece("b"), Piece("c")], 20)) == "a            +2 more"
    assert notice_line([], 20) == ()


def test_the_line_of_the_loop_has_bars_numbers_and_holes() -> None:
    trend = Trend()
    for delay_s in (0.001, None, 0.3, 0.6):
        trend = trend.with_look(None if delay_s is None else VITALS | {"loop_delay_max_s": delay_s})
    told = said(loop_line(trend, 80))
    assert cell_len(told) <= 80
    assert told.startswith("loop delay ")
    assert told.endswith("▁ ▅█ now 600ms, worst 600ms")
    assert said(loop_line(Trend(), 80)).strip() == "loop delay"


@given(st.lists(st.none() | st.floats(0, 1e4)), st.integers(0, 100))
def test_a_sparkline_has_its_width_whatever_it_draws(delays_s: list[float | None], width: int) -> None:
    assert len(sparkline(delays_s, width)) == width


def test_a_punctual_loop_draws_a_flat_line() -> None:
    assert sparkline([0.001, 0.002, 0.004], 5) == "  ▁▁▁"


def test_a_loop_that_stands_still_is_as_late_as_its_heart_is_silent() -> None:
    assert delay_of(VITALS | {"state": "unresponsive", "loop_heartbeat_age_s": 7.5}) == 7.5
    assert delay_of({"state": "responsive", "loop_heartbeat_age_s": 0.7}) == 0.7
    assert delay_of(VITALS | {"loop_heartbeat_age_s": 7.5}) == 0.004
    assert delay_of({"state": "gone"}) is None
