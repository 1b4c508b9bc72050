"""Numbers that expectations may ask for: messages by what became of them, actions, restarts."""

from collections.abc import Callable

from livewatch.simulation.messages import Message, MessageKind, MessageState
from livewatch.simulation.record import Record
from livewatch_classifiers.decision import ReplyStatus

_GONE = frozenset({MessageState.LOST, MessageState.INTERRUPTED, MessageState.ABORTED})


def lost(message: Message) -> bool:
    """Return whether somebody lost an answer that could have been kept."""
    return message.state in _GONE and not message.deaf and message.kind is not MessageKind.HEARTBEAT


def _answered(message: Message, at_s: float) -> bool:
    done = message.state is MessageState.ANSWERED and message.kind is not MessageKind.HEARTBEAT
    return done and message.ended_s is not None and message.ended_s <= at_s


def _heartbeats(message: Message, at_s: float) -> bool:
    done = message.state is MessageState.ANSWERED and message.kind is MessageKind.HEARTBEAT
    return done and message.ended_s is not None and message.ended_s <= at_s


def _queued(message: Message, at_s: float) -> bool:
    waiting = message.started_s is None or message.started_s > at_s
    ended = message.ended_s is not None and message.ended_s <= at_s
    return message.arrived_s <= at_s and waiting and not ended


def _lost(message: Message, at_s: float) -> bool:
    return lost(message) and message.ended_s is not None and message.ended_s <= at_s


def _aborted(message: Message, at_s: float) -> bool:
    return message.state is MessageState.ABORTED and message.ended_s is not None and message.ended_s <= at_s


_MESSAGES: dict[str, Callable[[Message, float], bool]] = {
    "answered": _answered,
    "heartbeats_answered": _heartbeats,
    "queued": _queued,
    "lost": _lost,
    "aborted": _aborted,
}
TALLIES = (*_MESSAGES, "actions", "restarts", "heartbeats_dropped", "false_actions")


def tally(record: Record, name: str, session: str, at_s: float) -> int:
    """Return one number at a moment, of one session or (with an empty name) of all."""
    if name in _MESSAGES:
        fits = _MESSAGES[name]
        return sum(fits(m, at_s) for m in record.messages if session in ("", m.session))
    if name == "restarts":
        return record.restarts
    if name == "heartbeats_dropped":
        return record.counters.get("heartbeats_dropped", 0)
    deeds = [d for d in record.deeds if session in ("", d.action.session) and d.at_s <= at_s]
    if name == "false_actions":
        return sum(d.false for d in deeds)
    return sum(d.reply.status is ReplyStatus.DONE for d in deeds)
