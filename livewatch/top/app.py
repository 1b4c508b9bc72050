"""The application: a terminal, one screen, and an orderly end."""

import asyncio
import os
import signal
import sys
import termios
from threading import Timer
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from livewatch.cli.exits import Exit
from livewatch.top.main_screen import MainScreen
from livewatch.top.model import Model
from livewatch.top.vantage import Vantage

_END_WITHIN_S = 2.0
_TERMINAL_LOOK_S = 2.0


def end_anyway(code: int, within_s: float = _END_WITHIN_S) -> None:
    """End this process after ``within_s`` seconds, whatever its threads then wait for, unless it has ended by then."""
    guard = Timer(within_s, os._exit, (code,))
    guard.daemon = True
    guard.start()


def terminal_is_there() -> bool:
    """Return whether standard input is still a terminal that somebody holds open."""
    try:
        termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        return False
    return True


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
            loop.add_signal_handler(number, self._end_soon, int(code))
        if terminal_is_there():  # what has none from the beginning is a test, which draws into memory
            self.set_interval(_TERMINAL_LOOK_S, self._end_without_terminal)

    def _end_soon(self, code: int) -> None:
        """End well, and within two seconds in any case.

        Once a process outlived its terminal: the main thread was waiting for the writer's queue, the writer for a
        terminal that nobody read any more.
        """
        end_anyway(code)
        self.exit(code)

    def _end_without_terminal(self) -> None:
        """End when the terminal is gone, also where no signal said so."""
        if not terminal_is_there():
            self._end_soon(int(Exit.OK))

    def action_end(self, code: int) -> None:
        """End with an exit code."""
        self.exit(code)
