"""Silences as the classifier measures them, and what each kind of end says about them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from livewatch.recordings.entry import Entry, Said
from livewatch.recovery.rounds import Round
from livewatch.recovery.settings import Policy
from livewatch.tuning.silences import Sample, Silences, silences
from livewatch_classifiers import Activity, BlindTime, GatewayIdentity, Run, Session, Snapshot, Thresholds, Vitals, Wait
from livewatch_classifiers.decision import Action
from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, Presence, Reason, SessionState, WaitKind

BEGIN_S = 1_000.0


def busy(progress_s: float, *, kind: ActivityKind = ActivityKind.MODEL_CALL, name: str = "m", **facts: Any) -> Session:
    base = Session(
        "s",
        state=SessionState.PROCESSING,
        state_since_s=BEGIN_S,
        owner=Presence.PRESENT,
        run=Run("r1", BEGIN_S, handle="h"),
        activity=Activity(kind, Presence.PRESENT, "r1", BEGIN_S, name=name),
        progress_s=progress_s,
    )
    return replace(base, **facts)


def idle(since_s: float) -> Session:
    return Session("s", state=SessionState.IDLE, state_since_s=since_s, owner=Presence.ABSENT)


def looks(*seen: tuple[float, Session | None], acts: frozenset[float] = frozenset(), **vitals: Any) -> list[Entry]:
    entries: list[Entry] = []
    for now_s, session in seen:
        sessions = {} if session is None else {session.key: session}
        snapshot = Snapshot(Vitals(now_s, **vitals), sessions, identity=GatewayIdentity(1, "a"))
        act = Action(ActionKind.ABORT_RUN, "s", "k", "", Reason.ACTIVE)
        said = Said(acts=(act,) if now_s in acts else ())
        entries.append(Entry("gw", Round(now_s, now_s, snapshot), said, Thresholds(), Policy()))
    return entries


def found(entries: Iterable[Entry]) -> tuple[list[float], list[float]]:
    kind = the_sample(silences(entries))
    return list(kind.alive), list(kind.unknown)


def the_sample(told: Silences) -> Sample:
    return told.samples[0] if told.samples else Sample(ActivityKind.MODEL_CALL)


def every_second(begin_s: float, end_s: float, session: Session) -> list[tuple[float, Session | None]]:
    return [(begin_s + step, session) for step in range(int(end_s - begin_s))]


def test_a_silence_ends_with_new_content_and_is_as_long_as_between_the_two() -> None:
    seen = [*every_second(1001, 1011, busy(1000.5)), (1011.0, busy(1010.25)), (1012.0, busy(1010.25))]
    assert found(looks(*seen)) == ([9.75], [1.75])


def test_a_silence_that_ends_with_the_run_was_alive_until_then() -> None:
    seen = [*every_second(1001, 1006, busy(1000.5)), (1006.0, idle(1005.5))]
    assert found(looks(*seen)) == ([5.0], [])


def test_what_livewatch_or_anybody_asked_to_end_is_unknown() -> None:
    seen = [*every_second(1001, 1006, busy(1000.5)), (1006.0, idle(1005.5))]
    assert found(looks(*seen, acts=frozenset({1005.0}))) == ([], [5.0])
    asked = Run("r1", BEGIN_S, handle="h", abort_requested_s=1004.0)
    seen[4] = (1005.0, busy(1000.5, run=asked))
    assert found(looks(*seen)) == ([], [5.0])


def test_a_run_that_went_on_after_it_was_asked_to_end_was_alive() -> None:
    seen = [*every_second(1001, 1006, busy(1000.5)), (1006.0, busy(1005.5))]
    assert found(looks(*seen, acts=frozenset({1005.0})))[0] == [5.0]


def test_seconds_in_which_nothing_could_run_are_no_silence() -> None:
    seen = [*every_second(1001, 1011, busy(1000.0)), (1011.0, busy(1010.0))]
    blind = BlindTime.of([(1002.0, 1006.0)])
    assert found(looks(*seen, blind=blind))[0] == [6.0]


def test_declared_waits_and_allowances_are_left_out_and_counted() -> None:
    waiting = busy(1000.5, wait=Wait(WaitKind.APPROVAL, 1001.0))
    assert found(looks(*every_second(1001, 1011, waiting), (1011.0, busy(1010.0)))) == ([], [1.0])
    allowed = busy(1000.5)
    assert allowed.activity is not None
    allowed = replace(allowed, activity=replace(allowed.activity, allowance_s=60.0))
    told = silences(looks(*every_second(1001, 1011, allowed)))
    assert (told.samples, told.declared) == ((), 1)


def test_a_hole_in_the_recording_cuts_off_what_was_silent_and_counts_for_nothing() -> None:
    seen = [*every_second(1001, 1006, busy(1000.5)), *every_second(1100, 1103, busy(1099.0))]
    told = silences(looks(*seen))
    assert (list(the_sample(told).alive), sorted(the_sample(told).unknown)) == ([], [3.0, 4.5])
    assert told.exposure_s == 6.0


def test_each_tool_is_told_apart_and_a_kinds_only_name_is_not_told_twice() -> None:
    one = [(1001.0, busy(1000.5, name="a")), (1002.0, busy(1001.5, name="a")), (1003.0, busy(1002.5, name="b"))]
    told = silences(looks(*one, (1004.0, busy(1003.5, name="b"))))
    assert [(sample.name, len(sample.alive)) for sample in told.samples] == [("", 3), ("a", 2), ("b", 1)]
    assert [sample.name for sample in silences(looks(*one[:2])).samples] == [""]
