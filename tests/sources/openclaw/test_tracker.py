"""The tracker on what a real gateway said (``python -m tests.openclaw.record``), and on what it might say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch.sources.openclaw.tracker import Tracker
from livewatch_classifiers.model import Session, Snapshot, Vitals
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Override, Thresholds
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    Attention,
    LaneKind,
    Presence,
    Reason,
    Remedy,
    SessionState,
    WaitKind,
)
from livewatch_exporters.gauges import waiting_turns

FOLDER = Path(__file__).parents[2] / "data" / "openclaw"
KEY = "agent:main:s"
Course = list[tuple[float, Session]]


def frames(name: str) -> list[tuple[float, str, dict[str, Any]]]:
    return [tuple(json.loads(line)) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def course(name: str) -> Course:
    """Return the session after each recorded event."""
    tracker, found = Tracker(), list[tuple[float, Session]]()
    for at_s, event, payload in frames(name):
        tracker.on_event(event, payload, at_s)
        found += [(at_s, session) for session in tracker.sessions().values()]
    return found


def kinds(seen: Course) -> list[ActivityKind | None]:
    """Return the activities in the order in which they came, each once in a row."""
    found = [session.activity.kind if session.activity is not None else None for _, session in seen]
    return [kind for number, kind in enumerate(found) if number == 0 or found[number - 1] is not kind]


def label(session: Session, at_s: float) -> tuple[Attention, Reason]:
    verdict = classify_session(session, Vitals(at_s), Thresholds())
    return verdict.attention, verdict.reason


def test_a_turn_goes_through_preparation_and_model_call_to_idle() -> None:
    seen = course("answer")
    preparation, call, tail = ActivityKind.PREPARATION, ActivityKind.MODEL_CALL, ActivityKind.EMBEDDED_RUN
    assert kinds(seen)[-4:] == [preparation, call, tail, None]
    progressed = {session.progress_s for _, session in seen if session.progress_s is not None}
    assert len(progressed) > 5  # each token is progress
    last = seen[-1][1]
    assert (last.state, last.owner, last.run, last.queued) == (SessionState.IDLE, Presence.ABSENT, None, 0)


def test_a_hung_call_keeps_its_run_and_the_message_behind_it_runs_after_the_abort() -> None:
    seen = course("hung")
    waiting = [
        (at_s, session)
        for at_s, session in seen
        if session.queued == 1 and session.run is not None and session.run.abort_requested_s is None
    ]
    assert waiting
    at_s, hung = waiting[-1]
    assert hung.run is not None
    assert (hung.state, hung.owner) == (SessionState.PROCESSING, Presence.PRESENT)
    assert hung.activity is not None
    assert hung.activity.kind is ActivityKind.MODEL_CALL
    assert label(hung, at_s + 500.0) == (Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS)
    after = [session for _, session in seen if session.run is not None and session.run.id != hung.run.id]
    assert after
    assert after[0].queued == 0
    assert (after[0].generation or 0) > (hung.generation or 0)


def test_half_a_stream_then_silence_is_a_silent_model_call() -> None:
    at_s, session = course("half")[-1]
    assert session.activity is not None
    assert session.activity.kind is ActivityKind.MODEL_CALL
    assert session.progress_s is not None
    assert label(session, at_s + 500.0)[0] is Attention.STALLED


def test_retries_wait_for_their_time_and_count() -> None:
    waits = [session.wait for _, session in course("errors") if session.wait is not None]
    assert {wait.kind for wait in waits} == {WaitKind.PROVIDER_BACKOFF}
    assert [wait.attempts_without_yield for wait in waits] == sorted(wait.attempts_without_yield for wait in waits)
    assert waits[-1].attempts_without_yield >= 2
    assert all(wait.deadline_s is not None and wait.since_s is not None for wait in waits)


def test_a_tool_has_its_name_and_the_time_that_it_declared() -> None:
    tools = [
        session.activity
        for _, session in course("tool")
        if session.activity is not None and session.activity.kind is ActivityKind.TOOL_CALL
    ]
    assert (tools[-1].name, tools[-1].allowance_s) == ("exec", 60.0)


def test_the_same_failing_call_again_and_again_is_no_progress() -> None:
    seen = course("failing")
    at_s, last = seen[-1]
    assert last.repeats > 20
    assert last.progress_s is not None
    assert last.repeating_since_s is not None
    assert last.progress_s < last.repeating_since_s < at_s
    assert label(last, last.repeating_since_s + 500.0) == (
        Attention.STALLED,
        Reason.REPEATED_MODEL_REQUESTS_WITHOUT_PROGRESS,
    )


def test_an_approval_that_is_open_is_a_wait_and_never_sick() -> None:
    at_s, session = course("agent-asker-main")[-1]
    assert session.state is SessionState.WAITING
    assert session.wait is not None
    assert session.wait.kind is WaitKind.APPROVAL
    assert label(session, at_s + 3600.0) == (Attention.LONG_RUNNING, Reason.AWAITING_INPUT)


def test_heartbeats_that_were_skipped_are_counted_by_reason() -> None:
    tracker = Tracker()
    for at_s, event, payload in frames("main"):
        tracker.on_event(event, payload, at_s)
    assert tracker.dropped["run_active"] > 0


def agent(stream: str, run: str = "r", ts: int = 1, **data: object) -> dict[str, Any]:
    return {"sessionKey": KEY, "runId": run, "stream": stream, "data": data, "ts": ts}


def running() -> Tracker:
    tracker = Tracker()
    tracker.on_event("agent", agent("run_status", phase="preparing_workspace"), 1.0)
    tracker.on_event("agent", agent("run_status", phase="starting_model"), 2.0)
    return tracker


def only(tracker: Tracker) -> Session:
    (session,) = tracker.sessions().values()
    return session


def test_an_unchanged_session_is_the_same_object() -> None:
    tracker = running()
    before = only(tracker)
    tracker.on_event("tick", {}, 3.0)
    assert only(tracker) is before


def test_the_last_events_of_an_ended_run_do_not_bring_it_back() -> None:
    tracker = running()
    for phase in ("end", "model", "error"):
        tracker.on_event("agent", agent("lifecycle", phase=phase, aborted=True), 3.0)
    assert only(tracker).run is None


def test_the_store_ends_a_run_only_if_it_speaks_later_than_the_run() -> None:
    tracker = Tracker()
    tracker.on_event("agent", agent("lifecycle", ts=100, phase="start"), 1.0)
    tracker.on_event("sessions.changed", {"sessionKey": KEY, "hasActiveRun": False, "ts": 99}, 2.0)
    assert only(tracker).run is not None
    tracker.on_event("sessions.changed", {"sessionKey": KEY, "hasActiveRun": False, "ts": 101}, 3.0)
    assert (only(tracker).run, only(tracker).owner) == (None, Presence.ABSENT)


def test_a_run_that_was_never_heard_of_leads_to_no_action() -> None:
    tracker = Tracker()
    row = {"key": KEY, "hasActiveRun": True, "activeRunIds": None, "status": "running"}
    tracker.on_list([row], 1.0, complete=True)
    session = only(tracker)
    verdict = classify_session(session, Vitals(90_000.0), Thresholds())
    assert (session.owner, session.run) == (Presence.UNKNOWN, None)
    assert (session.progress_s, session.progress_known) == (None, False)  # nothing was heard, so nothing fell silent
    soon, limits = Thresholds().warn_after_s + 2.0, (Attention.LONG_RUNNING, Reason.PROGRESS_UNKNOWN)
    assert label(session, soon) == limits
    assert (verdict.attention, verdict.reason, verdict.eligible) == (Attention.STALLED, Reason.PROGRESS_UNKNOWN, False)
    assert verdict.remedy is Remedy.TELL_PERSON
    tracker.on_event("agent", agent("assistant", delta="word"), 90_000.0)
    assert label(only(tracker), 90_001.0)[0] is not Attention.STALLED
    assert only(tracker).progress_known


def test_after_a_gap_only_what_is_listed_is_known() -> None:
    tracker = running()
    tracker.gap(5.0)
    session = only(tracker)
    assert (session.run, session.owner, session.in_store) == (None, Presence.UNKNOWN, Presence.UNKNOWN)
    assert not classify_session(session, Vitals(90_000.0), Thresholds()).eligible


def test_a_store_that_says_running_without_a_run_is_stranded_and_a_session_it_forgot_is_gone() -> None:
    tracker = Tracker()
    tracker.on_list([{"key": KEY, "hasActiveRun": False, "status": "running", "ts": 1}], 1.0, complete=True)
    assert (only(tracker).store_says_running, only(tracker).owner) == (Presence.PRESENT, Presence.ABSENT)
    tracker.on_list([], 2.0, complete=False)
    assert len(tracker.sessions()) == 1
    tracker.on_list([], 3.0, complete=True)
    assert not tracker.sessions()


def test_a_tool_that_answers_something_else_each_time_is_progress() -> None:
    tracker = running()
    for number in range(40):
        call = f"c{number}"
        start = {"sessionKey": KEY, "runId": "r", "data": {"phase": "start", "toolCallId": call, "name": "exec"}}
        start["data"]["args"] = {"command": f"step {number}"}  # type: ignore[index]  # a plain table
        end = {"sessionKey": KEY, "runId": "r", "data": {"phase": "result", "toolCallId": call, "name": "exec"}}
        tracker.on_event("session.tool", start, 10.0 + number)
        tracker.on_event("session.tool", end, 10.5 + number)
    assert (only(tracker).repeats, only(tracker).progress_s) == (0, 49.5)


@pytest.mark.parametrize("volatile", [str, lambda n: f"/tmp/x{n}/out", lambda n: f"2026-11-21T00:00:{n:02d}Z"])
def test_what_differs_only_in_times_and_temporary_names_repeats(volatile: Callable[[int], str]) -> None:
    tracker = running()
    for number in range(100_000_000, 100_000_030):
        data = {"toolCallId": f"c{number}", "name": "exec", "args": {"command": f"try {volatile(number)}"}}
        for phase in ("start", "result"):
            payload = {"sessionKey": KEY, "runId": "r", "data": {**data, "phase": phase}}
            tracker.on_event("session.tool", payload, float(number))
    assert only(tracker).repeats == 29


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
EVENTS = ["agent", "session.tool", "chat", "sessions.changed", "heartbeat", "shutdown", "exec.approval.requested"]
FIELDS = ["sessionKey", "runId", "stream", "data", "state", "ts", "hasActiveRun", "activeRunIds", "status", "phase"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(EVENTS) | st.text(max_size=9),
            st.dictionaries(st.sampled_from(FIELDS), json_values | st.just(KEY) | st.just("lifecycle"), max_size=9),
        ),
        max_size=12,
    )
)
def test_no_event_whatever_it_holds_breaks_the_tracker(events: list[tuple[str, dict[str, Any]]]) -> None:
    tracker = Tracker()
    for number, (event, payload) in enumerate(events):
        tracker.on_event(event, payload, float(number))
    for session in tracker.sessions().values():
        classify_session(session, Vitals(9e6), Thresholds())


def test_a_message_behind_a_run_is_waited_for_in_the_sessions_own_lane() -> None:
    """The shared lane ``main`` says that nobody waits in it; the user behind the hung run does."""
    tracker = Tracker()
    tracker.on_lanes([{"lane": "main", "activeCount": 1, "queuedCount": 0, "maxConcurrent": 4}, {"lane": 3}])
    payload = {**agent("run_status", phase="starting_model"), "sessionKey": "agent:main:main"}
    tracker.on_event("agent", payload, 10.0)
    tracker.on_event("chat", {"sessionKey": "agent:main:main", "runId": "r2", "state": "final"}, 12.0)
    seen = Snapshot(Vitals(100.0), tracker.sessions(), tracker.lanes)
    assert waiting_turns(seen, {})[LaneKind.SESSION] == (1, 88.0)


@pytest.mark.invariant(3)
def test_a_message_that_waits_for_a_slot_is_lane_admission_until_its_run_begins() -> None:
    """Recorded with two slots: a slow run, a hung one, and this session's message (D1); at 17.3 s it gets its slot."""
    seen = course("waits-for-slot")
    waiting = [(at_s, session) for at_s, session in seen if 7.08 < at_s < 9.8 or 10.75 < at_s < 17.3]
    assert waiting
    for at_s, session in waiting:
        assert session.wait is not None
        assert (session.wait.kind, session.owner, session.run) == (WaitKind.LANE_ADMISSION, Presence.ABSENT, None)
        assert label(session, at_s + 500.0) == (Attention.LONG_RUNNING, Reason.LANE_ADMISSION_WAIT)
    assert waiting[-1][1].queued == 2  # itself, and the one that was sent after it
    late = classify_session(waiting[-1][1], Vitals(9_000.0), Thresholds())
    assert (late.attention, late.reason, late.eligible) == (Attention.STALLED, Reason.UNANSWERED_WAIT, False)
    began = next(session for at_s, session in seen if at_s >= 17.335 and session.run is not None)
    assert (began.queued, began.wait, began.owner) == (1, None, Presence.PRESENT)
    assert began.progress_s is not None
    assert began.progress_s > 17.3
    assert seen[-1][1].queued == 0


