"""The table as text: how wide each column is, and what stands in a cell. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len

from livewatch.durations import format_duration
from livewatch.local_api.session_order import SessionOrder
from livewatch.top.row import Row
from livewatch.top.tones import Line, Piece, Tone, ellipsis, middle_cut, padded
from livewatch_classifiers.vocabulary import Attention

_GAP = 1
_KEY_MIN = 12
_WHY_MIN = 13
_WIDE = 130
_DOING_WIDE = 20
_THOUSAND = 1000
TONES = {Attention.STUCK: Tone.STUCK, Attention.STALLED: Tone.STALLED, Attention.LONG_RUNNING: Tone.LONG}
_WORDS = {Attention.STUCK: "stuck", Attention.STALLED: "stalled", Attention.LONG_RUNNING: "long", Attention.NONE: "-"}


class Column(StrEnum):
    """The columns from left to right; the values are their headings."""

    ATTENTION = "ATTN"
    HELD = "H"
    SESSION = "SESSION"
    DOING = "DOING"
    AGE = "AGE"
    SILENT = "SILENT"
    QUEUE = "Q"
    WHY = "WHY"


ORDER_OF = {
    Column.ATTENTION: SessionOrder.ATTENTION,
    Column.SESSION: SessionOrder.SESSION,
    Column.AGE: SessionOrder.AGE,
    Column.SILENT: SessionOrder.SILENT,
    Column.QUEUE: SessionOrder.QUEUE,
}
_FIXED = {Column.ATTENTION: 7, Column.HELD: 1, Column.DOING: 13, Column.AGE: 6, Column.SILENT: 7, Column.QUEUE: 3}
_RIGHT = frozenset({Column.AGE, Column.SILENT, Column.QUEUE})


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide each column is."""

    widths: dict[Column, int]

    @classmethod
    def of(cls, rows: tuple[Row, ...], width: int) -> "Layout":
        """Return the widths for a screen: keys get what they need, reasons the rest, and never less than a little."""
        fixed = _FIXED | {Column.DOING: _DOING_WIDE} if width >= _WIDE else _FIXED
        room = width - sum(fixed.values()) - _GAP * (len(Column) - 1)
        longest = max((cell_len(row.name) for row in rows), default=_KEY_MIN)
        key = max(_KEY_MIN, min(longest, room - _WHY_MIN))
        return cls({**fixed, Column.SESSION: key, Column.WHY: max(0, room - key)})

    def head(self, order: SessionOrder, *, reverse: bool) -> Line:
        """Return the headings; the column that is sorted by has an arrow."""
        texts = [
            self._cell(column, f"{column.value}{'▲' if reverse else '▼'}" if ORDER_OF.get(column) is order else column)
            for column in Column
        ]
        return (Piece(" ".join(texts), Tone.STRONG),)

    def line(self, row: Row) -> Line:
        """Return one session as a line of the screen's width."""
        tone = TONES.get(row.attention, Tone.PLAIN)
        label = Piece(self._cell(Column.ATTENTION, _WORDS[row.attention]) + " ", tone)
        rest = " ".join(self._cell(column, _text(column, row)) for column in tuple(Column)[1:])
        return (label, Piece(rest, Tone.PLAIN))

    def column_at(self, x: int) -> Column | None:
        """Return the column at a cell of the line."""
        for column in Column:
            x -= self.widths[column] + _GAP
            if x < 0:
                return column
        return None

    def _cell(self, column: Column, text: str) -> str:
        width = self.widths[column]
        text = middle_cut(text, width) if column is Column.SESSION else ellipsis(text, width)
        return padded(text, width, right=column in _RIGHT)


def sentence(row: Row) -> Line:
    """Return all that the screen knows of the chosen session."""
    label = row.attention.value.replace("_", " ") if row.attention is not Attention.NONE else "nothing stands out"
    head = (Piece(f"{row.name}: ", Tone.STRONG), Piece(label, TONES.get(row.attention, Tone.PLAIN)))
    return (*head, Piece(f", rule {row.rule}; {row.why or row.doing}"))


def _text(column: Column, row: Row) -> str:
    match column:
        case Column.HELD:
            return "H" if row.held else ""
        case Column.SESSION:
            return row.name
        case Column.DOING:
            return row.doing
        case Column.AGE:
            return _duration(row.age_s)
        case Column.SILENT:
            return _duration(row.silence_s)
        case Column.QUEUE:
            return _count(row.queued)
        case Column.WHY:
            return row.why
        case Column.ATTENTION:
            return _WORDS[row.attention]


def _count(queued: int | None) -> str:
    if queued is None:
        return "?"
    return "-" if queued == 0 else str(queued) if queued < _THOUSAND else "1k+"


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds)
