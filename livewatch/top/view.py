"""Which rows are shown, in which order, and which of them is chosen. Pure: every key press makes another view."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Self

from livewatch.local_api.session_order import SessionOrder, place
from livewatch.top.row import Row
from livewatch_classifiers.vocabulary import SICK, Attention

ROWS_MAX = 1000
"""How many sessions are asked for; the screen says when there are more."""


class Show(StrEnum):
    """Which labels are shown; the words are what the screen says."""

    ALL = "all"
    ATTENTION = "attention"
    SICK = "stalled+stuck"
    STUCK = "stuck"
    STALLED = "stalled"
    LONG = "long running"

    @property
    def labels(self) -> frozenset[Attention]:
        """The labels of the sessions that are shown."""
        return _LABELS[self]


_LABELS = {
    Show.ALL: frozenset(Attention),
    Show.ATTENTION: frozenset(Attention) - {Attention.NONE},
    Show.SICK: SICK,
    Show.STUCK: frozenset({Attention.STUCK}),
    Show.STALLED: frozenset({Attention.STALLED}),
    Show.LONG: frozenset({Attention.LONG_RUNNING}),
}
_ORDERS = tuple(SessionOrder)
_SHOWS = tuple(Show)


@dataclass(frozen=True, slots=True)
class View:
    """What a person has asked the screen to show."""

    order: SessionOrder = SessionOrder.ATTENTION
    reverse: bool = False
    show: Show = Show.ALL
    find: str = ""
    """Part of a key, or a glob."""
    chosen: str | None = None
    """Key of the chosen session; it stays chosen wherever its row goes."""

    def next_order(self, steps: int = 1) -> Self:
        """Sort by the next column."""
        at = (_ORDERS.index(self.order) + steps) % len(_ORDERS)
        return replace(self, order=_ORDERS[at], reverse=False)

    def sorted_by(self, order: SessionOrder) -> Self:
        """Sort by a column; the other way round when it is sorted by it already."""
        return replace(self, order=order, reverse=not self.reverse if order is self.order else False)

    def next_show(self, steps: int = 1) -> Self:
        """Show the next set of labels."""
        return replace(self, show=_SHOWS[(_SHOWS.index(self.show) + steps) % len(_SHOWS)])

    @property
    def glob(self) -> str:
        """The glob that ``find`` means."""
        if not self.find:
            return "*"
        return self.find if any(sign in self.find for sign in "*?[") else f"*{self.find}*"

    def query(self) -> dict[str, Any]:
        """Return the parameters of ``/v1/sessions`` for this view."""
        return {
            "attention": sorted(self.show.labels),
            "match": self.glob,
            "sort": self.order.value,
            "reverse": self.reverse,
            "limit": ROWS_MAX,
        }

    def arranged(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return the rows that are shown, in their order; the same that the agent would give."""
        glob, labels = self.glob, self.show.labels
        shown = [row for row in rows if row.attention in labels and fnmatchcase(row.key, glob)]
        return tuple(sorted(shown, key=lambda row: place(self.order, row.sortable), reverse=self.reverse))

    def index(self, rows: tuple[Row, ...]) -> int:
        """Return where the chosen row is: the first one when nothing is chosen or it is not there now."""
        return next((at for at, row in enumerate(rows) if row.key == self.chosen), 0)

    def moved(self, rows: tuple[Row, ...], steps: int) -> Self:
        """Choose the row so many further down; stops at both ends."""
        if not rows:
            return self
        at = min(max(self.index(rows) + steps, 0), len(rows) - 1)
        return replace(self, chosen=rows[at].key)
