"""Warnings of the gateway's health: once as it begins, with whom it met, and no flood while it flaps."""

import pytest

from livewatch_classifiers.model import Run, Session
from livewatch_classifiers.verdict import VitalsVerdict
from livewatch_classifiers.vocabulary import SessionState, VitalsReason, VitalsState
from livewatch_exporters.events import Events
from livewatch_exporters.liveness import COOL_DOWN_S, LivenessWarnings
from tests.exporters.conftest import MakeReport

SLOW = VitalsVerdict(VitalsState.DEGRADED, (VitalsReason.EVENT_LOOP_DELAY,))
SLOW_AND_FULL = VitalsVerdict(VitalsState.DEGRADED, (VitalsReason.EVENT_LOOP_DELAY, VitalsReason.SWAP))
STARTING_LATE = VitalsVerdict(VitalsState.STARTING, (VitalsReason.STARTUP,))


def test_a_reason_warns_as_it_begins_and_again_only_after_the_cool_down(make_report: MakeReport) -> None:
    warnings = LivenessWarnings()
    course = [
        (0.0, None),
        (1.0, SLOW),
        (2.0, SLOW),
        (3.0, SLOW_AND_FULL),
        (4.0, None),
        (5.0, SLOW),
        (6.0, None),
        (1.0 + COOL_DOWN_S, SLOW),
    ]
    told = [warnings.new(make_report(now_s, state=state)) for now_s, state in course]

    assert told == [(), ("event_loop_delay",), (), ("swap",), (), (), (), ("event_loop_delay",)]


def test_a_gateway_that_ends_is_told_each_time(make_report: MakeReport) -> None:
    warnings, gone = LivenessWarnings(), VitalsVerdict(VitalsState.GONE)
    told = [warnings.new(make_report(float(n), state=gone if n % 2 else None)) for n in range(4)]

    assert told == [(), ("process_gone",), (), ("process_gone",)]


def test_a_warning_names_who_was_at_work_and_what_came_before(make_report: MakeReport) -> None:
    lines: list[tuple[str, dict[str, object]]] = []
    events = Events(lambda level, _event, fields, _wall_s: lines.append((level, dict(fields))))
    sessions = {f"s{n}": Session(f"s{n}", state=SessionState.PROCESSING) for n in range(20)}
    sessions |= {"idle": Session("idle", state=SessionState.IDLE), "run": Session("run", run=Run("r"))}
    for now_s, state in ((0.0, None), (5.0, SLOW), (6.0, None), (7.0, SLOW)):
        events.on_tick(make_report(now_s, sessions=sessions, state=state))

    assert [level for level, _ in lines] == ["info", "warning", "info", "info"]
    assert lines[1][1]["in_flight"] == [f"s{n}" for n in range(8)]
    assert lines[1][1]["recently"] == ["responsive 5 s ago"]
    assert lines[2][1]["in_flight"] is None


@pytest.mark.parametrize("state", [STARTING_LATE])
def test_a_start_that_takes_too_long_is_a_warning(make_report: MakeReport, state: VitalsVerdict) -> None:
    lines: list[tuple[str, object]] = []
    events = Events(lambda level, _event, fields, _wall_s: lines.append((level, fields["reasons"])))
    events.on_tick(make_report(1.0, state=state))

    assert lines == [("warning", ["startup"])]
