"""The application: a terminal, one screen, and an orderly end."""

import asyncio
import signal
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from livewatch.cli.exits import Exit
from livewatch.top.main_screen import MainScreen
from livewatch.top.model import Model
from livewatch.top.vantage import Vantage


class TopApp(App[int]):
    """`livewatch top`. Its result is an exit code."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "livewatch top"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "end(130)", priority=True, show=False),
        Binding("ctrl+q", "end(0)", priority=True, show=False),
        Binding("ctrl+z", "suspend_process", priority=True, show=False),
    ]

    def __init__(self, vantage: Vantage, model: Model) -> None:
        """Draw with the terminal's own colours; with none where ``NO_COLOR`` is set."""
        super().__init__(ansi_color=True)
        self._vantage = vantage
        self._model = model

    def get_default_screen(self) -> Screen[None]:
        """Return the table."""
        return MainScreen(self, self._vantage, self._model)

    def on_mount(self) -> None:
        """Give the terminal back also when somebody else ends us."""
        loop = asyncio.get_running_loop()
        for number, code in ((signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.OK), (signal.SIGHUP, Exit.OK)):
            loop.add_signal_handler(number, self.exit, int(code))

    def action_end(self, code: int) -> None:
        """End with an exit code."""
        self.exit(code)
