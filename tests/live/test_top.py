"""`livewatch top` on a real terminal, over a real agent and over a real board."""

import asyncio
import re
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from livewatch.demo.fault import Fault
from livewatch.top.agent_vantage import AgentVantage
from livewatch.top.app import TopApp
from livewatch.top.contact import Contact
from livewatch.top.model import Model
from livewatch.top.vantage import LostError, RefusedError
from livewatch.top.view import Show, View
from tests.live.terminal import Terminal
from tests.live.test_audit_and_events import entries, inject
from tests.live.test_gateway_process import Place, Start, agent, fixture_place, fixture_start, gateway
from tests.top.test_screen import Stage
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
Open = Callable[..., Terminal]
_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")
"""A colour; 39 and 49 are the terminal's own."""


@pytest.fixture(name="terminal")
def fixture_terminal() -> Generator[Open]:
    opened: list[Terminal] = []

    def start(*arguments: object, **options: object) -> Terminal:
        opened.append(Terminal("top", *arguments, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def hung(place: Place, start: Start, *flags: str) -> None:
    """Start a gateway and an agent that sees one hung session."""
    gateway(place, start)
    agent(place, start, "--warn-after", "500ms", "--abort-after", "1s", *flags)
    place.until_state("responsive")
    inject(place, Fault.HUNG_MODEL_CALL, "hung[1]")
    until(lambda: [row for row in place.status()["attention"] if row["attention"] == "stalled"], "a stalled session")


def test_a_session_is_held_explained_and_repaired_from_the_keyboard(place: Place, start: Start, terminal: Open) -> None:
    hung(place, start, "--dry-run")
    top = terminal("--agent", place.agent, size=(140, 40))
    top.until("hung[1]: stalled")
    top.press("\r")
    top.until("a bet on silence")
    top.press("q")
    top.press_until("h", "Leave this session alone?")
    top.press("u")
    top.until("paused until resumed")
    assert [hold["session"] for hold in place.status()["holds"]] == ["hung[[]1]"]
    top.press("r")
    top.until("blocked by operator_hold")
    top.until("esc  close")  # the list says who holds it too; this is the dialog
    top.press("\r")
    top.press_until("h", "Leave this session alone?")
    top.press("r")
    top.until("no longer paused")
    top.press("q")
    assert top.end() == 0
    assert top.restored()
    assert [entry.session for entry in entries(place, "hold")] == ["hung[[]1]"]


@pytest.mark.parametrize("how", ["\x03", signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_terminal_is_given_back_however_it_ends(
    place: Place, start: Start, terminal: Open, how: str | signal.Signals
) -> None:
    gateway(place, start)
    top = terminal("--board", place.board)
    top.until("visitor-000")
    if isinstance(how, str):
        top.press(how)
    else:
        top.process.send_signal(how)
    assert top.end() == (130 if how in ("\x03", signal.SIGINT) else 0)
    assert top.restored()


def test_it_goes_on_while_the_agent_is_away_and_quits_without_waiting_for_a_stopped_one(
    place: Place, start: Start, terminal: Open
) -> None:
    gateway(place, start)
    watcher = agent(place, start)
    place.until_state("responsive")
    top = terminal("--agent", place.agent, "--interval", "100ms", size=(140, 40))
    top.until("visitor-000")
    watcher.kill()
    watcher.wait()
    top.until("the agent is lost")
    watcher = agent(place, start)
    top.until("answers again")
    watcher.send_signal(signal.SIGSTOP)
    top.until("has not answered")
    top.press("q")
    assert top.end() == 0


@pytest.mark.parametrize("wanted", [True, False])
def test_no_colour_is_written_where_none_is_wanted(place: Place, start: Start, terminal: Open, *, wanted: bool) -> None:
    gateway(place, start)
    top = terminal("--board", place.board, env={} if wanted else {"NO_COLOR": "1"})
    top.until("responsive")
    top.press("q")
    top.end()
    assert bool(_COLOUR.findall(top.written)) is wanted


def test_mistakes_are_one_line_and_leave_the_terminal_alone(place: Place, terminal: Open, tmp_path: Path) -> None:
    for arguments, code, said in (
        (("--agent", place.agent), 3, "no agent answers"),
        (("--board", tmp_path / "none"), 3, "livewatch: "),
        (("--board", tmp_path / "none", "--agent", place.agent), 2, "leave out --agent"),
        (("--interval", "5"), 2, "write 5s"),
        (("--interval", "5h"), 2, "100ms to 1m"),
    ):
        top = terminal(*arguments)
        assert top.end() == code
        assert said in top.output
        assert top.output.count("\n") == 1
        assert "\x1b" not in top.written


async def test_a_repair_through_the_screen_is_seen_to_work(place: Place, start: Start) -> None:
    gateway(place, start)
    config = place.folder / "livewatch.toml"
    config.write_text(
        '[thresholds]\nwarn_after = "500ms"\nabort_after = "1s"\n'
        '[recovery]\nstartup_grace = "0s"\nresume_grace = "0s"\nhealthy_for = "0s"\nmode = "observe"\n',
        encoding="utf-8",
    )
    paths = ["--board", place.board, "--socket", place.socket, "--agent-socket", place.agent]
    start("run", *paths, "--state-dir", place.folder, "--config", config, "--interval", "100ms")
    place.until_state("responsive")
    inject_at = AgentVantage(place.agent)
    app = TopApp(inject_at, Model(Contact("the agent", 0.1), View(show=Show.STALLED)))
    await asyncio.to_thread(inject, place, Fault.HUNG_MODEL_CALL, "hung")
    async with app.run_test(size=(140, 40)) as pilot:
        on = Stage(None, app, pilot)
        await on.until(lambda: on.model.rows and on.model.rows[0].key == "hung")
        await on.pilot.press("r")
        await on.until(lambda: on.shows("every gate passes"))
        await on.pilot.press("y")
        await on.until(lambda: on.shows("hung: abort_run recovered"))


async def test_an_agent_that_refuses_or_is_not_there_is_told_apart(place: Place, start: Start) -> None:
    vantage = AgentVantage(place.agent)
    with pytest.raises(LostError, match="livewatch run"):
        await vantage.look(View())
    gateway(place, start)
    agent(place, start)
    await asyncio.to_thread(place.until_state, "responsive")
    with pytest.raises(RefusedError, match="no session 'nobody'"):
        await vantage.explain("nobody")
    with pytest.raises(RefusedError, match="duration"):
        await vantage.hold("s", "soon")
