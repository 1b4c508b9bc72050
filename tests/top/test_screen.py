"""The screen under Textual's pilot: keys, what they ask for, and what is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from livewatch.local_api.session_order import SessionOrder
from livewatch.top.app import TopApp
from livewatch.top.contact import Contact
from livewatch.top.dialogs import HoldDialog, RecoverDialog
from livewatch.top.main_screen import MainScreen
from livewatch.top.model import Model
from livewatch.top.pages import Page
from livewatch.top.session_table import SessionTable
from livewatch.top.vantage import Look, LostError
from livewatch.top.view import Show
from tests.top.documents import ROW, look
from tests.top.fake_vantage import FakeVantage

DEADLINE_S = 60.0
SIZES = [(80, 24), (140, 40)]


class Stage:
    """A running screen, and what is on it."""

    def __init__(self, vantage: FakeVantage | None, app: TopApp, pilot: Pilot[int]) -> None:
        self.vantage = vantage
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> MainScreen:
        bottom = self.app.screen_stack[0]
        assert isinstance(bottom, MainScreen)
        return bottom

    @property
    def model(self) -> Model:
        return self.screen.model

    def lines(self) -> list[str]:
        """What the terminal shows now."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]

    def shows(self, text: str) -> bool:
        return text in "\n".join(self.lines())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds, bounded."""
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end_s, "\n".join(self.lines())
            await self.pilot.pause()
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stage(
    size: tuple[int, int] = (80, 24), *, hands: bool = True, interval_s: float = 0.05
) -> AsyncIterator[Stage]:
    vantage = FakeVantage(hands=hands)
    app = TopApp(vantage, Model(Contact("the agent", interval_s)))
    async with app.run_test(size=size) as pilot:
        on = Stage(vantage, app, pilot)
        await on.until(lambda: on.model.rows)
        yield on


@pytest.fixture(name="on")
async def fixture_on() -> AsyncIterator[Stage]:
    async with stage() as on:
        yield on


@pytest.mark.parametrize("size", SIZES)
async def test_everything_is_on_the_screen_at_both_sizes(size: tuple[int, int]) -> None:
    async with stage(size) as on:
        await on.until(lambda: on.shows("agent:one"))
        shown = on.lines()
        assert len(shown) == size[1]
        assert max(map(len, shown)) <= size[0]
        assert shown[0].startswith("gw responsive")
        assert shown[1].startswith("4 sessions  1 stuck  1 stalled  1 long running")
        assert [line.split()[0] for line in shown[4:9]] == ["ATTN▼", "stuck", "stalled", "long", "-"]
        assert shown[-3].startswith("agent:one: stuck")
        assert shown[-1].startswith("enter explain  h hold  r recover")
        assert on.shows("zombie_run")


async def test_arrows_choose_a_session_that_stays_chosen(on: Stage) -> None:
    await on.pilot.press("down", "j", "k")
    assert on.model.view.chosen == "agent:two"
    await on.pilot.press("S")
    assert on.model.chosen is not None
    assert on.model.chosen.key == "agent:two"
    await on.pilot.press("end", "down")
    assert on.model.chosen == on.model.rows[-1]
    await on.pilot.press("home", "pagedown", "pageup")
    assert on.model.chosen == on.model.rows[0]


async def test_more_rows_than_lines_scroll_with_the_chosen_one(on: Stage) -> None:
    on.vantage.shown = look(*[ROW | {"session": f"s{number:03d}"} for number in range(200)])
    await on.until(lambda: len(on.model.rows) == 200)
    await on.pilot.press("end")
    await on.until(lambda: on.shows("s199"))
    assert not on.shows("s000 ")
    await on.pilot.press("home")
    await on.until(lambda: on.shows("s000 "))


async def test_filter_sort_and_find_are_asked_of_the_agent_and_shown_at_once(on: Stage) -> None:
    await on.pilot.press("f", "f")
    assert on.model.view.show is Show.SICK
    assert not on.shows("cron:three")
    await on.until(lambda: on.vantage.views[-1].show is Show.SICK)
    await on.pilot.press("a", "s", "o")
    assert (on.model.view.order, on.model.view.reverse) == (SessionOrder.AGE, True)
    await on.pilot.press("slash", *"agent", "enter", "F")
    assert (on.model.view.find, on.model.view.show) == ("agent", Show.LONG)
    await on.until(lambda: on.vantage.views[-1].find == "agent")
    assert on.shows("no session fits the filter; press a")
    await on.pilot.press("a")
    assert (on.model.view.find, on.model.view.show) == ("", Show.ALL)


async def test_another_view_is_asked_for_before_the_next_look_is_due() -> None:
    async with stage(interval_s=3600.0) as on:
        await on.pilot.press("f")
        await on.until(lambda: on.vantage.views[-1].show is Show.ATTENTION)


async def test_escape_ends_a_search_and_its_letters_are_no_commands(on: Stage) -> None:
    await on.pilot.press("slash", *"qfq")
    assert (on.model.view.find, on.model.view.show) == ("qfq", Show.ALL)
    await on.pilot.press("escape")
    assert on.model.view.find == ""
    await on.pilot.press("f")
    assert on.model.view.show is Show.ATTENTION


async def test_clicks_choose_explain_and_sort(on: Stage) -> None:
    await on.pilot.click(SessionTable, offset=(20, 2))
    assert on.model.view.chosen == "agent:two"
    head = on.lines()[4]
    await on.pilot.click(SessionTable, offset=(head.index("AGE"), 0))
    assert on.model.view.order is SessionOrder.AGE
    await on.pilot.click(SessionTable, offset=(head.index("WHY"), 0))
    assert on.model.view.order is SessionOrder.AGE
    await on.pilot.click(SessionTable, offset=(20, 15))
    at = [row.key for row in on.model.rows].index("agent:two")
    await on.pilot.click(SessionTable, offset=(20, 1 + at))
    await on.until(lambda: isinstance(on.app.screen, Page))


async def test_enter_explains_and_goes_back(on: Stage) -> None:
    await on.pilot.press("enter")
    await on.until(lambda: on.shows("because of this rule"))
    await on.pilot.press("down", "pagedown", "q")
    assert on.app.screen is on.screen
    await on.pilot.press("end", "e")
    await on.until(lambda: on.shows("no session 'well'"))


async def test_help_names_every_key_that_does_something(on: Stage) -> None:
    await on.pilot.press("question_mark")
    await on.until(lambda: on.shows("choose a session"))
    for said in ("enter, e", "h     ", "r     ", "f  F", "/  ", "s  S", "q, Ctrl-C"):
        assert on.shows(said)


@pytest.mark.parametrize(
    ("key", "asked", "told"),
    [
        ("3", [("hold", "agent:one", "30m")], "paused for 30m"),
        ("4", [("hold", "agent:one", "4h")], "paused for 4h"),
        ("u", [("hold", "agent:one", "None")], "paused until resumed"),
        ("r", [("resume", "agent:one")], "no longer paused"),
        ("escape", [], ""),
    ],
)
async def test_a_hold_is_asked_for_how_long(on: Stage, key: str, asked: list[tuple[str, ...]], told: str) -> None:
    await on.pilot.press("h")
    await on.until(lambda: isinstance(on.app.screen, HoldDialog) and on.shows("Leave this session alone?"))
    await on.pilot.press(key)
    await on.until(lambda: on.app.screen is on.screen and on.shows(told))
    assert on.vantage.asked == asked


async def test_a_session_that_is_not_held_alone_says_so(on: Stage) -> None:
    await on.pilot.press("down", "h")
    await on.until(lambda: isinstance(on.app.screen, HoldDialog))
    await on.pilot.press("r")
    await on.until(lambda: on.shows("was not held"))


async def test_a_repair_is_shown_confirmed_sent_and_its_outcome_told(on: Stage) -> None:
    await on.pilot.press("r")
    await on.until(lambda: isinstance(on.app.screen, RecoverDialog) and on.shows("abort_run on run r1"))
    assert on.shows("every gate passes")
    assert on.vantage.asked == [("plan", "agent:one")]
    await on.pilot.press("enter")
    assert isinstance(on.app.screen, RecoverDialog)
    await on.pilot.press("y")
    await on.until(lambda: on.shows("abort_run recovered after 500ms: seen to work"))
    assert ("recover", "agent:one", "abort_run") in on.vantage.asked


@pytest.mark.parametrize("no", ["n", "q", "escape"])
async def test_a_repair_that_is_not_wanted_is_not_sent(on: Stage, no: str) -> None:
    await on.pilot.press("r")
    await on.until(lambda: isinstance(on.app.screen, RecoverDialog))
    await on.pilot.press(no)
    await on.until(lambda: on.app.screen is on.screen)
    assert on.vantage.asked == [("plan", "agent:one")]


async def test_a_repair_that_a_gate_holds_cannot_be_sent(on: Stage) -> None:
    on.vantage.gate = True
    await on.pilot.press("r")
    await on.until(lambda: on.shows("blocked by backoff: opens in 4s"))
    await on.pilot.press("y")
    assert isinstance(on.app.screen, RecoverDialog)
    await on.pilot.press("enter")
    assert on.vantage.asked == [("plan", "agent:one")]


async def test_a_session_without_a_repair_says_why(on: Stage) -> None:
    on.vantage.nothing_to_do = "none/idle has no repair"
    await on.pilot.press("r")
    await on.until(lambda: on.shows("none/idle has no repair"))
    assert on.shows("There is nothing to send")


async def test_an_agent_that_is_lost_and_comes_back_is_told_and_rows_stay(on: Stage) -> None:
    on.vantage.problem = LostError("no agent answers")
    await on.until(lambda: on.shows("the agent is lost"))
    assert on.shows("agent:one")
    assert on.shows("gw was responsive")
    await on.pilot.press("h", "3", "r")
    await on.until(lambda: on.app.screen is on.screen and on.shows("the agent is lost"))
    assert on.vantage.asked == []
    on.vantage.problem = None
    await on.until(lambda: on.shows("the agent answers again"))
    assert on.shows("gw responsive")


async def test_without_an_agent_there_is_nothing_to_hold_or_repair_with() -> None:
    async with stage(hands=False) as on:
        assert "hold" not in on.lines()[-1]
        for key in ("h", "r"):
            await on.pilot.press(key)
            await on.until(lambda: on.shows("only looking"))
            assert on.app.screen is on.screen


async def test_nothing_happens_where_there_is_no_session(on: Stage) -> None:
    on.vantage.shown = Look(on.vantage.shown.status, {"sessions": [], "matching": 0})
    await on.until(lambda: not on.model.rows)
    await on.pilot.press("h", "r", "enter", "down", "pageup")
    assert on.app.screen is on.screen


@pytest.mark.parametrize(("key", "code"), [("q", None), ("ctrl+c", 130), ("ctrl+q", 0)])
async def test_each_way_out_ends_with_its_code(on: Stage, key: str, code: int | None) -> None:
    await on.pilot.press(key)
    await on.pilot.pause()
    assert on.app._exit
    assert on.app.return_value == code


async def test_ctrl_c_ends_it_from_a_dialog_and_from_the_search(on: Stage) -> None:
    await on.pilot.press("slash", "x")
    await on.pilot.press("ctrl+c")
    assert on.app.return_value == 130


async def test_without_colour_nothing_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage() as on:
        await on.until(lambda: on.shows("stuck"))
        filters = on.app.get_line_filters()
        assert [type(each).__name__ for each in filters] == ["NoColor"]


async def test_a_narrow_or_tiny_terminal_is_no_error() -> None:
    async with stage((20, 6)) as on:
        await on.pilot.resize_terminal(200, 60)
        await on.until(lambda: on.shows("zombie_run"))
        await on.pilot.resize_terminal(1, 1)
        await on.pilot.pause()
