"""Pages of text over the whole screen: why a session has its label, and which keys there are."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

HELP = """\
arrows, j k, PgUp PgDn, Home End   choose a session
enter, e     explain: why it has its label, what comes next, which gates hold
h            hold: leave it alone for a while; also ends a hold
r            recover: shows what would be done, and asks before it is sent
f  F         filter by label: all, attention, stalled+stuck, stuck, stalled, long running
/            find: part of a session's key, or a glob
a            all: no filter
s  S         sort by the next column, by the one before; a click on a heading does, too
o            the other way round
q, Ctrl-C    quit          Ctrl-Z   into the background

ATTN    stuck, stalled, long (long running: slow, and left alone), - nothing stands out
H       somebody told livewatch to leave it alone
AGE     since its state changed      SILENT  since something new came
        neither counts seconds in which the gateway could not run
Q       messages that wait           ?       cannot be seen
"""


class Page(Screen[None]):
    """Text that is asked for anew while it is shown; arrows scroll."""

    DEFAULT_CSS = "Page > VerticalScroll { padding: 0 1; } Page > .keys { dock: bottom; height: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,e,question_mark,left", "app.pop_screen"),
        Binding("j,down", "scroll('scroll_down')"),
        Binding("k,up", "scroll('scroll_up')"),
        Binding("space,pagedown", "scroll('scroll_page_down')"),
        Binding("pageup", "scroll('scroll_page_up')"),
    ]

    def __init__(self, lines: Callable[[], Awaitable[Sequence[str]]], every_s: float | None = None) -> None:
        """Ask ``lines`` every so many seconds, or once."""
        super().__init__()
        self._lines = lines
        self._every_s = every_s

    def compose(self) -> ComposeResult:
        """Begin empty: the first answer comes soon."""
        with VerticalScroll():
            yield Static(id="text")
        yield Static(Text("esc, q back   arrows scroll", style="reverse"), classes="keys")

    def on_mount(self) -> None:
        """Ask, and go on asking."""
        self._ask()
        if self._every_s is not None:
            self.set_interval(self._every_s, self._ask)

    def action_scroll(self, how: str) -> None:
        """Scroll the text."""
        getattr(self.query_one(VerticalScroll), how)(animate=False)

    def _ask(self) -> None:
        self.run_worker(self._show(), exclusive=True)

    async def _show(self) -> None:
        self.query_one("#text", Static).update(Text("\n".join(await self._lines())))
