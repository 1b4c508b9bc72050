"""What a slot's record says at a glance. Most records are plain, and what they say is found without decoding them.

A plain record is recognized by one pattern over its bytes; the same pattern sees that nothing in it is impossible, so
that decoding may wait until somebody asks for the session, or for ever.
"""

import re
import struct
from collections.abc import Callable, Sequence

from livewatch.probe import layout as board
from livewatch.probe.layout import RECORD_FIELDS, TEXT_FIELDS

Glance = tuple[int, int]
"""Oldest moment and declared allowance."""
RESTING_NS = 2**63 - 1
"""Later than any moment."""
_RESTS = (RESTING_NS, 0)
_WANTED = ("state_since_ns", "run_started_ns", "activity_since_ns", "activity_allowance_ns")
_few = struct.Struct("=" + "".join("q" if name in _WANTED else "8x" for name in RECORD_FIELDS)).unpack_from
_STATE_AT = 8 * RECORD_FIELDS.index("state")
_IDLE = board.STATES.index("idle")
# Byte by byte, not as `{7}`: a counted repeat costs the matcher as much as all seven bytes.
_NUMBER = rb"." * 7 + rb"[\0-\x3f]"
"""Eight bytes, little-endian, below `NS_MAX`. On a host of the other order no record is plain, and all are decoded."""
_ZEROS = rb"\0" * 7
_ZERO, _NONE = rb"\0" + _ZEROS, rb"\xff" * 8


def _code(words: Sequence[str]) -> bytes:
    return rb"[\0-" + re.escape(bytes([len(words) - 1])) + rb"]" + _ZEROS


def _or_none(pattern: bytes) -> bytes:
    return rb"(?:" + pattern + rb"|" + _NONE + rb")"


_ABSENT, _PRESENT, _PRESENCE = _ZERO, rb"\x01" + _ZEROS, _code(board.PRESENCES)
_POSSIBLE = {
    **dict.fromkeys(RECORD_FIELDS, _NUMBER),
    "used": rb"\x01" + _ZEROS,
    "state": _code(board.STATES),
    "queued": _or_none(_NUMBER),
    "lane_kind": _code(board.LANES),
    "owner": _or_none(_PRESENCE),
    "activity": _or_none(_code(board.ACTIVITIES)),
    "activity_owner": _or_none(_PRESENCE),
    "child_pid": _ZERO,
    "wait": _NONE,
    "wait_delivered": _or_none(_PRESENCE),
    "terminal": _code(board.TERMINALS),
    "in_store": _or_none(_PRESENCE),
    "store_says_running": _or_none(_PRESENCE),
    "holder": _or_none(_PRESENCE),
}
"""What stands in a record without wait and child where nothing in it is impossible."""

_KEY = rb"[^\0].{%d}" % (TEXT_FIELDS["key"] - 1)
_NO_RUN = rb".{%d}\0" % TEXT_FIELDS["id"]
_OWNER = rb"(?:(?P<owned>" + _PRESENT + rb")|" + _or_none(_ABSENT) + rb")"


def _record(*, texts: bytes = b"", **fields: bytes) -> Callable[[bytes], object]:
    """Return a test for records that hold what is possible, and in some fields what is given; then a key."""
    pattern = b"".join((_POSSIBLE | fields)[name] for name in RECORD_FIELDS)
    return re.compile(pattern + _KEY + texts, re.DOTALL).match


_resting = _record(
    state=_code(board.STATES[: _IDLE + 1]),
    queued=_or_none(_ZERO),
    owner=_OWNER,
    activity=_NONE,
    store_says_running=_or_none(_ABSENT),
    texts=rb"(?(owned)" + _NO_RUN + rb")",
)
_plain = _record(
    owner=_OWNER,
    abort_requested_ns=_ZERO,
    activity=_or_none(_code(board.ACTIVITIES[: board.ACTIVITIES.index("tool_call") + 1])),
    repeating_since_ns=_ZERO,
    in_store=_or_none(_PRESENT),
    store_says_running=rb"(?(owned)" + _or_none(_PRESENCE) + rb"|" + _or_none(_ABSENT) + rb")",
)


def glance(data: bytes) -> Glance | None:
    """Return the oldest moment of a plain record and its declared allowance, in nanoseconds; 0 for no allowance.

    The moment is as in `livewatch_classifiers.glance`, but for progress, which is not in the record; `RESTING_NS` of a
    session that rests. ``None`` is returned for whatever has to be decoded at once.
    """
    if data[_STATE_AT] <= _IDLE and _resting(data):
        return _RESTS
    if not _plain(data):
        return None
    oldest_ns, started_ns, since_ns, allowance_ns = _few(data)
    if not oldest_ns:
        return None
    if 0 < started_ns < oldest_ns:
        oldest_ns = started_ns
    if 0 < since_ns < oldest_ns:
        oldest_ns = since_ns
    return oldest_ns, allowance_ns
