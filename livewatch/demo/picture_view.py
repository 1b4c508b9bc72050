"""Keeps the most telling moment of the demonstration as an SVG picture, for the documentation."""

import io
import re
from pathlib import Path

from rich.console import Console

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState, DemoView
from livewatch.demo.frame import frame

_WIDTH_CHARACTERS = 118


def picture(state: DemoState) -> str:
    """Return one moment as SVG that loads nothing from elsewhere."""
    console = Console(record=True, width=_WIDTH_CHARACTERS, file=io.StringIO(), force_terminal=True, no_color=False)
    console.print(frame(state))
    svg = console.export_svg(title="livewatch demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


class PictureView:
    """Shows everything through another view, and writes the moment with the most repaired and sick sessions."""

    def __init__(self, inner: DemoView, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._best = 0
        self._svg = ""

    def refresh(self, state: DemoState) -> None:
        """Show this moment, and keep it if it tells more than the ones before."""
        self._inner.refresh(state)
        interest = _interest(state)
        if interest > self._best:
            self._best, self._svg = interest, picture(state)

    def finish(self, result: DemoResult) -> None:
        """Write the picture, and show what it came to."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._svg, encoding="utf-8")
        self._inner.finish(result)

    def close(self) -> None:
        """Give the terminal back."""
        self._inner.close()


def _interest(state: DemoState) -> int:
    """Return how much there is to see: repaired faults beside judged ones that are not yet."""
    repaired = sum(1 for r in state.records if r.recovered_s is not None and r.expected.repaired)
    sick = sum(1 for r in state.records if r.expected.repaired and r.detected_s is not None and r.recovered_s is None)
    return (1 + repaired) * sick
