"""In which order sessions are shown: one rule for the agent, which chooses, and for whoever shows them."""

from enum import StrEnum
from math import inf
from typing import NamedTuple

from livewatch_classifiers.vocabulary import Attention

URGENCY = {Attention.STUCK: 0, Attention.STALLED: 1, Attention.LONG_RUNNING: 2, Attention.NONE: 3}


class SessionOrder(StrEnum):
    """By what sessions are sorted; what matters most comes first, and what is not known last."""

    ATTENTION = "attention"
    AGE = "age"
    SILENT = "silent"
    QUEUE = "queue"
    SESSION = "session"


class Sortable(NamedTuple):
    """What of a session its place depends on; ages in seconds."""

    attention: Attention
    age_s: float | None
    silence_s: float | None
    queued: int | None
    key: str


def place(order: SessionOrder, session: Sortable) -> tuple[float | str, ...]:
    """Return what to sort by, smallest first; equal ones stand in the order of their keys."""
    match order:
        case SessionOrder.ATTENTION:
            return (URGENCY[session.attention], session.key)
        case SessionOrder.AGE:
            return (_largest_first(session.age_s), session.key)
        case SessionOrder.SILENT:
            return (_largest_first(session.silence_s), session.key)
        case SessionOrder.QUEUE:
            return (_largest_first(session.queued), session.key)
        case SessionOrder.SESSION:
            return (session.key,)


def _largest_first(value: float | None) -> float:
    return inf if value is None else -value
