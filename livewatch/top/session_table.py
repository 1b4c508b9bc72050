"""The table of sessions as a widget: draws what the model says, and tells which row or heading was clicked."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from livewatch.local_api.session_order import SessionOrder
from livewatch.top.columns import ORDER_OF, Layout
from livewatch.top.model import Model, window
from livewatch.top.paint import STYLES

_CHOSEN = Style(reverse=True)
_STALE = Style(dim=True)
_HEAD = Style(underline=True)


class SessionTable(Widget, can_focus=True):
    """Draws a heading and as many rows as fit; there is no state here but how far it is scrolled."""

    class RowClicked(Message):
        """A row was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class HeadClicked(Message):
        """A heading was clicked that can be sorted by."""

        def __init__(self, order: SessionOrder) -> None:
            super().__init__()
            self.order = order

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._model = model
        self._fresh = True
        self._offset = 0
        self._layout = Layout.of((), 80)

    @property
    def page(self) -> int:
        """How many rows fit."""
        return max(1, self.size.height - 1)

    def show(self, model: Model, *, fresh: bool) -> None:
        """Draw this; what is not the present is drawn faint."""
        self._model, self._fresh = model, fresh
        self._arrange()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget."""
        width, view = self.size.width, self._model.view
        at = self._offset + y - 1
        if y == 0:
            line, style = self._layout.head(view.order, reverse=view.reverse), _HEAD
        elif at < len(self._model.rows):
            row = self._model.rows[at]
            line = self._layout.line(row)
            style = _CHOSEN if at == view.index(self._model.rows) else Style()
            style += Style() if self._fresh else _STALE
        else:
            return Strip.blank(width)
        return Strip([Segment(piece.text, STYLES[piece.tone] + style) for piece in line]).adjust_cell_length(
            width, style
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Arrange the columns anew."""
        self._arrange()

    def on_click(self, event: events.Click) -> None:
        """Tell what was clicked."""
        at = self._offset + event.y - 1
        if event.y == 0:
            column = self._layout.column_at(event.x)
            order = None if column is None else ORDER_OF.get(column)
            if order is not None:
                self.post_message(self.HeadClicked(order))
        elif at < len(self._model.rows):
            self.post_message(self.RowClicked(self._model.rows[at].key))

    def _arrange(self) -> None:
        rows = self._model.rows
        self._layout = Layout.of(rows, self.size.width)
        self._offset = window(self._model.view.index(rows), self._offset, self.page, len(rows))
