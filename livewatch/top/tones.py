"""Text in pieces, each with a tone; what a tone looks like is the shell's business, and no tone is needed to read."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len


class Tone(StrEnum):
    """Why a piece of text stands out."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    STUCK = "stuck"
    STALLED = "stalled"
    LONG = "long"
    WELL = "well"
    BAD = "bad"


class Piece(NamedTuple):
    """Some text in one tone."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Piece, ...]


def spread(left: Iterable[Piece], right: Iterable[Piece], width: int) -> Line:
    """Return one line of ``width`` cells with ``right`` at its end; what does not fit of ``left`` is cut."""
    left, right = tuple(left), tuple(right)
    room = width - _cells(right) - 1
    if room < 1:
        return cut(left, width)
    head = cut(left, room)
    gap = width - _cells(head) - _cells(right)
    return (*head, Piece(" " * gap), *right)


def cut(pieces: Iterable[Piece], width: int) -> Line:
    """Return the pieces as far as ``width`` cells go, with an ellipsis where something is missing."""
    out: list[Piece] = []
    for piece in pieces:
        if width <= 0:
            break
        text = ellipsis(piece.text, width)
        out.append(Piece(text, piece.tone))
        width -= cell_len(text)
        if text != piece.text:
            break
    return tuple(out)


def ellipsis(text: str, width: int) -> str:
    """Return the text in at most ``width`` cells, its end cut."""
    if cell_len(text) <= width:
        return text
    return f"{_first(text, width - 1)}…" if width > 0 else ""


def middle_cut(text: str, width: int) -> str:
    """Return a name in at most ``width`` cells; its middle is cut, because names differ at their ends."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) * 2 // 3
    return f"{_first(text, width - 1 - tail)}…{_first(text[::-1], tail)[::-1]}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return the text with blanks up to ``width`` cells, at its right end or, when it is to stand right, its left."""
    blanks = " " * max(0, width - cell_len(text))
    return blanks + text if right else text + blanks


def _first(text: str, width: int) -> str:
    """Return as many characters as fit; some take two cells, some none."""
    for end in range(min(len(text), max(0, width)), 0, -1):
        if cell_len(text[:end]) <= width:
            return text[:end]
    return ""


def _cells(pieces: Iterable[Piece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)
