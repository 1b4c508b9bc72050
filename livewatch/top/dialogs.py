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
        Binding("escape,q,n", "dismiss(False)"),
    ]

    def __init__(self, plan: Sequence[str], *, held: bool) -> None:
        """``plan`` are the lines that `livewatch recover --dry-run` prints."""
        super().__init__()
        self._plan = plan
        self._held = held

    def compose(self) -> ComposeResult:
        """Say what would be done."""
        can = [("esc", "close")] if self._held else [("y", "send it"), ("n, esc", "cancel")]
        title = "A gate holds this repair; it cannot be sent\n\n" if self._held else "Send this repair?\n\n"
        with VerticalScroll():
            yield Static(Text.assemble((title, "bold"), "\n".join(self._plan), "\n\n", *_keys(*can)))

    def action_send(self) -> None:
        """Answer yes, unless a gate holds it anyway."""
        if not self._held:
            self.dismiss(True)  # noqa: FBT003 -- the answer itself


def _keys(*pairs: tuple[str, str]) -> list[str | tuple[str, str]]:
    return [part for key, what in pairs for part in ((f"  {key:>6}", "bold"), f"  {what}\n")]
