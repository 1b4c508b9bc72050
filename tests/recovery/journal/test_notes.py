"""What of a tick is worth writing down: changes, and a closer look while something is wrong."""

import pytest

from livewatch.recovery.journal.notes import SESSIONS_PER_FRAME, TickNotes
from livewatch.recovery.journal.records import Event, EventKind, FrameNote, Note
from livewatch_classifiers import BlockedStack, Snapshot, Verdict, Vitals, VitalsVerdict
from livewatch_classifiers.decision import Hold, OverdueHold
from livewatch_classifiers.report import Transition
from livewatch_classifiers.vocabulary import ActionKind, Attention, Gate, Reason, StallCause, VitalsReason, VitalsState
from tests.recovery.journal.facts import (
    IDENTITY,
    a_session,
    a_snapshot,
    a_tick,
    an_act,
    completed,
    falls_sick,
    gets_well,
    well,
)

KEY = "agent:main:main"
BACKOFF = Hold(KEY, ActionKind.ABORT_RUN, Gate.BACKOFF, Reason.BLOCKED_TOOL_CALL, "60 s to go")


def kinds(notes: list[Note]) -> list[str]:
    return [note.kind.value for note in notes if isinstance(note, Event)]


def frames(notes: list[Note]) -> list[Snapshot]:
    return [note.snapshot for note in notes if isinstance(note, FrameNote)]


def test_a_quiet_gateway_writes_nothing() -> None:
    notes = TickNotes()
    assert [note for after_s in range(100) for note in notes.take(a_tick(after_s))] == []


def test_comings_and_goings_in_good_health_are_not_noted() -> None:
    came = Transition(KEY, None, well())
    idle = Transition(KEY, well(), Verdict(KEY, Attention.NONE, Reason.IDLE, "1"), 3.0)
    assert TickNotes().take(a_tick(transitions=(came, idle, Transition(KEY, well(), None, 3.0)))) == []


def test_a_hold_is_noted_when_it_begins_and_when_it_ends() -> None:
    notes = TickNotes()
    said = [kinds(notes.take(a_tick(n, decisions=(BACKOFF,)))) for n in range(3)]
    assert said == [["hold_began"], [], []]
    (ended,) = notes.take(a_tick(3))
    assert isinstance(ended, Event)
    assert (ended.kind, ended.data["gate"], ended.data["held_s"]) == (EventKind.HOLD_ENDED, Gate.BACKOFF, 3.0)


def test_a_tick_that_saw_nothing_ends_no_hold() -> None:
    notes = TickNotes()
    notes.take(a_tick(decisions=(BACKOFF,)))
    blind = a_tick(1, snapshot=None, vitals=VitalsVerdict(VitalsState.UNRESPONSIVE), problem="no answer")
    assert kinds(notes.take(blind)) == ["vitals"]
    assert kinds(notes.take(a_tick(2, decisions=(BACKOFF,)))) == ["vitals"]


def test_vitals_are_noted_when_they_change_with_cause_reasons_and_the_blocked_stack() -> None:
    notes = TickNotes()
    notes.take(a_tick())
    verdict = VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.EVENT_LOOP_DELAY,), StallCause.OWN_CODE)
    blocked = Snapshot(Vitals(5_001.0, stack=BlockedStack(5_000.5, 1, "app.py:9 parse")), {}, identity=IDENTITY)
    tick = a_tick(1, vitals=verdict, snapshot=blocked)
    event, frame = notes.take(tick)
    assert isinstance(event, Event)
    assert event.data["stack"] == "app.py:9 parse"
    assert event.data["cause"] is StallCause.OWN_CODE
    assert event.data["reasons"] == (VitalsReason.EVENT_LOOP_DELAY,)
    assert isinstance(frame, FrameNote)
    assert kinds(notes.take(a_tick(2, vitals=verdict, snapshot=blocked))) == []
    assert kinds(notes.take(a_tick(3, vitals_before=VitalsState.UNRESPONSIVE))) == ["vitals"]


