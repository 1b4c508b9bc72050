"""Everything the screen shows, as one frozen value; what happens makes another. Pure: times are monotonic seconds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from livewatch.cli.printable import printable
from livewatch.top import header
from livewatch.top.columns import sentence
from livewatch.top.contact import Contact
from livewatch.top.row import Row, rows_of
from livewatch.top.tones import Line, Piece, Tone
from livewatch.top.trend import Trend
from livewatch.top.vantage import Look
from livewatch.top.view import View

HEAD_LINES = 4
_NOTE_S = 12.0
_NOT_SEEN: Mapping[str, Any] = {"target": "", "mode": "", "problem": "", "vitals": None, "sessions": {}}


@dataclass(frozen=True, slots=True)
class Model:
    """The last look, whether it is the present, and what a person chose."""

    contact: Contact
    view: View = field(default_factory=View)
    status: Mapping[str, Any] = field(default_factory=lambda: _NOT_SEEN)
    all_rows: tuple[Row, ...] = ()
    matching: int = 0
    """How many sessions the agent knows that fit the view; it may have sent fewer."""
    trend: Trend = field(default_factory=Trend)
    note: Piece | None = None
    """What came of the last thing that was asked for."""
    noted_s: float = 0.0
    rows: tuple[Row, ...] = ()
    """The rows that are shown, in their order."""

    def seen(self, look: Look, now_s: float) -> Self:
        """Return the model after one more look."""
        model = replace(
            self,
            contact=self.contact.answered(now_s),
            status=look.status,
            all_rows=rows_of(look.sessions["sessions"]),
            matching=look.sessions["matching"],
            trend=self.trend.with_look(None if look.status["problem"] else look.status["vitals"]),
        )
        return model.viewed(self.view)

    def missed(self, problem: str, now_s: float) -> Self:
        """Return the model after a look that nobody answered: what was seen last stays on the screen."""
        contact = self.contact.missed(printable(problem), now_s)
        return replace(self, contact=contact, trend=self.trend.with_look(None))

    def viewed(self, view: View) -> Self:
        """Return the model with another view of the same sessions; something is always chosen if there is something."""
        rows = view.arranged(self.all_rows)
        chosen = view.chosen if view.chosen is not None or not rows else rows[0].key
        return replace(self, view=replace(view, chosen=chosen), rows=rows)

    def noted(self, text: str, now_s: float, tone: Tone = Tone.STRONG) -> Self:
        """Return the model with something to tell for a while."""
        return replace(self, note=Piece(printable(text), tone), noted_s=now_s)

    @property
    def chosen(self) -> Row | None:
        """The chosen row, if it is shown."""
        return self.rows[self.view.index(self.rows)] if self.rows else None

    def head(self, width: int, now_s: float) -> tuple[Line, ...]:
        """Return the lines above the table; there are always as many, so that the table does not jump."""
        return (
            header.gateway_line(self.status, width, fresh=self.contact.fresh(now_s)),
            header.counts_line(self.status, self.view, len(self.rows), self.matching, width),
            header.loop_line(self.trend, width),
            header.notice_line(list(self._told(now_s)), width),
        )

    def foot(self) -> Line:
        """Return what is said below the table: everything about the chosen session, or why there is none."""
        chosen = self.chosen
        if chosen is not None:
            return sentence(chosen)
        if self.status["problem"]:
            return (Piece(printable(self.status["problem"])),)  # in full: above, its end may be cut
        hidden = self.status["sessions"].get("total", 0)
        return (Piece("no session fits the filter; press a to see all" if hidden else "no sessions", Tone.FAINT),)

    def _told(self, now_s: float) -> Iterator[Piece]:
        contact = self.contact.words(now_s)
        if contact:
            yield Piece(contact, Tone.STRONG if self.contact.fresh(now_s) else Tone.BAD)
        if self.note is not None and now_s - self.noted_s < _NOTE_S:
            yield self.note
        yield from header.notices(self.status)


def window(index: int, offset: int, height: int, count: int) -> int:
    """Return the first row to draw so that row ``index`` is visible; moves no further than it must."""
    offset = min(offset, index)
    offset = max(offset, index - height + 1)
    return max(0, min(offset, count - height))
