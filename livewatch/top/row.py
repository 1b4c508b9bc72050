"""One session on the screen, from a row of ``/v1/sessions``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from livewatch.cli.printable import printable
from livewatch.cli.sessions import why
from livewatch.local_api.session_order import Sortable
from livewatch_classifiers.vocabulary import Attention

_SHORT = {"embedded_run": "run", "model_call": "model", "tool_call": "tool", "runtime_owned": "runtime"}


@dataclass(frozen=True, slots=True)
class Row:
    """What the screen says of one session; ages in seconds, every text safe for a terminal."""

    key: str
    """As the gateway says it, for asking; ``name`` is what is shown."""
    name: str
    attention: Attention
    rule: str
    doing: str
    age_s: float | None
    silence_s: float | None
    queued: int | None
    why: str
    held: bool
    """Whether somebody told the agent to leave it alone."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the row that a document describes."""
        return cls(
            key=row["session"],
            name=printable(row["session"]),
            attention=Attention(row["attention"]),
            rule=row["rule"],
            doing=printable(_doing(row)),
            age_s=row["state_age_s"],
            silence_s=row["silence_s"],
            queued=row["queued"],
            why=printable(why(dict(row))),
            held=row["held"] is not None,
        )

    @property
    def sortable(self) -> Sortable:
        """What its place depends on."""
        return Sortable(self.attention, self.age_s, self.silence_s, self.queued, self.key)


def rows_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Return the rows of a document."""
    return tuple(Row.of(document) for document in documents)


def _doing(row: Mapping[str, Any]) -> str:
    """Return what a session does, in as few words as there are."""
    if row["waiting_for"]:
        return f"wait {_short(row['waiting_for'])}"
    return f"{_short(row['activity'])} {row['activity_name']}".strip() or row["state"]


def _short(word: str) -> str:
    return _SHORT.get(word, word.replace("_", " "))
