"""Text in pieces, each with a tone; what a tone looks like is the shell's business, and no tone is needed to read."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


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
    right = tuple(right)
    room = width - sum(len(piece.text) for piece in right) - 1
    if room < 1:
        return cut(left, width)
    head = cut(left, room)
    gap = width - sum(len(piece.text) for piece in (*head, *right))
    return (*head, Piece(" " * gap), *right)


def cut(pieces: Iterable[Piece], width: int) -> Line:
    """Return the pieces as far as ``width`` cells go, with an ellipsis where something is missing."""
    out: list[Piece] = []
    for piece in pieces:
        if width <= 0:
            break
        text = piece.text if len(piece.text) <= width else ellipsis(piece.text, width)
        out.append(Piece(text, piece.tone))
        width -= len(text)
        if text != piece.text:
            break
    return tuple(out)


def ellipsis(text: str, width: int) -> str:
    """Return the text in at most ``width`` cells, its end cut."""
    return text if len(text) <= width else f"{text[: width - 1]}…" if width > 0 else ""


def middle_cut(text: str, width: int) -> str:
    """Return a name in at most ``width`` cells; its middle is cut, because names differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    head = width - 1 - tail
    return f"{text[:head]}…{text[len(text) - tail :]}" if width > 1 else "…"[:width]
