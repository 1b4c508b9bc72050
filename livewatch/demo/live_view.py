"""The live table on a terminal."""

from rich.console import Console
from rich.live import Live

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState
from livewatch.demo.frame import frame
from livewatch.demo.summary import summary


class LiveView:
    """Redraws one picture in place; nothing scrolls. The last picture stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def refresh(self, state: DemoState) -> None:
        """Draw this moment."""
        if not self._live.is_started:
            self._live.start()
        self._live.update(frame(state), refresh=True)

    def finish(self, result: DemoResult) -> None:
        """Write the summary below the last picture."""
        self.close()
        for line in summary(result):
            style = "red" if line.startswith("problem") else None
            self._console.print(f"  {line}", style=style, highlight=False, markup=False)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()
