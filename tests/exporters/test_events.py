"""What people are told, and how often."""

import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from livewatch_classifiers.decision import Act, Action, Completed, Hold, OverdueHold, Reply, ReplyStatus
from livewatch_classifiers.model import BlockedStack, Vitals
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    Gate,
    Outcome,
    Reason,
    StallCause,
    VitalsReason,
    VitalsState,
)
from livewatch_exporters.events import Events
from livewatch_exporters.line_writer import LineWriter
from livewatch_exporters.log import Log
from livewatch_exporters.redaction import HIDDEN, redact
from livewatch_exporters.telemetry_settings import LogFormat, LogLevel

MakeReport = Callable[..., TickReport]
STUCK = Verdict("s1", Attention.STUCK, Reason.ZOMBIE_RUN, "5", evidence=(("progress_age_s", 31.5),))
WELL = Verdict("s1", Attention.NONE, Reason.ACTIVE, "0")
ACTION = Action(ActionKind.FORCE_CLEAR, "s1", "k", "zombie for 31 s, rule 5", Reason.ZOMBIE_RUN, run_id="r1")


class Told:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.events = Events(self._say)

    def _say(self, level: str, event: str, fields: Mapping[str, object], _wall_s: float | None) -> None:
        self.lines.append((level, event, dict(fields)))

    def after(self, report: TickReport) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what this tick made the listener say, without the gateway's first state."""
        self.lines.clear()
        self.events.on_tick(report)
        return [line for line in self.lines if line[1] != "livewatch.target.state"]


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_label_is_told_when_it_comes_and_when_it_goes_and_not_between(told: Told, make_report: MakeReport) -> None:
    assert told.after(make_report(0.0, transitions=(Transition("s1", None, WELL),))) == []
    ((level, event, fields),) = told.after(make_report(1.0, transitions=(Transition("s1", WELL, STUCK),)))
    assert (level, event, fields["session"]) == ("error", "livewatch.session.attention", "s1")
    assert fields["evidence"] == {"progress_age_s": 31.5}
    assert told.after(make_report(2.0)) == []
    ((level, event, fields),) = told.after(make_report(3.0, transitions=(Transition("s1", STUCK, WELL, 2.0),)))
    assert (level, event, fields["held_s"], fields["gone"]) == ("info", "livewatch.session.resolved", 2.0, None)
    gone = told.after(make_report(4.0, transitions=(Transition("s1", STUCK, None, 2.0),)))
    assert gone[0][2]["gone"] is True
    assert told.after(make_report(5.0, transitions=(Transition("s1", WELL, None),))) == []


def test_an_unchanged_sick_session_is_mentioned_ever_more_rarely(told: Told, make_report: MakeReport) -> None:
    label = {"s1": (Attention.STUCK, Reason.ZOMBIE_RUN)}
    told.after(make_report(0.0, labels=label, transitions=(Transition("s1", None, STUCK),)))
    mentioned = [second for second in range(1, 1000) if told.after(make_report(float(second), labels=label))]
    assert mentioned == [60, 180, 420, 900]
    told.after(make_report(1000.0, transitions=(Transition("s1", STUCK, WELL),)))
    assert told.after(make_report(9000.0, labels=label)) == []


def test_a_long_running_session_is_told_once(told: Told, make_report: MakeReport) -> None:
    slow = Verdict("s1", Attention.LONG_RUNNING, Reason.ACTIVE_WORK, "14")
    label = {"s1": slow.label}
    first = told.after(make_report(0.0, labels=label, transitions=(Transition("s1", None, slow),)))
    assert [level for level, _, _ in first] == ["info"]
    assert told.after(make_report(9000.0, labels=label)) == []


def test_a_hold_is_told_when_its_gate_changes_and_again_after_it_was_gone(told: Told, make_report: MakeReport) -> None:
    def gates(second: float, *decisions: Hold) -> list[str]:
        return [fields["gate"] for _, _, fields in told.after(make_report(second, decisions=decisions))]

    backoff = Hold("s1", ActionKind.ABORT_RUN, Gate.BACKOFF, Reason.BLOCKED_TOOL_CALL, until_s=9.0)
    budget = Hold("s1", ActionKind.ABORT_RUN, Gate.BUDGET, Reason.BLOCKED_TOOL_CALL)
    assert gates(1.0, backoff) == ["backoff"]
    assert gates(2.0, backoff) == []
    assert told.after(make_report(2.5, problem="torn")) == []
    assert gates(3.0, budget) == ["budget"]
    assert gates(4.0) == []
    assert gates(5.0, budget) == ["budget"]


