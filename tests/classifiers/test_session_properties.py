"""What holds for every session, however little is known of it."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch_classifiers import Activity, Run, Session, Thresholds, Vitals, Wait, classify_session
from livewatch_classifiers.vocabulary import Attention, EvidenceClass, Presence, Remedy

NOW_S = 100_000.0
VITALS = Vitals(NOW_S)
MOMENTS = st.none() | st.integers(-10_000, 100).map(lambda age: NOW_S + age)
LENGTHS = st.none() | st.integers(0, 5000).map(float)
RUNS = st.builds(Run, id=st.sampled_from(["r1", "r2"]), started_s=MOMENTS, timeout_s=LENGTHS, abort_requested_s=MOMENTS)
ACTIVITIES = st.builds(
    Activity, run_id=st.sampled_from([None, "r1"]), since_s=MOMENTS, allowance_s=LENGTHS, working_s=MOMENTS
)
WAITS = st.builds(Wait, since_s=MOMENTS, deadline_s=MOMENTS, attempts_without_yield=st.integers(0, 20))
SESSIONS = st.builds(
    Session,
    key=st.just("k"),
    generation=st.none() | st.integers(0, 9),
    state_since_s=MOMENTS,
    queued=st.none() | st.integers(0, 3),
    oldest_queued_s=MOMENTS,
    owner=st.sampled_from(Presence),
    run=st.none() | RUNS,
    activity=st.none() | ACTIVITIES,
    progress_s=MOMENTS,
    repeats=st.integers(0, 50),
    repeating_since_s=MOMENTS,
    wait=st.none() | WAITS,
)
SICK = (Attention.STALLED, Attention.STUCK)
DEFAULT = Thresholds()


@given(SESSIONS, st.integers(1, 1000))
@settings(max_examples=300, deadline=None)
def test_every_session_gets_one_verdict_and_the_same_one_again(session: Session, warn_s: int) -> None:
    thresholds = Thresholds(warn_after_s=float(warn_s))

    verdict = classify_session(session, VITALS, thresholds)
    assert verdict == classify_session(session, VITALS, thresholds)
    assert not (verdict.eligible and verdict.remedy in (Remedy.NONE, Remedy.TELL_PERSON))


@given(SESSIONS, st.integers(0, 9000))
@settings(max_examples=300, deadline=None)
def test_newer_progress_never_makes_a_healthy_session_sick(session: Session, age_s: int) -> None:
    old = replace(session, progress_s=NOW_S - age_s - 100)
    if classify_session(old, VITALS, DEFAULT).attention not in SICK:
        new = replace(session, progress_s=NOW_S - age_s)
        assert classify_session(new, VITALS, DEFAULT).attention not in SICK


@given(SESSIONS, st.lists(st.integers(1, 2000), min_size=2, max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_larger_warn_after_never_labels_earlier(session: Session, warns_s: list[int]) -> None:
    verdicts = [
        classify_session(session, VITALS, Thresholds(warn_after_s=float(w), abort_after_s=6000.0))
        for w in sorted(warns_s)
    ]
    for smaller, larger in pairwise(verdicts):
        assert smaller.attention in SICK or larger.attention not in SICK


@given(SESSIONS)
@settings(max_examples=300, deadline=None)
def test_silence_of_an_unknown_owner_never_makes_a_release_or_an_abort_eligible(session: Session) -> None:
    activity = session.activity and replace(session.activity, owner=Presence.UNKNOWN)
    verdict = classify_session(replace(session, owner=Presence.UNKNOWN, activity=activity), VITALS, DEFAULT)
    ended_turn = verdict.rule == "10"
    silence = verdict.evidence_class is EvidenceClass.SILENCE
    assert not (verdict.eligible and silence and not ended_turn)


@given(SESSIONS, st.integers(-50_000, 50_000))
@settings(max_examples=300, deadline=None)
def test_shifting_all_times_changes_nothing(session: Session, shift_s: int) -> None:
    def moved(moment_s: float | None) -> float | None:
        return None if moment_s is None else moment_s + shift_s

    run, activity, wait = session.run, session.activity, session.wait
    shifted = replace(
        session,
        state_since_s=moved(session.state_since_s),
        oldest_queued_s=moved(session.oldest_queued_s),
        progress_s=moved(session.progress_s),
        repeating_since_s=moved(session.repeating_since_s),
        run=run and replace(run, started_s=moved(run.started_s), abort_requested_s=moved(run.abort_requested_s)),
        activity=activity and replace(activity, since_s=moved(activity.since_s), working_s=moved(activity.working_s)),
        wait=wait and replace(wait, since_s=moved(wait.since_s), deadline_s=moved(wait.deadline_s)),
    )
    assert classify_session(session, VITALS, DEFAULT) == classify_session(shifted, Vitals(NOW_S + shift_s), DEFAULT)
