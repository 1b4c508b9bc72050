"""What tones look like: the terminal's own colours and attributes, never a colour alone."""

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text

from livewatch.top.tones import Line, Tone

STYLES = {
    Tone.PLAIN: Style(),
    Tone.STRONG: Style(bold=True),
    Tone.FAINT: Style(dim=True),
    Tone.STUCK: Style(color="red", bold=True),
    Tone.STALLED: Style(color="yellow", bold=True),
    Tone.LONG: Style(color="cyan"),
    Tone.WELL: Style(color="green", bold=True),
    Tone.BAD: Style(color="red", bold=True),
}


def text(lines: Iterable[Line]) -> Text:
    """Return lines as one text."""
    return Text("\n").join(Text.assemble(*((piece.text, STYLES[piece.tone]) for piece in line)) for line in lines)
