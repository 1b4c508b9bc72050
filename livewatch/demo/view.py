"""Chooses how the demonstration is shown."""

import sys
from pathlib import Path

from rich.console import Console

from livewatch.demo.demo_state import DemoView
from livewatch.demo.json_view import JsonView
from livewatch.demo.live_view import LiveView
from livewatch.demo.picture_view import PictureView
from livewatch.demo.plain_view import PlainView


def choose_view(*, as_json: bool, picture: Path | None = None) -> DemoView:
    """Return a live table on a terminal, plain lines elsewhere, or one JSON document at the end.

    Args:
        as_json: write the document and nothing else to standard output.
        picture: also write the most telling moment to this SVG file.
    """
    console = Console()  # honours NO_COLOR and TERM=dumb
    view: DemoView
    if as_json:
        view = JsonView(sys.stdout)
    elif console.is_terminal and not console.is_dumb_terminal:
        view = LiveView(console)
    else:
        view = PlainView(sys.stdout)
    return view if picture is None else PictureView(view, picture)
