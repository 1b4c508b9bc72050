"""What a slot's record says at a glance. Most records are plain, and what they say is found without decoding them.

Plain records are recognized by one pattern over their bytes, as many in a row as there are; the same pattern sees that
nothing in them is impossible, so that decoding may wait until somebody asks for the session, or for ever.
"""

import re
import struct
from collections.abc import Sequence

from livewatch.probe import layout as board
from livewatch.probe.layout import RECORD_BYTES, RECORD_FIELDS, TEXT_FIELDS

RESTING_NS = 2**63 - 1
"""Later than any moment."""
UNTOLD_NS = 0
_WANTED = ("state", "state_since_ns", "run_started_ns", "activity_since_ns", "activity_allowance_ns")
_TEXTS_BYTES = sum(TEXT_FIELDS.values())
_few = struct.Struct(
    "=" + "".join("q" if name in _WANTED else "8x" for name in RECORD_FIELDS) + f"{_TEXTS_BYTES}x"
).iter_unpack
_allowance = struct.Struct(f"={8 * RECORD_FIELDS.index('activity_allowance_ns')}xq")
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
_OWNER_TO_STORE = 8 * (RECORD_FIELDS.index("store_says_running") - RECORD_FIELDS.index("owner") - 1)


def _record(**fields: bytes) -> bytes:
    """Return a pattern for records that hold what is possible, and in some fields what is given; then a key."""
    return b"".join((_POSSIBLE | fields)[name] for name in RECORD_FIELDS) + _KEY


_resting = re.compile(
    _record(
        state=_code(board.STATES[: _IDLE + 1]),
        queued=_or_none(_ZERO),
        owner=rb"(?:(?P<owned>" + _PRESENT + rb")|" + _or_none(_ABSENT) + rb")",
        activity=_NONE,
        store_says_running=_or_none(_ABSENT),
    )
    + rb"(?(owned)"
    + _NO_RUN
    + rb")",
    re.DOTALL,
).match
_PLAIN = _record(
    abort_requested_ns=_ZERO,
    activity=_or_none(_code(board.ACTIVITIES[: board.ACTIVITIES.index("tool_call") + 1])),
    repeating_since_ns=_ZERO,
    in_store=_or_none(_PRESENT),
    # running by the store only beside an owner who is present
    store_says_running=_or_none(_ABSENT + rb"|(?<=" + _PRESENT + rb".{%d})" % _OWNER_TO_STORE + _PRESENT),
)
_plain_ones = re.compile(rb"(?:" + _PLAIN + rb".{%d})*+" % (_TEXTS_BYTES - TEXT_FIELDS["key"]), re.DOTALL).match


def _end_of_plain(data: bytes, at: int) -> int:
    """Return where the plain records end that stand in a row from ``at`` on."""
    plain = _plain_ones(data, at)
    assert plain is not None  # none at all is a row too
    return plain.end()


def glances(records: Sequence[bytes]) -> list[int]:
    """Return the oldest moment of each plain record in ns, negative where an allowance is declared.

    The moment is as in `livewatch_classifiers.glance`, but for progress, which is not in the record; `RESTING_NS` of a
    session that rests. `UNTOLD_NS` stands for whatever has to be decoded at once.
    """
    data, found = b"".join(records), list[int]()
    plain_until = 0
    for at, values in zip(range(0, len(data), RECORD_BYTES), _few(data), strict=True):
        state, oldest_ns, started_ns, since_ns, allowance_ns = values
        if at >= plain_until:
            plain_until = _end_of_plain(data, at)
        if state <= _IDLE and _resting(data, at):
            found.append(RESTING_NS)
        elif at >= plain_until:
            found.append(UNTOLD_NS)
        else:
            if 0 < started_ns < oldest_ns:
                oldest_ns = started_ns
            if 0 < since_ns < oldest_ns:
                oldest_ns = since_ns
            found.append(-oldest_ns if allowance_ns else oldest_ns)
    return found


def allowance_ns(record: bytes) -> int:
    """Return the declared allowance of a plain record."""
    allowed_ns: int = _allowance.unpack_from(record)[0]
    return allowed_ns
