"""One slot's record on the board, decoded with suspicion: what is impossible is unknown, and counted."""

import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeVar

from livewatch.probe import layout as board
from livewatch.probe.layout import NONE, NS_MAX, RECORD_BYTES, RECORD_FIELDS, TEXT_FIELDS
from livewatch_classifiers.glance import Outline
from livewatch_classifiers.model import Activity, Run, Session, Wait
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Presence, SessionState, TerminalMark, WaitKind

Count = Callable[[], object]
"""Called once for each impossible value."""
_T = TypeVar("_T")
_RECORD = struct.Struct(f"={len(RECORD_FIELDS)}q" + "".join(f"{width}s" for width in TEXT_FIELDS.values()))


class _Record(NamedTuple):
    """The fields as they stand there."""

    used: int
    state: int
    state_since_ns: int
    generation: int
    queued: int
    oldest_queued_ns: int
    lane_kind: int
    owner: int
    run_started_ns: int
    run_timeout_ns: int
    abort_requested_ns: int
    activity: int
    activity_owner: int
    activity_since_ns: int
    activity_allowance_ns: int
    child_pid: int
    wait: int
    wait_since_ns: int
    wait_deadline_ns: int
    wait_delivered: int
    terminal: int
    repeats: int
    repeating_since_ns: int
    in_store: int
    store_says_running: int
    holder: int
    unheard_ns: int
    key: bytes
    id: bytes
    run_id: bytes
    handle: bytes
    activity_run: bytes
    activity_name: bytes


assert _Record._fields == (*RECORD_FIELDS, *TEXT_FIELDS)
assert _RECORD.size == RECORD_BYTES


def _by_code(words: Sequence[str], kind: Callable[[str], _T], unknown: _T) -> Mapping[int, _T]:
    return {NONE: unknown, **{code: kind(word) for code, word in enumerate(words)}}


_PRESENCES = _by_code(board.PRESENCES, Presence, Presence.UNKNOWN)
_STATES: Mapping[int, SessionState | None] = _by_code(board.STATES, SessionState, None)
_LANES = _by_code(board.LANES, LaneKind, LaneKind.OTHER)
_ACTIVITIES: Mapping[int, ActivityKind | None] = _by_code(board.ACTIVITIES, ActivityKind, None)
_WAITS: Mapping[int, WaitKind | None] = _by_code(board.WAITS, WaitKind, None)
_TERMINALS = _by_code(board.TERMINALS, TerminalMark, TerminalMark.NONE)
_OUTLINED = ("state", "state_since_ns", "queued", "oldest_queued_ns", "lane_kind", "unheard_ns")
_OUTLINE = struct.Struct("=" + "".join("q" if name in _OUTLINED else "8x" for name in RECORD_FIELDS))
_QUEUE = ("queued", "oldest_queued_ns", "lane_kind")
QUEUE_OF = itemgetter(slice(RECORD_FIELDS.index(_QUEUE[0]) * 8, RECORD_FIELDS.index(_QUEUE[-1]) * 8 + 8))
"""Returns the bytes of a record's fields about its queue, which stand in a row."""
KEY = slice(len(RECORD_FIELDS) * 8, len(RECORD_FIELDS) * 8 + TEXT_FIELDS["key"])
"""Where the key stands in a record."""
_RUN_ID_AT = KEY.stop + TEXT_FIELDS["id"]


def _leave() -> None:
    """Count nothing: it was counted when the record was believed."""


