"""Records to SQL statements and rows back to records; the only place that knows both."""

from collections.abc import Sequence
from typing import Any

import msgspec

from livewatch.recording import Frame, compact_json, encode_frame
from livewatch.recovery.journal.records import (
    Event,
    FrameNote,
    IntentNote,
    Note,
    Settlement,
    SettlementNote,
    StoredIntent,
)
from livewatch_classifiers.decision import Action, Reply
from livewatch_classifiers.model import GatewayIdentity
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Outcome

Statement = tuple[str, dict[str, Any]]
"""SQL with named parameters; ``:life`` is filled in by the store."""

INTENT_COLUMNS = (
    "id, life, target, wall_s, monotonic_s, action, verdict, identity, how, outcome, detail, reply,"
    " settled_wall_s, settled_monotonic_s, settled_life"
)


LIFE_KINDS = "issffisF"
EVENT_KINDS = "iisffsSs"
INTENT_KINDS = "iisffssSSSsSFFI"
AUDIT_KINDS = "isfsssIsSSsSsI"
"""What each column holds: whole number, text, number; a capital letter also NULL."""
_KINDS: dict[str, tuple[type, ...]] = {"i": (int,), "s": (str,), "f": (float, int)}
_LARGEST = 253_402_214_400.0
"""The end of the year 9999 in Unix time, and more than any monotonic clock shows."""


def checked(row: Sequence[Any], kinds: str) -> Sequence[Any]:
    """Return a row whose columns hold what they should: the file may be damaged, or written into by somebody else.

    Raises:
        ValueError: when one does not.
    """
    for value, kind in zip(row, kinds, strict=True):
        if value is None and kind.isupper():
            continue
        beyond = isinstance(value, float) and not -_LARGEST <= value <= _LARGEST
        if beyond or not isinstance(value, _KINDS[kind.lower()]):
            raise ValueError(f"damaged: {value!r:.40} where another kind of value belongs")
    return row


def statement(note: Note, target: str) -> Statement:
    """Return what writes one note.

    Raises:
        msgspec.MsgspecError: when the note cannot be told in JSON.
    """
    match note:
        case Event():
            return _event(note, target)
        case IntentNote():
            return _intent(note, target)
        case SettlementNote():
            return _settlement(note, target)
        case FrameNote():
            frame = encode_frame(Frame(note.wall_s, target, note.snapshot)).decode()
            return (
                "INSERT INTO frames (life, target, wall_s, frame) VALUES (:life, :target, :wall_s, :frame)",
                {"target": target, "wall_s": note.wall_s, "frame": frame},
            )


def stored_intent(row: tuple[Any, ...]) -> StoredIntent:
    """Return the intent of a row with `INTENT_COLUMNS`.

    Raises:
        msgspec.MsgspecError: when the row was written with words that this version does not know.
        ValueError: when it is damaged.
    """
    checked(row, INTENT_KINDS)
    number, life, target, wall_s, monotonic_s, action, verdict, identity, how, outcome, detail, reply = row[:12]
    settled_wall_s, settled_monotonic_s, settled_life = row[12:]
    return StoredIntent(
        id=number,
        target=target,
        wall_s=wall_s,
        monotonic_s=monotonic_s,
        action=msgspec.json.decode(action, type=Action),
        verdict=msgspec.json.decode(verdict, type=Verdict),
        identity=None if identity is None else msgspec.json.decode(identity, type=GatewayIdentity),
        how=None if how is None else msgspec.convert(how, Settlement),
        outcome=None if outcome is None else msgspec.convert(outcome, Outcome),
        detail=detail,
        reply=None if reply is None else msgspec.json.decode(reply, type=Reply),
        settled_wall_s=settled_wall_s,
        settled_monotonic_s=settled_monotonic_s,
        settled_life=settled_life,
        life=life,
    )


def _event(note: Event, target: str) -> Statement:
    return (
        """
        INSERT INTO events (life, target, wall_s, monotonic_s, kind, session, data)
        VALUES (:life, :target, :wall_s, :monotonic_s, :kind, :session, :data)
        """,
        {
            "target": target,
            "wall_s": note.wall_s,
            "monotonic_s": note.monotonic_s,
            "kind": note.kind.value,
            "session": None if note.session is None else _text(note.session),
            "data": compact_json(note.data),
        },
    )


def _intent(note: IntentNote, target: str) -> Statement:
    return (
        """
        INSERT INTO intents (life, target, wall_s, monotonic_s, idempotency_key, action, verdict, identity)
        VALUES (:life, :target, :wall_s, :monotonic_s, :key, :action, :verdict, :identity)
        """,
        {
            "target": target,
            "wall_s": note.wall_s,
            "monotonic_s": note.monotonic_s,
            "key": note.action.idempotency_key,
            "action": compact_json(note.action),
            "verdict": compact_json(note.verdict),
            "identity": None if note.identity is None else compact_json(note.identity),
        },
    )


def _settlement(note: SettlementNote, target: str) -> Statement:
    return (
        """
        UPDATE intents SET how = :how, outcome = :outcome, detail = :detail, reply = :reply,
            settled_wall_s = :wall_s, settled_monotonic_s = :monotonic_s, settled_life = :life
        WHERE how IS NULL AND id = coalesce(
            :id, (SELECT max(id) FROM intents WHERE target = :target AND idempotency_key = :key AND how IS NULL)
        )
        """,
        {
            "target": target,
            "key": note.idempotency_key,
            "id": note.intent_id,
            "how": note.how.value,
            "outcome": None if note.outcome is None else note.outcome.value,
            "detail": _text(note.detail),
            "reply": None if note.reply is None else compact_json(note.reply),
            "wall_s": note.wall_s,
            "monotonic_s": note.monotonic_s,
        },
    )


def _text(value: str) -> str:
    """Return text that SQLite can take: a name read from a damaged board may hold lone surrogates."""
    return value.encode("utf-8", "replace").decode()
