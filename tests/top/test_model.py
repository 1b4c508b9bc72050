"""What the screen says when somebody answers, does not, and answers again."""

from hypothesis import given
from hypothesis import strategies as st

from livewatch.top.contact import Contact
from livewatch.top.model import HEAD_LINES, Model, window
from livewatch.top.tones import Tone
from livewatch.top.vantage import Look
from livewatch.top.view import Show, View
from tests.top.documents import FOUR, look

WELL = Model(Contact("the agent")).seen(look(), 10.0)


def told(model: Model, now_s: float) -> str:
    return "".join(piece.text for piece in model.head(100, now_s)[3]).rstrip()


def test_a_model_that_saw_nothing_has_as_many_lines_as_any_other() -> None:
    assert len(Model(Contact("the agent")).head(80, 0.0)) == len(WELL.head(80, 10.0)) == HEAD_LINES


def test_a_lost_agent_is_told_and_what_was_seen_last_stays() -> None:
    lost = WELL.missed("no agent answers", 11.0).missed("no agent answers", 12.0)
    assert told(lost, 14.0).startswith("the agent is lost, last seen 4s ago; asking again: no agent answers")
    assert lost.rows == WELL.rows
    assert not lost.contact.fresh(14.0)
    back = lost.seen(look(), 15.0)
    assert told(back, 16.0) == "the agent answers again"
    assert told(back, 30.0).startswith("the agent has not answered")
    assert told(back.seen(look(), 30.0), 30.5) == ""


def test_an_answer_that_does_not_come_is_told_before_it_is_given_up() -> None:
    assert told(WELL, 11.0) == ""
    assert told(WELL, 15.0) == "the agent has not answered for 5s"
    assert not WELL.contact.fresh(15.0)


def test_a_note_is_told_for_a_while_before_what_the_agent_says() -> None:
    noted = Model(Contact("a")).seen(look(problem="no board"), 10.0).noted("s: left\x1balone", 10.0, Tone.STRONG)
    assert told(noted, 10.5).startswith("s: left?alone")
    assert told(noted.seen(look(problem="no board"), 40.0), 40.0) == "no board"


def test_a_gateway_that_cannot_be_read_has_no_delay_and_says_why_there_are_no_rows() -> None:
    status = look(problem="no board", sessions={"total": 0}).status
    blind = WELL.seen(Look(status, {"sessions": [], "matching": 0}), 11.0)
    assert blind.trend.latest_s is None
    assert blind.chosen is None
    assert blind.foot()[0].text == "no board"
    assert blind.head(80, 11.0)[1][0].text == "sessions unknown"


def test_a_filter_without_a_match_says_how_to_see_all() -> None:
    none = WELL.viewed(View(find="nobody"))
    assert "press a" in none.foot()[0].text
    assert none.viewed(View()).chosen is not None


def test_something_is_chosen_as_soon_as_there_is_something() -> None:
    assert WELL.view.chosen == "agent:one"
    assert WELL.viewed(View(show=Show.STALLED)).chosen == WELL.rows[1]
    assert WELL.seen(look(*FOUR[1:]), 11.0).chosen == WELL.rows[1]


@given(st.integers(0, 50), st.integers(-5, 80), st.integers(1, 30), st.integers(1, 51))
def test_the_chosen_row_is_always_in_the_window(index: int, offset: int, height: int, count: int) -> None:
    index = min(index, count - 1)
    first = window(index, offset, height, count)
    assert first <= index < first + height
    assert 0 <= first <= max(0, count - height)