def test_what_waits_behind_an_aborted_run_still_waits_until_its_run_begins() -> None:
    """Recorded: at 17.24 s the hung run is aborted, its lane is free at 17.42 s, the message begins at 17.88 s."""
    seen = course("abort-with-queue")
    between = [session for at_s, session in seen if 17.24 <= at_s < 17.88]
    assert {session.queued for session in between} == {1}
    asked = [session for at_s, session in seen if 17.24 <= at_s < 17.4]
    assert all(session.run is not None and session.run.abort_requested_s == 17.241 for session in asked)
    assert next(session for at_s, session in seen if at_s > 17.42 and session.run is None)
    after = next(session for at_s, session in seen if at_s > 17.88 and session.run is not None)
    assert (after.queued, after.run is not None and after.run.abort_requested_s) == (0, None)


def histories() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / "history.json").read_text(encoding="utf-8"))
    return found


def listed(status: str = "running", **more: object) -> dict[str, Any]:
    return {"key": KEY, "hasActiveRun": True, "activeRunIds": None, "status": status, **more}


def attached(name: str, at_s: float = 10.0) -> Tracker:
    """Return a tracker that came late and has read once."""
    tracker = Tracker()
    tracker.on_list([listed(ts=1_796_096_341_450)], at_s, complete=True)
    assert tracker.to_read(at_s, 4) == [KEY]
    tracker.on_history(KEY, histories()[name], at_s)
    return tracker


