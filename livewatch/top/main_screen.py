"""The table with what stands around it, and what the keys do."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

from livewatch.cli.explain import lines as explained
from livewatch.cli.printable import printable
from livewatch.top.asking import Asking
from livewatch.top.model import HEAD_LINES, Model
from livewatch.top.pages import HELP, Page
from livewatch.top.paint import text
from livewatch.top.row import Row
from livewatch.top.session_table import SessionTable
from livewatch.top.tones import Tone
from livewatch.top.vantage import LostError, RefusedError, Vantage
from livewatch.top.view import Show, View

_REDRAW_S = 0.5
_FAR = 1_000_000
_KEYS = "enter explain  h hold  r recover  f filter  s sort  / find  ? help  q quit"
_KEYS_LOOKING = "enter explain  f filter  s sort  o reverse  / find  ? help  q quit"


class MainScreen(Screen[None]):
    """Looks every ``interval_s`` seconds, at once when the view changes, and shows what is there."""

    DEFAULT_CSS = f"""
    MainScreen {{ layout: vertical; overflow: hidden; }}
    #head {{ height: {HEAD_LINES}; }}
    SessionTable {{ height: 1fr; }}
    #foot {{ height: 2; }}
    #keys {{ height: 1; }}
    #find {{ display: none; height: 1; border: none; padding: 0; }}
    MainScreen.finding #find {{ display: block; }}
    MainScreen.finding #keys {{ display: none; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)"),
        Binding("down,j", "move(1)"),
        Binding("pageup", "page(-1)"),
        Binding("pagedown,space", "page(1)"),
        Binding("home,g", f"move(-{_FAR})"),
        Binding("end,G", f"move({_FAR})"),
        Binding("f", "filter(1)"),
        Binding("F", "filter(-1)"),
        Binding("a", "all"),
        Binding("s", "sort(1)"),
        Binding("S", "sort(-1)"),
        Binding("o", "reverse"),
        Binding("slash", "find"),
        Binding("escape", "all"),
        Binding("enter,e", "explain"),
        Binding("h", "hold"),
        Binding("r", "recover"),
        Binding("question_mark,f1", "help"),
        Binding("q", "app.quit"),
    ]

    def __init__(self, shell: App[int], vantage: Vantage, model: Model) -> None:
        super().__init__()
        self._shell = shell
        self.model = model
        self._vantage = vantage
        self._look_now = asyncio.Event()
        keys = _KEYS_LOOKING if vantage.hands is None else _KEYS
        self._head, self._foot = Static(id="head"), Static(id="foot")
        self._keys = Static(Text(keys, style="dim", no_wrap=True), id="keys")
        self._table = SessionTable(model)
        self._find = Input(placeholder="part of a session's key, or a glob; enter keeps it, esc ends it", id="find")

    def compose(self) -> ComposeResult:
        """Head, table, the chosen session, keys."""
        yield from (self._head, self._table, self._foot, self._keys, self._find)

    def on_mount(self) -> None:
        """Begin to look; the clock on the screen goes on while nobody answers."""
        self._table.focus()
        self.run_worker(self._looks(), group="looks", exclusive=True)
        self.set_interval(_REDRAW_S, self._draw)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    async def _looks(self) -> None:
        while True:
            self._look_now.clear()
            await self._look()
            try:
                async with asyncio.timeout(self.model.contact.interval_s):
                    await self._look_now.wait()
            except TimeoutError:
                pass

    async def _look(self) -> None:
        try:
            look = await self._vantage.look(self.model.view)
        except (LostError, RefusedError) as error:
            self.model = self.model.missed(str(error), time.monotonic())
        else:
            self.model = self.model.seen(look, time.monotonic())
        self._draw()

    def _draw(self) -> None:
        now_s = time.monotonic()
        self._head.update(text(self.model.head(self.size.width, now_s)))
        self._table.show(self.model, fresh=self.model.contact.fresh(now_s))
        self._foot.update(text([self.model.foot()]))

    def _view(self, view: View) -> None:
        """Show another view of what is known, and ask for it."""
        self.model = self.model.viewed(view)
        self._look_now.set()
        self._draw()

    def _note(self, said: str, tone: Tone = Tone.STRONG) -> None:
        self.model = self.model.noted(said, time.monotonic(), tone)
        self._look_now.set()
        self._draw()

    def action_move(self, steps: int) -> None:
        """Choose another row."""
        self.model = self.model.viewed(self.model.view.moved(self.model.rows, steps))
        self._draw()

    def action_page(self, pages: int) -> None:
        """Choose a row a page away."""
        self.action_move(pages * self._table.page)

    def action_filter(self, steps: int) -> None:
        """Show other labels."""
        self._view(self.model.view.next_show(steps))

    def action_all(self) -> None:
        """Show every session."""
        self._find.value = ""
        self._view(replace(self.model.view, show=Show.ALL, find=""))

    def action_sort(self, steps: int) -> None:
        """Sort by another column."""
        self._view(self.model.view.next_order(steps))

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._view(replace(self.model.view, reverse=not self.model.view.reverse))

    def action_find(self) -> None:
        """Ask for part of a key."""
        self.add_class("finding")
        self._find.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits already."""
        self._view(replace(self.model.view, find=event.value))

    def on_input_submitted(self) -> None:
        """Keep what was typed, and go back to the table."""
        self._found()

    def on_key(self, event: events.Key) -> None:
        """Leave the line of `find` with esc, without what was typed."""
        if event.key == "escape" and self.has_class("finding"):
            event.stop()
            self._found()
            self.action_all()

    def _found(self) -> None:
        self.remove_class("finding")
        self._table.focus()

    def action_explain(self) -> None:
        """Say why the chosen session has its label."""
        row = self.model.chosen
        if row is not None:
            key = row.key
            self._shell.push_screen(Page(lambda: self._explained(key), self.model.contact.interval_s))

    def action_help(self) -> None:
        """Say which keys there are."""
        self._shell.push_screen(Page(_help))

    def action_hold(self) -> None:
        """Have the chosen session left alone."""
        self._ask(Asking(self._shell, self._vantage.hands, self._note).hold)

    def action_recover(self) -> None:
        """Repair the chosen session, once that is confirmed."""
        self._ask(Asking(self._shell, self._vantage.hands, self._note).recover)

    def _ask(self, question: Callable[[Row], Coroutine[Any, Any, None]]) -> None:
        row = self.model.chosen
        if row is not None:
            self.run_worker(question(row), group="asking", exclusive=True)

    async def _explained(self, key: str) -> Sequence[str]:
        try:
            return [printable(line) for line in explained(dict(await self._vantage.explain(key)))]
        except (LostError, RefusedError) as error:
            return [str(error)]

    def on_session_table_row_clicked(self, event: SessionTable.RowClicked) -> None:
        """Choose the row; a second click explains it."""
        again = event.key == self.model.view.chosen
        self.model = self.model.viewed(replace(self.model.view, chosen=event.key))
        self._draw()
        if again:
            self.action_explain()

    def on_session_table_head_clicked(self, event: SessionTable.HeadClicked) -> None:
        """Sort by the column."""
        self._view(self.model.view.sorted_by(event.order))


async def _help() -> Sequence[str]:
    return HELP.splitlines()