@pytest.mark.parametrize(("jump_s", "noted"), [(0.9, []), (1.1, ["clock_jump"]), (-1.1, ["clock_jump"])])
def test_a_jump_of_the_wall_clock_is_noted(jump_s: float, noted: list[str]) -> None:
    notes = TickNotes()
    notes.take(a_tick())
    assert kinds(notes.take(a_tick(1, wall_s=a_tick(1).wall_s + jump_s))) == noted
    assert kinds(notes.take(a_tick(2, wall_s=a_tick(2).wall_s + jump_s))) == []


def test_a_slow_tick_is_no_clock_jump() -> None:
    notes = TickNotes()
    notes.take(a_tick())
    assert notes.take(a_tick(1, wall_s=a_tick(1).wall_s + 30, tick_duration_s=30.0)) == []


def test_a_restart_of_the_gateway_is_noted_with_its_new_identity() -> None:
    (event,) = TickNotes().take(a_tick(restarted=True))
    assert isinstance(event, Event)
    assert (event.kind, event.data["pid"]) == (EventKind.GATEWAY_RESTARTED, IDENTITY.pid)


def test_an_incident_is_framed_with_its_lead_in_its_changes_and_its_end() -> None:
    notes = TickNotes()
    for n in range(20):
        assert notes.take(a_tick(n)) == []
    began = frames(notes.take(a_tick(20, transitions=(falls_sick(),))))
    assert [f.vitals.now_s for f in began] == [5_015.0, 5_016.0, 5_017.0, 5_018.0, 5_019.0, 5_020.0]
    assert all(set(f.sessions) == {KEY} for f in began)

    during = [len(frames(notes.take(a_tick(n)))) for n in range(21, 41)]
    assert sum(during) == 10  # every two seconds
    assert len(frames(notes.take(a_tick(41, decisions=(an_act(),))))) == 1
    assert len(frames(notes.take(a_tick(42, completed=(completed(an_act()),))))) == 1
    assert len(frames(notes.take(a_tick(43, transitions=(gets_well(),))))) == 1
    assert [n for after_s in range(44, 90) for n in notes.take(a_tick(after_s))] == []


def test_a_storm_of_sick_sessions_is_framed_within_bounds() -> None:
    keys = [f"s{n}" for n in range(1_000)]
    storm = a_tick(snapshot=a_snapshot(*map(a_session, keys)), transitions=tuple(map(falls_sick, keys)))
    (frame,) = frames(TickNotes().take(storm))
    assert len(frame.sessions) == SESSIONS_PER_FRAME


def test_a_session_that_disappears_while_sick_ends_its_incident() -> None:
    notes = TickNotes()
    notes.take(a_tick(transitions=(falls_sick(),)))
    gone = Transition(KEY, falls_sick().after, None, 4.0)
    assert kinds(notes.take(a_tick(4, transitions=(gone,)))) == ["transition"]
    assert notes.take(a_tick(60)) == []


def test_a_long_trouble_is_looked_at_ever_more_rarely() -> None:
    notes = TickNotes()
    notes.take(a_tick(transitions=(falls_sick(),)))
    looks = [n for n in range(1, 7_200) if frames(notes.take(a_tick(n)))]
    assert len([n for n in looks if n < 60]) == 29
    assert len([n for n in looks if 600 < n <= 1_200]) == 10
    assert len(looks) < 250


def test_a_hold_past_its_bound_is_noted_with_its_gate_and_so_is_its_end() -> None:
    late = OverdueHold(KEY, ActionKind.ABORT_RUN, Gate.BUDGET, Reason.BLOCKED_TOOL_CALL, "used up", 901.0, 900.0, 5.0)
    notes = TickNotes()
    (began,) = notes.take(a_tick(overdue=(late,), overdue_holds=(late,)))
    assert notes.take(a_tick(1, overdue=(late,))) == []
    (ended,) = notes.take(a_tick(2, overdue_ended=(late,)))
    assert isinstance(began, Event)
    assert isinstance(ended, Event)
    assert [(note.kind, note.session, note.data["gate"], note.data["held_s"]) for note in (began, ended)] == [
        (EventKind.HOLD_OVERDUE, KEY, Gate.BUDGET, 901.0),
        (EventKind.HOLD_OVERDUE_ENDED, KEY, Gate.BUDGET, 901.0),
    ]