def test_a_run_that_began_before_we_came_is_known_after_two_reads_and_silent_only_since_it_was_seen() -> None:
    tracker = attached("hung_with_queue")
    assert (only(tracker).owner, only(tracker).run, only(tracker).queued) == (Presence.UNKNOWN, None, 1)
    assert tracker.to_read(12.0, 4) == []
    assert tracker.to_read(15.0, 4) == [KEY]
    tracker.on_history(KEY, histories()["hung_with_queue"], 15.0)
    session = only(tracker)
    assert session.run is not None
    assert session.run.started_s is not None
    assert session.run.started_s < -30.0  # the gateway says when it began
    assert (session.owner, session.progress_s) == (Presence.PRESENT, 10.0)
    assert session.activity is not None
    assert session.activity.kind is ActivityKind.MODEL_CALL
    limits = Thresholds()
    assert not classify_session(session, Vitals(10.0 + limits.warn_after_s), limits).eligible
    assert classify_session(session, Vitals(11.0 + 360.0), limits).eligible


def test_a_run_that_a_later_read_shows_to_have_moved_is_at_work() -> None:
    tracker = attached("trickle")
    later = histories()["trickle"]
    later["inFlightRun"]["text"] += " more"
    tracker.on_history(KEY, later, 40.0)
    assert (only(tracker).owner, only(tracker).progress_s) == (Presence.PRESENT, 40.0)