def test_a_hold_past_its_bound_is_told_to_a_person_and_so_is_its_end(told: Told, make_report: MakeReport) -> None:
    late = OverdueHold("s1", ActionKind.ABORT_RUN, Gate.BUDGET, Reason.BLOCKED_TOOL_CALL, "used up", 901.0, 900.0, 5.0)
    ((level, event, fields),) = told.after(make_report(1.0, overdue=(late,), overdue_holds=(late,)))
    assert (level, event) == ("error", "livewatch.recovery.held")
    assert (fields["gate"], fields["held_s"], fields["bound_s"]) == ("budget", 901.0, 900.0)
    assert told.after(make_report(2.0, overdue=(late,))) == []
    ((level, event, fields),) = told.after(make_report(3.0, overdue_ended=(late,)))
    assert (level, event, fields["gate"]) == ("info", "livewatch.recovery.held_ended", "budget")


def test_an_action_and_its_outcome_are_told_with_their_cause(told: Told, make_report: MakeReport) -> None:
    ((level, event, fields),) = told.after(make_report(1.0, decisions=(Act(ACTION, STUCK),)))
    assert (level, event) == ("warning", "livewatch.recovery.action")
    assert (fields["action"], fields["cause"], fields["run"]) == ("force_clear", ACTION.cause, "r1")
    failed = Completed(ACTION, STUCK, Reply(ReplyStatus.FAILED, "no such run"), Outcome.FAILED, 1.0, 1.0, 3.0)
    ((level, event, fields),) = told.after(make_report(3.0, completed=(failed,)))
    assert (level, event, fields["outcome"]) == ("error", "livewatch.recovery.completed", "failed")
    assert (fields["detail"], fields["took_s"]) == ("no such run", 2.0)


def test_the_gateways_state_is_told_when_it_changes_with_cause_and_place(told: Told, make_report: MakeReport) -> None:
    blocked = VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.EVENT_LOOP_DELAY,), StallCause.OWN_CODE)
    stack = BlockedStack(1.0, 1, "app.py:1 main\napp.py:77 parse_all\n")
    reports = [
        make_report(0.0),
        make_report(1.0, vitals=Vitals(1.0, stack=stack), state=blocked),
        make_report(2.0, vitals=Vitals(2.0, stack=stack), state=blocked),
        make_report(3.0, vitals=Vitals(3.0, stack=stack)),
        make_report(4.0, problem="the board is gone: start the gateway", state=VitalsVerdict(VitalsState.GONE)),
        make_report(5.0, restarted=True),
    ]
    for report in reports:
        told.events.on_tick(report)
    states = [line for line in told.lines if line[1] == "livewatch.target.state"]
    assert [(level, f["state"], f["before"]) for level, _, f in states] == [
        ("info", "responsive", None),
        ("error", "unresponsive", "responsive"),
        ("info", "responsive", "unresponsive"),
        ("error", "gone", "responsive"),
        ("info", "responsive", "gone"),
    ]
    assert (states[1][2]["cause"], states[1][2]["blocked_at"]) == ("own_code", "app.py:77 parse_all")
    assert states[2][2]["blocked_at"] is None
    assert states[3][2]["problem"] == "the board is gone: start the gateway"
    assert [(level, f["pid"]) for level, event, f in told.lines if event == "livewatch.target.restarted"] == [
        ("warning", 7)
    ]


def test_dropped_heartbeats_are_told_with_reason_and_number(told: Told, make_report: MakeReport) -> None:
    told.after(make_report(0.0, counters={"heartbeats_dropped.lane_busy": 4}))
    ((level, event, fields),) = told.after(make_report(1.0, counters={"heartbeats_dropped.lane_busy": 6}))
    assert (level, event) == ("warning", "livewatch.heartbeat.dropped")
    assert (fields["reason"], fields["count"]) == ("lane_busy", 2)
    assert told.after(make_report(2.0, counters={"heartbeats_dropped.lane_busy": 6})) == []


def test_heartbeats_that_are_dropped_every_second_are_one_line_a_minute(told: Told, make_report: MakeReport) -> None:
    told.after(make_report(0.0, counters={"heartbeats_dropped.lane_busy": 0}))
    counts: list[object] = []
    for second in range(1, 125):
        lines = told.after(make_report(float(second), counters={"heartbeats_dropped.lane_busy": 2 * second}))
        counts += [fields["count"] for _, event, fields in lines if event == "livewatch.heartbeat.dropped"]

    assert counts == [2, 120, 120]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO, *, log_format: LogFormat = LogFormat.AUTO, no_colour: bool = False, **f: Any) -> str:
    log = Log(stream, log_format, {"NO_COLOR": "1"} if no_colour else {})
    log.say("warning", "livewatch.test", f, 1_800_000_000.25)
    log.close(10.0)
    return stream.getvalue()


