"""Judging what changed and what is due says exactly what judging everything says."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from types import MappingProxyType

from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.judge import Judge, Judgement
from livewatch.recovery.memory import Memory
from livewatch.recovery.policy import decide
from livewatch.recovery.request import Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Act
from livewatch_classifiers.glance import NOT_PLAIN_S, PLAIN_KINDS, TIMELESS_S, plain_since_s
from livewatch_classifiers.model import Activity, Delta, Run, Session, Snapshot, Vitals
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Override, Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import (
    SICK,
    ActionKind,
    ActivityKind,
    Attention,
    Mode,
    Phase,
    Presence,
    Reason,
    SessionState,
    VitalsState,
)
from tests.classifiers.test_session_properties import sessions as any_session

BEGIN_S = 100_000.0
_THRESHOLDS = (
    Thresholds(),
    Thresholds(warn_after_s=20.0),
    Thresholds(overrides=(Override(activity=ActivityKind.TOOL_CALL, warn_after_s=7.0, abort_after_s=40.0),)),
)

near = st.none() | st.integers(-400, 30).map(lambda ago: BEGIN_S + ago)


@st.composite
def lively_sessions(draw: st.DrawFn) -> Session:
    """Return any session whatsoever whose moments lie close enough to now for limits to be crossed."""
    session = draw(any_session)
    session = replace(
        session,
        state_since_s=draw(near),
        progress_s=draw(near),
        oldest_queued_s=draw(near),
        repeating_since_s=draw(near),
    )
    if session.run is not None:
        run = replace(session.run, started_s=draw(near), abort_requested_s=draw(near))
        session = replace(session, run=run)
    if session.activity is not None:
        activity = replace(session.activity, since_s=draw(near), working_s=draw(near))
        session = replace(session, activity=activity)
    if session.wait is not None:
        session = replace(session, wait=replace(session.wait, since_s=draw(near), deadline_s=draw(near)))
    return session


plain_sessions = st.builds(
    Session,
    key=st.just("k"),
    state=st.sampled_from([SessionState.PROCESSING, SessionState.WAITING, SessionState.IDLE]),
    state_since_s=near,
    queued=st.integers(0, 2),
    owner=st.sampled_from([Presence.PRESENT, Presence.UNKNOWN]),
    run=st.none() | st.builds(Run, id=st.just("r"), started_s=near),
    activity=st.none() | st.builds(Activity, kind=st.sampled_from(PLAIN_KINDS), since_s=near, run_id=st.just("r")),
    progress_s=near,
)


def younger(session: Session, name: str, now_s: float) -> Session:
    """Return a session of which one moment is now."""
    if name == "started_s" and session.run is not None:
        return replace(session, run=replace(session.run, started_s=now_s))
    if name == "since_s" and session.activity is not None:
        return replace(session, activity=replace(session.activity, since_s=now_s, kind=ActivityKind.TOOL_CALL))
    if name == "progress_s":
        return replace(session, progress_s=now_s)
    return replace(session, state_since_s=now_s, queued=(session.queued or 0) + 1)


WELL = VitalsVerdict(VitalsState.RESPONSIVE)
POLICY = Policy(mode=Mode.ABORT, blast_sessions_min=2)
KEYS = st.sampled_from("abcd")
steps = st.one_of(
    st.tuples(st.just("pass"), st.sampled_from([0.0, 0.3, 1.0, 1.0, 1.7, 10.0, 59.0, 400.0])),
    st.tuples(st.just("change"), st.tuples(KEYS, lively_sessions())),
    st.tuples(st.just("change"), st.tuples(KEYS, plain_sessions)),
    st.tuples(
        st.just("younger"),
        st.tuples(KEYS, st.sampled_from(["progress_s", "progress_s", "state_since_s", "started_s", "since_s"])),
    ),
    st.tuples(st.just("leave"), KEYS),
    st.tuples(st.just("blind"), st.tuples(st.integers(0, 300), st.integers(1, 120))),
    st.tuples(st.just("forget"), st.booleans()),
    st.tuples(st.just("limits"), st.sampled_from(_THRESHOLDS)),
    st.tuples(st.just("phase"), st.sampled_from(Phase)),
    st.tuples(st.just("ready"), near),
    st.tuples(st.just("unseen"), st.none()),
)


def only_progressed(before: Session, after: Session) -> bool:
    """Return whether nothing is new but a later progress in place of an earlier one."""
    if before.progress_s is None or after.progress_s is None or after.progress_s <= before.progress_s:
        return False
    return replace(before, progress_s=after.progress_s) == after


def renewed(before: Session, after: Session) -> bool:
    """Return whether a session was plain, is plain, and has no moment that is earlier; see `Delta.renewed`."""
    was_s, now_s = plain_since_s(before, inf), plain_since_s(after, inf)
    return NOT_PLAIN_S < was_s <= now_s and (now_s < TIMELESS_S or was_s == TIMELESS_S)


def standing(verdict: Verdict) -> Verdict:
    """Return what a verdict on slow work says as long as it stands: all but the ages."""
    slow = verdict.attention is Attention.LONG_RUNNING
    return replace(verdict, evidence=(), due_in_s=None) if slow else verdict


def a_report(snapshot: Snapshot, verdicts: Mapping[str, Verdict], limits: Thresholds) -> TickReport:
    """Return what a tick says of verdicts."""
    now_s = snapshot.vitals.now_s
    return TickReport("t", now_s, now_s, snapshot, "", WELL, None, verdicts=verdicts, thresholds=limits)


class History:
    """A gateway whose sessions, blind time and limits change at random; each look is judged both ways."""

    def __init__(self, *, tracked: bool) -> None:
        self.judge, self.tracked = Judge(), tracked
        self.vitals, self.limits = Vitals(BEGIN_S), _THRESHOLDS[0]
        self.sessions: dict[str, Session] = {}
        self.told: MappingProxyType[str, Session] | None = None
        self.verdicts: Judgement | None = None
        self.memory = self.full_memory = Memory()

    def step(self, what: str, value: object) -> None:
        now_s = self.vitals.now_s
        match what, value:
            case "pass", float(seconds):
                self.vitals = replace(self.vitals, now_s=now_s + seconds)
            case "change", (str(key), Session() as session):
                self.sessions[key] = replace(session, key=key)
            case "younger", (str(key), str(name)) if key in self.sessions:
                self.sessions[key] = younger(self.sessions[key], name, now_s)
            case "leave", str(key):
                self.sessions.pop(key, None)
            case "blind", (int(ago), int(length)):
                start_s = now_s - ago
                more = [(start_s, min(now_s, start_s + length))]
                self.vitals = replace(self.vitals, blind=self.vitals.blind.extended(more, forget_before_s=0))
            case "forget", bool(everything):
                kept = [] if everything else self.vitals.blind.intervals()[1:]
                self.vitals = replace(self.vitals, blind=BlindTime.of(kept))
            case "limits", Thresholds() as limits:
                self.limits = limits
            case "phase", Phase() as phase:
                self.vitals = replace(self.vitals, phase=phase)
            case "ready", float() | None as ready_s:
                self.vitals = replace(self.vitals, ready_s=ready_s)
            case _:
                pass

    def recover(self, snapshot: Snapshot, said: Judgement) -> None:
        """Remember and decide with the census, and with a look at every verdict."""
        now_s, verdicts = self.vitals.now_s, said.verdicts
        self.memory = self.memory.observed(snapshot, verdicts, WELL, POLICY, now_s, census=said.census)
        self.full_memory = self.full_memory.observed(snapshot, verdicts, WELL, POLICY, now_s)
        assert self.memory == self.full_memory
        situation = Situation(snapshot=snapshot, verdicts=verdicts, vitals=WELL, capabilities=frozenset(ActionKind))
        decisions = decide(situation, self.memory, POLICY, now_s)
        assert decisions == decide(situation, self.full_memory, POLICY, now_s)
        for decision in decisions:
            if isinstance(decision, Act):
                self.memory = self.memory.sent(decision.action, now_s)
                self.full_memory = self.full_memory.sent(decision.action, now_s)

    def look(self) -> None:
        now = MappingProxyType(dict(self.sessions))
        delta = None
        if self.tracked and self.told is not None:
            different = {k for k, s in now.items() if self.told.get(k) is not s}
            progressed = {k for k in different if k in self.told and only_progressed(self.told[k], now[k])}
            gone = frozenset(self.told.keys() - now.keys())
            again = {k for k in different - progressed if k in self.told and renewed(self.told[k], now[k])}
            changed = different - progressed - again
            delta = Delta(self.told, frozenset(changed), gone, frozenset(progressed), frozenset(again))
        self.told = now
        before: Mapping[str, Verdict] = self.verdicts.verdicts if self.verdicts is not None else {}
        snapshot = Snapshot(self.vitals, now, delta=delta)
        said = self.verdicts = self.judge.judge(snapshot, self.limits)

        everything = {key: classify_session(session, self.vitals, self.limits) for key, session in now.items()}
        assert {key: standing(verdict) for key, verdict in said.verdicts.items()} == {
            key: standing(verdict) for key, verdict in everything.items()
        }
        report = a_report(snapshot, said.verdicts, self.limits)
        assert {key: report.verdict(key) for key in said.verdicts} == everything
        assert set(said.census.sick) == {k for k, v in everything.items() if v.attention in SICK}
        assert said.census.active == sum(v.reason is not Reason.IDLE for v in everything.values())
        assert set(said.gone) == before.keys() - everything.keys()
        changed = {k for k, v in everything.items() if k not in before or standing(before[k]) != standing(v)}
        assert changed <= set(said.touched)
        self.recover(snapshot, said)


@settings(max_examples=400, deadline=None)
@given(
    history=st.lists(steps, min_size=5, max_size=60),
    first=st.lists(lively_sessions() | plain_sessions, max_size=3),
    tracked=st.booleans(),
)
def test_the_lazy_judgement_is_the_full_one_in_any_history(
    history: list[tuple[str, object]],
    first: list[Session],
    *,
    tracked: bool,
) -> None:
    gateway = History(tracked=tracked)
    gateway.sessions = {key: replace(session, key=key) for key, session in zip("abc", first, strict=False)}
    gateway.look()
    for what, value in history:
        gateway.step(what, value)
        if what != "unseen":
            gateway.look()


@settings(max_examples=400, deadline=None)
@given(lively_sessions(), st.lists(st.sampled_from([0.5, 1.0, 1.0, 4.0]), min_size=20, max_size=150))
def test_a_session_left_to_time_is_judged_at_every_crossing(session: Session, gaps: list[float]) -> None:
    gateway = History(tracked=True)
    gateway.sessions = {"a": replace(session, key="a")}
    gateway.look()
    for gap_s in gaps:
        gateway.step("pass", gap_s)
        gateway.look()


def test_blind_time_that_comes_to_light_late_brings_an_age_back_below_its_limit() -> None:
    gateway = History(tracked=True)
    run = Run("r", started_s=BEGIN_S - 400)
    gateway.sessions = {
        "a": Session(
            "a",
            state=SessionState.PROCESSING,
            run=run,
            state_since_s=BEGIN_S - 10,
            progress_s=BEGIN_S - 125,
        )
    }
    gateway.look()
    gateway.step("blind", (100, 30))
    gateway.look()
    assert gateway.verdicts is not None
    assert gateway.verdicts.verdicts["a"].rule == "15"


def test_slow_work_whose_last_step_is_new_is_judged_anew() -> None:
    gateway = History(tracked=True)
    call = Activity(ActivityKind.MODEL_CALL, run_id="r", since_s=BEGIN_S - 200)
    gateway.sessions = {
        "a": Session(
            "a",
            state=SessionState.PROCESSING,
            owner=Presence.PRESENT,
            run=Run("r", started_s=BEGIN_S - 300),
            activity=call,
            state_since_s=BEGIN_S - 300,
            progress_s=BEGIN_S - 5,
        )
    }
    gateway.look()
    said: list[Reason] = []
    for name in ("since_s", "state_since_s", "started_s"):
        gateway.step("younger", ("a", name))
        gateway.look()  # which holds it against a full judgement
        assert gateway.verdicts is not None
        said.append(gateway.verdicts.verdicts["a"].reason)
    assert said == [Reason.ACTIVE_WORK, Reason.QUEUED_BEHIND_ACTIVE_WORK, Reason.ACTIVE]