def test_a_tool_that_was_called_before_we_came_keeps_the_time_that_it_declared() -> None:
    tracker = attached("tool")
    tracker.on_history(KEY, histories()["tool"], 16.0)
    activity = only(tracker).activity
    assert activity is not None
    assert (activity.kind, activity.name, activity.allowance_s) == (ActivityKind.TOOL_CALL, "exec", 60.0)


def test_a_run_that_the_gateway_took_up_after_its_restart_is_known_again() -> None:
    tracker = Tracker()
    tracker.on_list([listed()], 10.0, complete=True)
    for at_s, name in ((10.0, "restarted"), (15.0, "restarting"), (20.0, "resumed"), (26.0, "resumed_later")):
        assert only(tracker).run is None
        tracker.on_history(KEY, histories()[name], at_s)
    session = only(tracker)
    assert session.run is not None
    assert (session.owner, session.progress_s, session.queued) == (Presence.PRESENT, 20.0, 0)
    tracker.on_event("agent", agent("assistant", run=session.run.id, delta="word"), 50.0)
    assert (only(tracker).progress_s, tracker.to_read(500.0, 4)) == (50.0, [])


@pytest.mark.invariant(3)
@pytest.mark.parametrize(("waiting", "kind"), [(1, WaitKind.LANE_ADMISSION), (0, None)])
def test_a_run_that_was_accepted_and_has_not_begun_is_never_aborted(waiting: int, kind: WaitKind | None) -> None:
    """Behind a held session lane (D2) the row says running; only the lanes' totals say that somebody waits."""
    answer = histories()["waits_for_slot"]
    answer["sessionInfo"]["status"] = "running"
    tracker = Tracker()
    tracker.on_list([listed()], 1.0, complete=True)
    for at_s in (1.0, 10.0, 20.0):
        tracker.on_history(KEY, answer, at_s)
    tracker.on_lanes([], {"queuedCount": waiting})
    session = only(tracker)
    assert (session.run, session.wait.kind if session.wait is not None else None) == (None, kind)
    verdict = classify_session(session, Vitals(9_000.0), Thresholds())
    assert (verdict.attention, verdict.eligible) == (Attention.STALLED, False)