def test_a_line_is_json_with_the_moment_in_utc_and_the_plain_session_key() -> None:
    line = json.loads(written(io.StringIO(), session="agent:main:töst", absent=None))
    assert line == {
        "timestamp": "2027-01-15T08:00:00.250+00:00",
        "level": "warning",
        "event": "livewatch.test",
        "session": "agent:main:töst",
    }


def test_on_a_terminal_lines_are_readable_and_coloured_unless_told_otherwise() -> None:
    assert "\x1b[" in written(Terminal(), session="s1")
    plain = written(Terminal(), no_colour=True, session="s1")
    assert "\x1b" not in plain
    assert "session=s1" in plain
    assert written(Terminal(), log_format=LogFormat.JSON, session="s1").startswith("{")
    assert "\x1b" not in written(io.StringIO(), log_format=LogFormat.TEXT, session="s1")


@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.TEXT])
def test_a_name_from_outside_can_neither_fake_a_line_nor_move_the_cursor(log_format: LogFormat) -> None:
    text = written(io.StringIO(), log_format=log_format, session="s1\n2026 error fake\x1b[2J\u2028\x9b")
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


SECRETS = [
    ({"detail": "called with Authorization: Bearer abcdef.ghi-123"}, "abcdef.ghi-123"),
    ({"cause": "model refused sk-proj-AbC123456789"}, "AbC123456789"),
    ({"url": "https://user:hunter2@host/path"}, "hunter2"),
    ({"url": "https://only-a-token@host/path"}, "only-a-token"),
    ({"detail": "GET /v1?api_key=zzz999&x=1"}, "zzz999"),
    ({"detail": "password: opensesame"}, "opensesame"),
    ({"detail": {"headers": {"Authorization": "opaque-value"}}}, "opaque-value"),
    ({"gatewayToken": "opaque-value"}, "opaque-value"),
    ({"clientSecret": "opaque-value"}, "opaque-value"),
    ({"OPENAI_API_KEY": "opaque-value"}, "opaque-value"),
    ({"items": [{"password": "opaque-value"}, "Basic dXNlcjpwYXNz"]}, "opaque-value"),
    ({"items": ["Basic dXNlcjpwYXNz"]}, "dXNlcjpwYXNz"),
    ({"set-cookie": "opaque-value"}, "opaque-value"),
]


@pytest.mark.parametrize(("fields", "secret"), SECRETS)
@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.TEXT])
def test_a_secret_never_comes_out(fields: dict[str, Any], secret: str, log_format: LogFormat) -> None:
    text = written(io.StringIO(), log_format=log_format, **fields)
    assert secret not in text
    assert HIDDEN in text


@pytest.mark.parametrize(
    "fields",
    [
        {"session": "agent:main:token-counter", "tokens_per_s": 4, "reason": "basic_check", "key": "agent:main"},
        {"url": "http://127.0.0.1:9464/metrics", "detail": "bearer of news", "author": "me", "detail2": "user@host"},
    ],
)
def test_what_is_no_secret_stays(fields: dict[str, Any]) -> None:
    assert redact(fields) == fields


def test_an_unread_pipe_holds_up_nobody_and_what_is_lost_is_counted() -> None:
    class Stuck(io.StringIO):
        released = threading.Event()

        def write(self, text: str) -> int:
            self.released.wait(20.0)
            return super().write(text)

    stream = Stuck()
    writer = LineWriter(stream)
    began_s = time.monotonic()
    kept = sum(writer.write(lambda: "line") for number in range(5000))
    writer.close(0.1)
    assert time.monotonic() - began_s < 5.0
    assert writer.dropped == 5000 - kept > 0
    stream.released.set()
    writer.close(20.0)
    assert stream.getvalue().count("\n") == kept


@pytest.mark.parametrize(
    ("level", "written"),
    [(LogLevel.DEBUG, 4), (LogLevel.INFO, 3), (LogLevel.WARNING, 2), (LogLevel.ERROR, 1)],
)
def test_lines_below_the_level_are_not_written_and_still_exported(level: LogLevel, written: int) -> None:
    stream, exported = io.StringIO(), list[str]()
    log = Log(stream, LogFormat.JSON, {}, level=level)
    log.also = lambda said, _event, _fields, _moment: exported.append(said)
    for said in ("debug", "info", "warning", "error"):
        log.say(said, "an.event", {})
    log.close(10.0)

    assert len(stream.getvalue().splitlines()) == written
    assert exported == ["debug", "info", "warning", "error"]
