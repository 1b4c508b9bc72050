"""What is said of a record at a glance is what the rules make of the session in it."""

import struct
from dataclasses import replace
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.probe.layout import (
    ACTIVITIES,
    LANES,
    NONE,
    NS_MAX,
    RECORD_BYTES,
    RECORD_FIELDS,
    STATES,
    TERMINALS,
    TEXT_FIELDS,
    WAITS,
)
from livewatch.sources.board_record import decode, moment_s, outline
from livewatch.sources.board_sessions import BoardSessions, Columns
from livewatch.sources.column import Column
from livewatch.sources.record_glance import UNTOLD_NS, glances
from livewatch.versions import View
from livewatch_classifiers.glance import (
    NOT_PLAIN_S,
    TIMELESS_S,
    Outline,
    outlines,
    plain_limit_s,
    plain_verdict,
    queue_kinds,
)
from livewatch_classifiers.model import Vitals
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Reason

LIMITS = Thresholds()
WITHIN_S = plain_limit_s(LIMITS)
SECOND_NS = 10**9
USUAL = {
    "used": 1,
    "state": STATES.index("processing"),
    "state_since_ns": 900 * SECOND_NS,
    "owner": 1,
    "run_started_ns": 890 * SECOND_NS,
    "activity": ACTIVITIES.index("tool_call"),
    "activity_owner": 1,
    "activity_since_ns": 905 * SECOND_NS,
    "wait": NONE,
    "wait_delivered": NONE,
    "in_store": NONE,
    "store_says_running": NONE,
    "holder": NONE,
}
RESTING = USUAL | {"state": STATES.index("idle"), "owner": 0, "activity": NONE}
_odd = st.sampled_from([0, 1, 2, 3, 6, 7, NONE, -2, 255, 256, NS_MAX - 1, NS_MAX, NS_MAX + 1, 2**63 - 1, -(2**63)])
_moment = st.integers(1, 10**13) | st.just(0)
_CODES = {
    "state": STATES, "lane_kind": LANES, "activity": ACTIVITIES, "wait": WAITS, "terminal": TERMINALS
}  # fmt: skip


def _value(name: str) -> st.SearchStrategy[int]:
    if name in _CODES:
        return st.integers(NONE, len(_CODES[name])) | _odd
    if name.endswith("_ns"):
        return _moment | _odd
    return st.integers(NONE, 2) | _odd


def record_of(values: dict[str, int], **texts: bytes) -> bytes:
    """Return a record's bytes; what is not given is zero."""
    numbers = struct.pack(f"={len(RECORD_FIELDS)}q", *(values.get(name, 0) for name in RECORD_FIELDS))
    rest = b"".join(texts.get(name, b"").ljust(width, b"\0") for name, width in TEXT_FIELDS.items())
    assert len(numbers + rest) == RECORD_BYTES
    return numbers + rest


records = st.builds(
    lambda base, odd, key, run_id: record_of(base | odd, key=key, run_id=run_id),
    st.sampled_from([USUAL, RESTING]),
    st.sets(st.sampled_from(RECORD_FIELDS), max_size=4).flatmap(
        lambda names: st.fixed_dictionaries({name: _value(name) for name in sorted(names)})
    ),
    st.sampled_from([b"k", b"k", b"k", b"", b"\xff"]),
    st.sampled_from([b"", b"r"]),
)


def seen(record: bytes, progress_ns: int) -> BoardSessions:
    """Return the one session of a record that was believed, decoded at once only where it has to be."""
    return BoardSessions(View({"k": 0}), Columns(View({0: record}), Column(struct.pack("=q", progress_ns)), {}, {}, {}))


@settings(max_examples=2000, deadline=None)
@given(records, _moment | _odd)
def test_what_a_glance_says_is_what_the_rules_make_of_the_decoded_session(record: bytes, progress_ns: int) -> None:
    impossible: list[int] = []
    session, child_pid = decode(record, moment_s(progress_ns), lambda: impossible.append(1))
    if glances([record]) != [UNTOLD_NS]:
        assert session is not None
        assert not impossible
        assert not child_pid
    if session is not None:
        (said_s,) = seen(record, progress_ns).plain_since_s(["k"], WITHIN_S)
        if said_s == TIMELESS_S:
            assert classify_session(replace(session, key="k"), Vitals(1e9), LIMITS) == plain_verdict("k", Reason.IDLE)
        elif said_s != NOT_PLAIN_S:
            late = Vitals(said_s + WITHIN_S - 0.001)
            assert classify_session(replace(session, key="k"), late, LIMITS) == plain_verdict("k", Reason.ACTIVE)
        assert outline(record, progress_ns) == next(iter(outlines({"k": session})))[1]
        assert seen(record, progress_ns).queue_kinds(["k"]) == queue_kinds({"k": session}, ["k"])


@settings(max_examples=300, deadline=None)
@given(st.lists(records, max_size=8))
def test_of_many_records_the_same_is_said_as_of_each(several: list[bytes]) -> None:
    assert glances(several) == [seen for record in several for seen in glances([record])]


def test_a_session_at_work_and_one_that_rests_are_told_without_being_decoded() -> None:
    made: dict[int, object] = {}
    for record, expected_s in (
        (record_of(USUAL, key=b"k", run_id=b"r"), 890.0),
        (record_of(USUAL | {"queued": 4, "activity_allowance_ns": 200 * SECOND_NS}, key=b"k"), 890.0),
        (record_of(USUAL | {"store_says_running": 1, "in_store": 1}, key=b"k"), 890.0),
        (record_of(RESTING, key=b"k"), TIMELESS_S),
    ):
        assert glances([record]) != [UNTOLD_NS]
        sessions = seen(record, 950 * SECOND_NS)
        assert sessions.plain_since_s(["k"], WITHIN_S) == [expected_s]
        assert sessions._columns.made == made


def test_progress_older_than_the_run_counts_too() -> None:
    assert seen(record_of(USUAL, key=b"k"), 500 * SECOND_NS).plain_since_s(["k"], WITHIN_S) == [500.0]


def test_what_only_the_rules_can_judge_is_left_to_them() -> None:
    for special in (
        {"wait": WAITS.index("approval")},
        {"abort_requested_ns": 1},
        {"repeating_since_ns": 1},
        {"in_store": 0},
        {"store_says_running": 1, "owner": 0},
        {"activity": ACTIVITIES.index("delivery")},
        {"activity_allowance_ns": 100 * SECOND_NS},
        {"state_since_ns": 0},
    ):
        record = record_of(USUAL | special, key=b"k", run_id=b"r")
        assert seen(record, 950 * SECOND_NS).plain_since_s(["k"], WITHIN_S) == [NOT_PLAIN_S], special
    assert -inf == NOT_PLAIN_S


def test_an_outline_is_made_of_the_record() -> None:
    record = record_of(USUAL | {"queued": 2, "oldest_queued_ns": 7 * SECOND_NS, "lane_kind": 1}, key=b"k")
    ((key, facts),) = seen(record, 8 * SECOND_NS).outlines(["k"])
    session = seen(record, 8 * SECOND_NS)["k"]
    assert key == "k"
    assert facts == Outline(session.state, session.state_since_s, session.lane_kind, 2, 7.0, 8.0, has_run=False)