def test_a_message_stays_in_the_queue_while_the_row_says_idle_until_a_read_says_that_none_waits() -> None:
    """A zombie whose lane is held for 30 s more: the row is idle, the message waits (D3)."""
    tracker = running()
    tracker.on_event("chat", {"sessionKey": KEY, "runId": "r2", "state": "final"}, 3.0)
    tracker.on_event("chat", {"sessionKey": KEY, "runId": "r", "state": "aborted"}, 20.0)
    tracker.on_event("sessions.changed", {"sessionKey": KEY, "hasActiveRun": False, "status": "done", "ts": 9}, 20.1)
    assert (only(tracker).queued, only(tracker).run, only(tracker).owner) == (1, None, Presence.ABSENT)
    assert tracker.to_read(20.2, 4) == [KEY]
    tracker.on_history(KEY, histories()["done"], 20.2)
    assert (only(tracker).queued, only(tracker).run, only(tracker).owner) == (0, None, Presence.ABSENT)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"sessionInfo": {"hasActiveRun": True}, "pendingInputs": {"total": True}},
        {"sessionInfo": {"hasActiveRun": True}, "pendingInputs": {"total": 0}, "inFlightRun": {"runId": 7, "text": ""}},
        {"sessionInfo": {"hasActiveRun": True}, "pendingInputs": {"total": 0}, "inFlightRun": {"runId": "x" * 999}},
        {"sessionInfo": {"hasActiveRun": 1}, "pendingInputs": {"total": 0}},
    ],
)
def test_an_answer_of_another_shape_leaves_the_run_unknown(broken: dict[str, Any]) -> None:
    tracker = attached("hung_with_queue")
    for at_s in (15.0, 30.0):
        tracker.on_history(KEY, broken, at_s)
    assert (only(tracker).run, only(tracker).owner) == (None, Presence.UNKNOWN)
    assert tracker.ignored["chat.history"] == 2


