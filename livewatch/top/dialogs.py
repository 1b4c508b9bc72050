"""What is asked before anything is done: for how long to leave a session alone, whether to send a repair."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_CSS = """
{name} {{ align: center middle; }}
{name} > VerticalScroll {{ width: 76; max-width: 96%; height: auto; max-height: 90%; border: round; padding: 0 1; }}
"""


class HoldAnswer(StrEnum):
    """What a person may say about leaving a session alone; the values are durations where they are."""

    HALF_AN_HOUR = "30m"
    FOUR_HOURS = "4h"
    UNTIL_RESUMED = "until resumed"
    RESUME = "resume"


class HoldDialog(ModalScreen[HoldAnswer | None]):
    """Asks for how long livewatch is to leave one session alone."""

    DEFAULT_CSS = _CSS.format(name="HoldDialog")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("3", f"dismiss_with('{HoldAnswer.HALF_AN_HOUR.name}')"),
        Binding("4", f"dismiss_with('{HoldAnswer.FOUR_HOURS.name}')"),
        Binding("u", f"dismiss_with('{HoldAnswer.UNTIL_RESUMED.name}')"),
        Binding("r", f"dismiss_with('{HoldAnswer.RESUME.name}')"),
        Binding("escape,q,n", "dismiss(None)"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._session = name

    def compose(self) -> ComposeResult:
        """Say what the answers are."""
        with VerticalScroll():
            yield Static(
                Text.assemble(
                    ("Leave this session alone?\n\n", "bold"),
                    f"  {self._session}\n\n",
                    "livewatch goes on watching and telling, and repairs nothing.\n\n",
                    *_keys(("3", "for 30 minutes"), ("4", "for 4 hours"), ("u", "until resumed")),
                    *_keys(("r", "resume: end the hold on it"), ("esc", "cancel")),
                )
            )

    def action_dismiss_with(self, answer: str) -> None:
        """Answer."""
        self.dismiss(HoldAnswer[answer])


class RecoverDialog(ModalScreen[bool]):
    """Shows what a repair would do and which gates hold it, and asks whether to send it."""

    DEFAULT_CSS = _CSS.format(name="RecoverDialog")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "send"),
        Binding("enter", "close"),
        Binding("escape,q,n", "dismiss(False)"),
    ]

    def __init__(self, title: str, said: Sequence[str], *, can_send: bool) -> None:
        """``said`` is the plan as `livewatch recover --dry-run` prints it, or why there is none."""
        super().__init__()
        self._title = title
        self._said = said
        self._can_send = can_send

    def compose(self) -> ComposeResult:
        """Say what would be done."""
        can = [("y", "send it"), ("n, esc", "cancel")] if self._can_send else [("esc", "close")]
        with VerticalScroll():
            yield Static(Text.assemble((f"{self._title}\n\n", "bold"), "\n".join(self._said), "\n\n", *_keys(*can)))

    def action_send(self) -> None:
        """Answer yes, if there is something to send."""
        if self._can_send:
            self.dismiss(True)  # noqa: FBT003 -- the answer itself

    def action_close(self) -> None:
        """Close what only tells something; a question wants a clear yes or no."""
        if not self._can_send:
            self.dismiss(False)  # noqa: FBT003 -- the answer itself


def _keys(*pairs: tuple[str, str]) -> list[str | tuple[str, str]]:
    return [part for key, what in pairs for part in ((f"  {key:>6}", "bold"), f"  {what}\n")]
