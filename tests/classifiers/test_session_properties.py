"""What holds for every session whatsoever, however little is known of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewatch_classifiers import (
    Activity,
    BlindTime,
    Run,
    Session,
    Thresholds,
    Vitals,
    Wait,
    classify_session,
    classify_vitals,
)
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    Attention,
    AwaitedState,
    EvidenceClass,
    LaneKind,
    Phase,
    Presence,
    ProcessState,
    Remedy,
    SessionState,
    TerminalMark,
    WaitKind,
)

NOW_S = 100_000.0
_SEVERITY = (Attention.NONE, Attention.LONG_RUNNING, Attention.STALLED, Attention.STUCK)

moments = st.none() | st.integers(0, 110_000).map(float)
spans = st.none() | st.floats(allow_nan=False, min_value=-10, max_value=1e7)
presences = st.sampled_from(Presence)
names = st.sampled_from(["", "r1", "r2", "exec"])
runs = st.builds(
    Run,
    id=names,
    started_s=moments,
    timeout_s=spans,
    handle=st.none() | names,
    abort_requested_s=moments,
)
activities = st.builds(
    Activity,
    kind=st.none() | st.sampled_from(ActivityKind),
    owner=presences,
    run_id=st.none() | names,
    since_s=moments,
    name=names,
    allowance_s=spans,
    working_s=moments,
)
waits = st.builds(
    Wait,
    kind=st.sampled_from(WaitKind),
    since_s=moments,
    deadline_s=moments,
    delivered=presences,
    awaited=st.sampled_from(AwaitedState),
    answer_impossible=st.booleans(),
    attempts_without_yield=st.integers(0, 50),
)
sessions = st.builds(
    Session,
    key=st.just("k"),
    id=st.none() | names,
    generation=st.none() | st.integers(0, 9),
    state=st.none() | st.sampled_from(SessionState),
    state_since_s=moments,
    lane_kind=st.sampled_from(LaneKind),
    queued=st.none() | st.integers(0, 3),
    oldest_queued_s=moments,
    owner=presences,
    run=st.none() | runs,
    activity=st.none() | activities,
    activity_known=st.booleans(),
    progress_s=moments,
    terminal=st.sampled_from(TerminalMark),
    repeats=st.integers(0, 100),
    repeating_since_s=moments,
    wait=st.none() | waits,
    in_store=presences,
    store_says_running=presences,
    holder=presences,
    progress_known=st.booleans(),
    wait_known=st.booleans(),
)
blind_times = st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)), max_size=4).map(BlindTime.of)
vitals = st.builds(
    Vitals,
    now_s=st.just(NOW_S),
    blind=blind_times,
    phase=st.sampled_from(Phase),
    process=st.sampled_from(ProcessState),
    loop_heartbeat_s=moments,
    thread_heartbeat_s=moments,
    loop_delay_max_s=spans,
    loop_utilization=spans,
    cpu_cores=spans,
    memory_pressure=spans,
    io_pressure=spans,
    swap_used=spans,
    major_faults_per_s=spans,
    suspended=st.booleans(),
)
thresholds = st.integers(1, 500).map(lambda warn: Thresholds(warn_after_s=float(warn)))


@given(sessions, vitals, thresholds)
def test_every_session_gets_one_verdict_and_always_the_same(session: Session, seen: Vitals, limits: Thresholds) -> None:
    verdict = classify_session(session, seen, limits)

    assert verdict == classify_session(session, seen, limits)
    assert verdict.key == "k"
    assert (verdict.due_in_s == 0.0) == verdict.eligible or verdict.due_in_s is None or not verdict.eligible


@given(vitals, thresholds)
def test_every_gateway_gets_one_verdict(seen: Vitals, limits: Thresholds) -> None:
    assert classify_vitals(seen, limits) == classify_vitals(seen, limits)


@pytest.mark.invariant(9)
@given(sessions, vitals, thresholds)
def test_an_eligible_remedy_rests_on_an_owner_that_is_known(session: Session, seen: Vitals, limits: Thresholds) -> None:
    """Unknown neither permits nor exempts (OpenClaw 84477, 101670)."""
    verdict = classify_session(session, seen, limits)
    owner = session.owner if session.activity is None else session.activity.owner

    if verdict.eligible and verdict.remedy in (Remedy.ABORT_RUN, Remedy.FORCE_CLEAR):
        assert Presence.PRESENT in (session.owner, owner)
    if verdict.eligible and verdict.remedy is Remedy.EVICT_SESSION:
        assert session.owner is Presence.ABSENT


@given(sessions, vitals, thresholds, st.integers(0, 5000))
def test_newer_progress_never_makes_a_label_worse(
    session: Session, seen: Vitals, limits: Thresholds, newer_s: int
) -> None:
    if session.progress_s is None:
        return
    moved = replace(session, progress_s=session.progress_s + newer_s)
    before, after = (_SEVERITY.index(classify_session(s, seen, limits).attention) for s in (session, moved))

    assert after <= before


@given(sessions, vitals, st.integers(1, 300), st.integers(0, 300))
def test_a_larger_warn_after_never_labels_earlier(session: Session, seen: Vitals, warn_s: int, more_s: int) -> None:
    short = Thresholds(warn_after_s=float(warn_s), abort_after_s=10_000.0)
    long = Thresholds(warn_after_s=float(warn_s + more_s), abort_after_s=10_000.0)
    before, after = (_SEVERITY.index(classify_session(session, seen, t).attention) for t in (short, long))

    assert after <= before


@given(sessions, vitals, thresholds, st.integers(1, 1000).map(lambda n: n * 1024.0))
def test_shifting_all_time_changes_nothing(session: Session, seen: Vitals, limits: Thresholds, by_s: float) -> None:
    def later(value: float | None) -> float | None:
        return None if value is None else value + by_s

    run, activity, wait = session.run, session.activity, session.wait
    shifted = replace(
        session,
        state_since_s=later(session.state_since_s),
        oldest_queued_s=later(session.oldest_queued_s),
        progress_s=later(session.progress_s),
        repeating_since_s=later(session.repeating_since_s),
        run=run and replace(run, started_s=later(run.started_s), abort_requested_s=later(run.abort_requested_s)),
        activity=activity and replace(activity, since_s=later(activity.since_s), working_s=later(activity.working_s)),
        wait=wait and replace(wait, since_s=later(wait.since_s), deadline_s=later(wait.deadline_s)),
    )
    blind = BlindTime.of([(start + by_s, end + by_s) for start, end in seen.blind.intervals()])
    then = replace(seen, now_s=NOW_S + by_s, blind=blind)

    assert classify_session(shifted, then, limits) == classify_session(session, seen, limits)


@given(sessions, thresholds)
def test_nothing_is_done_to_a_session_whose_state_cannot_be_seen(session: Session, limits: Thresholds) -> None:
    verdict = classify_session(replace(session, state=None), Vitals(now_s=NOW_S), limits)
    assert not verdict.eligible
    assert verdict.due_in_s is None
    assert verdict.remedy in (Remedy.NONE, Remedy.TELL_PERSON)


@given(sessions, thresholds, st.sampled_from(["progress_known", "wait_known"]))
def test_silence_is_no_evidence_where_it_cannot_be_told_from_work(
    session: Session, limits: Thresholds, hidden: str
) -> None:
    verdict = classify_session(replace(session, **{hidden: False}), Vitals(now_s=NOW_S), limits)
    assert not verdict.eligible or verdict.evidence_class is EvidenceClass.CERTAIN