def test_reads_are_bounded_and_the_longest_unasked_session_comes_first() -> None:
    tracker = Tracker()
    tracker.on_list([listed(key=f"k{number}") for number in range(6)], 1.0, complete=True)
    first = [tracker.to_read(1.0, 4), tracker.to_read(1.5, 4), tracker.to_read(2.0, 4)]
    assert [len(keys) for keys in first] == [4, 2, 0]
    assert sorted(first[0] + first[1]) == [f"k{number}" for number in range(6)]


def test_a_model_call_has_the_name_of_its_model_and_limits_by_name_fit_it() -> None:
    tracker = running()
    tracker.on_event("agent", agent("lifecycle", phase="model", provider="openai", model="gpt-5"), 3.0)
    activity = only(tracker).activity
    assert activity is not None
    assert activity.name == "openai/gpt-5"
    limits = Thresholds(overrides=(Override(name="openai/*", abort_after_s=1000.0),))
    assert not classify_session(only(tracker), Vitals(900.0), limits).eligible
    assert classify_session(only(tracker), Vitals(1100.0), limits).eligible


def test_a_call_that_has_not_answered_has_the_name_that_the_row_says() -> None:
    tracker = running()
    row = {"key": KEY, "hasActiveRun": True, "status": "running", "modelProvider": "fake", "model": "m", "ts": 5}
    tracker.on_list([row], 3.0, complete=True)
    activity = only(tracker).activity
    assert activity is not None
    assert activity.name == "fake/m"


def test_a_session_of_which_only_the_row_says_running_is_judged_by_the_row_and_shows_its_word() -> None:
    """After a crash: row running, ``abortedLastRun``, nothing active (D6)."""
    tracker = Tracker()
    row = {"key": KEY, "hasActiveRun": False, "activeRunIds": [], "status": "running", "abortedLastRun": True, "ts": 1}
    tracker.on_list([row], 1.0, complete=True)
    limits = Thresholds(warn_after_s=5.0)
    early = classify_session(only(tracker), Vitals(1.0 + limits.ghost_after_s - 1.0), limits)
    late = classify_session(only(tracker), Vitals(1.0 + limits.ghost_after_s + 1.0), limits)
    assert early.attention is Attention.NONE
    assert (late.attention, late.reason) == (Attention.STUCK, Reason.STRANDED_RUN)
    assert dict(late.evidence)["store_says"] == "running"


def test_what_waits_behind_a_turn_that_does_not_obey_its_abort_is_counted_and_waits_for_the_lane() -> None:
    """Recorded: aborted at 25.5 s, the row idle at once, settled at 55.5 s, then the message begins (D3)."""
    seen = course("zombie")
    held = [(at_s, session) for at_s, session in seen if 25.61 <= at_s < 55.5]
    assert held
    for at_s, session in held:
        assert (session.run, session.owner, session.queued) == (None, Presence.ABSENT, 1)
        assert session.wait is not None
        assert session.wait.kind is WaitKind.LANE_ADMISSION
        assert label(session, at_s + 30.0) == (Attention.LONG_RUNNING, Reason.LANE_ADMISSION_WAIT)
    settled = next(session for at_s, session in seen if at_s >= 55.5)
    assert (settled.run, settled.queued) == (None, 1)
    last = seen[-1][1]
    assert last.run is not None
    assert (last.queued, last.run.abort_requested_s, last.owner) == (0, None, Presence.PRESENT)


def test_a_run_that_has_not_settled_when_the_gateways_own_grace_is_over_is_a_zombie() -> None:
    tracker = Tracker()
    for at_s, event, payload in frames("zombie"):
        if at_s < 55.5:
            tracker.on_event(event, payload, at_s)
    row = {"key": "agent:main:z", "hasActiveRun": False, "status": "killed", "ts": 1_900_000_000_000}
    for at_s in (60.0, 70.0):
        tracker.on_list([row], at_s, complete=True)
    session = only(tracker)
    assert session.run is not None
    assert (session.queued, session.owner) == (1, Presence.PRESENT)
    assert label(session, 70.0) == (Attention.STUCK, Reason.ZOMBIE_RUN)
