"""Snapshots survive the way to a JSON line and back."""

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.recording import Frame, RecordingError, decode_frame, decode_frames, encode_frame
from livewatch_classifiers import (
    Activity,
    BlindTime,
    BlockedStack,
    GatewayIdentity,
    Lane,
    Run,
    Session,
    Snapshot,
    Thresholds,
    Vitals,
    Wait,
    classify_session,
    classify_vitals,
)
from livewatch_classifiers.vocabulary import ActivityKind, LaneKind, Presence, SessionState, WaitKind

FINITE = st.floats(-1e12, 1e12)
"""Seconds: more than 30,000 years either way, so that sums stay finite too."""
MOMENT = st.none() | FINITE
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ACTIVITIES = st.builds(
    Activity, kind=st.none() | st.sampled_from(ActivityKind), since_s=MOMENT, owner=st.sampled_from(Presence)
)
SESSIONS = st.builds(
    Session,
    key=TEXT,
    state_since_s=MOMENT,
    progress_s=MOMENT,
    run=st.none() | st.builds(Run, id=TEXT, started_s=MOMENT, timeout_s=MOMENT),
    activity=st.none() | ACTIVITIES,
    wait=st.none() | st.builds(Wait, kind=st.sampled_from(WaitKind), since_s=MOMENT, deadline_s=MOMENT),
    state=st.none() | st.sampled_from(SessionState),
    progress_known=st.booleans(),
    wait_known=st.booleans(),
)
SNAPSHOTS = st.builds(
    Snapshot,
    vitals=st.builds(
        Vitals,
        now_s=FINITE,
        blind=st.builds(BlindTime.of, st.lists(st.tuples(FINITE, FINITE), max_size=4)),
        loop_delay_max_s=MOMENT,
        stack=st.none() | st.builds(BlockedStack, captured_s=FINITE, count=st.integers(0, 9), text=TEXT),
    ),
    sessions=st.lists(SESSIONS, max_size=3).map(lambda found: MappingProxyType({s.key: s for s in found})),
    lanes=st.dictionaries(TEXT, st.builds(Lane, name=TEXT, kind=st.sampled_from(LaneKind), head=st.none() | TEXT)),
    identity=st.none() | st.builds(GatewayIdentity, pid=st.integers(1, 2**22), start_time=TEXT),
    counters=st.dictionaries(TEXT, st.integers(0, 2**60)),
)


@given(snapshot=SNAPSHOTS)
def test_every_snapshot_comes_back_equal(snapshot: Snapshot) -> None:
    line = encode_frame(Frame(12.5, "gw", snapshot))
    assert b"\n" not in line
    assert decode_frame(line) == Frame(12.5, "gw", snapshot)


def test_what_comes_back_is_judged_as_it_was() -> None:
    session = Session(
        "k",
        state=SessionState.PROCESSING,
        state_since_s=10.0,
        owner=Presence.PRESENT,
        run=Run("r", 10.0, handle="h"),
        activity=Activity(ActivityKind.MODEL_CALL, Presence.PRESENT, "r", 10.0),
        progress_s=10.0,
    )
    vitals = Vitals(now_s=1_000.0, blind=BlindTime.of([(100.0, 200.0)]), loop_heartbeat_s=999.9)
    back = decode_frame(encode_frame(Frame(0.0, "gw", Snapshot(vitals, {"k": session})))).snapshot
    thresholds = Thresholds()
    assert classify_vitals(back.vitals, thresholds) == classify_vitals(vitals, thresholds)
    judged = classify_session(back.sessions["k"], back.vitals, thresholds)
    assert judged == classify_session(session, vitals, thresholds)
    assert judged.eligible


def test_a_quiet_session_is_told_in_few_bytes() -> None:
    line = encode_frame(Frame(1.0, "gw", Snapshot(Vitals(2.0), {"k": Session("k", state=SessionState.IDLE)})))
    told = json.loads(line)["snapshot"]["sessions"]
    assert told == {"k": {"key": "k", "state": "idle"}}


def test_a_recording_is_read_line_by_line_and_a_bad_line_is_named() -> None:
    good = encode_frame(Frame(1.0, "gw", Snapshot(Vitals(2.0), {})))
    lines = iter([good, b"", good, b'{"v":1,'])
    frames = decode_frames(lines)
    assert [next(frames).wall_s, next(frames).wall_s] == [1.0, 1.0]
    with pytest.raises(RecordingError, match="line 4"):
        next(frames)


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(RecordingError, match="format 2"):
        decode_frame(b'{"v":2,"wall_s":1.0,"target":"gw","snapshot":{"vitals":{"now_s":2.0},"sessions":{}}}')