def decode(data: bytes, progress_s: float | None, count: Count = _leave) -> tuple[Session | None, int]:
    """Return the session of a record, ``None`` for a free slot, and the pid of the child it waits for, or 0."""
    record = _Record._make(_RECORD.unpack_from(data))
    key = _text(record.key) if record.used == 1 else ""
    if not key:
        if record.used == 1:
            count()
        return None, 0
    run, unheard = _run(record, count), _unheard(record.unheard_ns, progress_s)
    session = Session(
        key=key,
        id=_text(record.id) or None,
        generation=_number(record.generation, count),
        state=_named(_STATES, record.state, count),
        state_since_s=moment_s(record.state_since_ns, count),
        lane_kind=_named(_LANES, record.lane_kind, count),
        queued=_number(record.queued, count),
        oldest_queued_s=moment_s(record.oldest_queued_ns, count),
        owner=_named(_PRESENCES, record.owner, count),
        run=run,
        activity=_activity(record, count),
        progress_s=None if unheard else progress_s,
        terminal=_named(_TERMINALS, record.terminal, count),
        repeats=_number(record.repeats, count) or 0,
        repeating_since_s=moment_s(record.repeating_since_ns, count),
        wait=_wait(record, count),
        in_store=_named(_PRESENCES, record.in_store, count),
        store_says_running=_named(_PRESENCES, record.store_says_running, count),
        holder=_named(_PRESENCES, record.holder, count),
        progress_known=run is None or not unheard,
    )
    return session, _number(record.child_pid, count) or 0 if session.activity is not None else 0


def outline(data: bytes, progress_ns: int) -> Outline:
    """Return what is counted over all sessions, of the record of a slot in use. What is impossible is unknown.

    As `decode` tells it, but without its helpers: this goes through every session, once a scrape.
    """
    state, state_since_ns, queued, oldest_queued_ns, lane, unheard_ns = _OUTLINE.unpack_from(data)
    return Outline(
        _STATES.get(state),
        state_since_ns / 1e9 if 0 < state_since_ns <= NS_MAX else None,
        _LANES.get(lane, LaneKind.OTHER),
        queued if queued >= 0 else None,
        oldest_queued_ns / 1e9 if 0 < oldest_queued_ns <= NS_MAX else None,
        progress_ns / 1e9 if 0 < progress_ns <= NS_MAX and not 0 < progress_ns <= unheard_ns <= NS_MAX else None,
        data[_RUN_ID_AT] != 0,
    )


def key_of(data: bytes) -> str:
    """Return the key in a record, empty when there is none."""
    return _text(data[KEY])


def moment_s(value_ns: int, count: Count = _leave) -> float | None:
    """Return a moment or duration in seconds, ``None`` for none."""
    if 0 < value_ns <= NS_MAX:
        return value_ns / 1e9
    if value_ns:
        count()
    return None


def _unheard(unheard_ns: int, progress_s: float | None) -> bool:
    """Return whether the only progress there was is what the probe stamped on its own account."""
    own_s = moment_s(unheard_ns)
    return own_s is not None and (progress_s is None or progress_s <= own_s)


def _run(record: _Record, count: Count) -> Run | None:
    run_id = _text(record.run_id)
    if not run_id:
        return None
    return Run(
        id=run_id,
        started_s=moment_s(record.run_started_ns, count),
        timeout_s=moment_s(record.run_timeout_ns, count),
        handle=_text(record.handle) or None,
        abort_requested_s=moment_s(record.abort_requested_ns, count),
    )


def _activity(record: _Record, count: Count) -> Activity | None:
    if record.activity == NONE:
        return None
    return Activity(
        kind=_named(_ACTIVITIES, record.activity, count),
        owner=_named(_PRESENCES, record.activity_owner, count),
        run_id=_text(record.activity_run) or None,
        since_s=moment_s(record.activity_since_ns, count),
        name=_text(record.activity_name),
        allowance_s=moment_s(record.activity_allowance_ns, count),
    )


def _wait(record: _Record, count: Count) -> Wait | None:
    kind = _named(_WAITS, record.wait, count)
    if kind is None:
        return None
    return Wait(
        kind=kind,
        since_s=moment_s(record.wait_since_ns, count),
        deadline_s=moment_s(record.wait_deadline_ns, count),
        delivered=_named(_PRESENCES, record.wait_delivered, count),
    )


def _named(words: Mapping[int, _T], code: int, count: Count) -> _T:
    try:
        return words[code]
    except KeyError:
        count()
        return words[NONE]


def _number(value: int, count: Count) -> int | None:
    if value >= 0:
        return value
    if value != NONE:
        count()
    return None


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="replace") if data[0] else ""
