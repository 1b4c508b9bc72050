import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState
from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.frame import frame
from livewatch.demo.json_view import JsonView
from livewatch.demo.live_view import LiveView
from livewatch.demo.picture_view import PictureView, picture
from livewatch.demo.plain_view import PlainView
from livewatch.demo.watcher import Watcher
from livewatch_classifiers.model import Snapshot, Vitals
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import Attention, Reason, Remedy, VitalsState

WIDTH = 104


@pytest.fixture
def state() -> DemoState:
    records = [FaultRecord(f, None if f is Fault.BLOCKED_LOOP else f.value) for f in Fault]
    watcher = Watcher(records)
    records[0].injected_s = 1.0
    zombie = Verdict(
        "zombie_run",
        Attention.STUCK,
        Reason.ZOMBIE_RUN,
        "5",
        remedy=Remedy.FORCE_CLEAR,
        due_in_s=0.5,
        evidence=(("silence_s", 3.2),),
    )
    watcher.on_tick(
        TickReport(
            target="t",
            now_s=4.5,
            wall_s=0.0,
            snapshot=Snapshot(Vitals(now_s=4.5, loop_delay_max_s=0.012), {}),
            problem="",
            vitals=VitalsVerdict(VitalsState.RESPONSIVE),
            vitals_before=None,
            verdicts={zombie.key: zombie},
        )
    )
    return DemoState("faults appear", 4.0, 5.0, records, watcher, 52, 99, 3)


def _result(state: DemoState, **changes: int) -> DemoResult:
    numbers = {"messages_lost": 0, "messages_duplicated": 0, "healthy_turns_failed": 0} | changes
    return DemoResult(
        faults=state.records,
        false_actions=[],
        false_blames=[],
        healthy_sessions=52,
        healthy_turns_completed=99,
        messages_sent=120,
        heartbeats=7,
        heartbeats_dropped={"lane_busy": 2},
        duration_s=42.0,
        **numbers,
    )


def _drawn(state: DemoState) -> str:
    console = Console(file=io.StringIO(), width=WIDTH, record=True)
    console.print(frame(state))
    return console.export_text()


def test_the_picture_names_session_label_age_and_what_is_being_done(state: DemoState) -> None:
    lines = _drawn(state).splitlines()
    row = next(line for line in lines if line.strip().startswith("zombie_run"))
    for part in ("stuck  zombie_run", "3.2 s", "force_clear in 500 ms"):
        assert part in row
    assert "loop delay 12 ms  responsive" in lines[1]
    assert all(len(line) <= WIDTH for line in lines)


def test_no_expected_label_is_cut_off(state: DemoState) -> None:
    for record in state.records:
        record.injected_s, record.detected_s = 1.0, 2.0
        record.attention = record.expected.attention or record.attention
        record.reason = record.expected.reason or record.reason
    drawn = _drawn(state)
    for record in state.records:
        assert record.expected.title in drawn
        assert record.reason in drawn


def test_the_exported_picture_loads_nothing_from_elsewhere(state: DemoState) -> None:
    svg = picture(state)
    assert svg.startswith("<svg")
    assert "zombie_run" in svg
    assert "@font-face" not in svg
    assert "url(http" not in svg


def test_the_picture_that_is_kept_is_the_one_with_most_to_see(state: DemoState, tmp_path: Path) -> None:
    path = tmp_path / "img" / "demo.svg"
    view = PictureView(PlainView(io.StringIO()), path)
    state.records[0].detected_s = 4.5
    view.refresh(state)
    state.records[0].recovered_s = 6.0
    view.refresh(state)
    view.finish(_result(state))
    assert "force_clear" in path.read_text(encoding="utf-8")


def test_plain_lines_tell_each_event_once(state: DemoState) -> None:
    stream = io.StringIO()
    view = PlainView(stream)
    record = state.records[0]
    for _ in range(2):
        view.refresh(state)
    record.detected_s, record.attention, record.reason = 4.5, "stuck", "zombie_run"
    for _ in range(2):
        view.refresh(state)
    assert [line.split("s  ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "-- faults appear",
        "zombie_run           begins: run that ignores its abort",
        "zombie_run           stuck / zombie_run",
    ]


def test_a_live_view_without_colour_writes_no_colours(state: DemoState) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=WIDTH, height=40, no_color=True)
    view = LiveView(console)
    view.refresh(state)
    view.finish(_result(state))
    view.close()
    assert "stuck" in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()


@pytest.mark.parametrize("loss", ["messages_lost", "messages_duplicated", "healthy_turns_failed"])
def test_any_loss_makes_the_whole_demonstration_fail(state: DemoState, loss: str) -> None:
    assert _result(state).ok
    assert not _result(state, **{loss: 1}).ok
    state.records[3].problem = "never judged"
    assert not _result(state).ok


def test_the_document_has_every_field_that_scripts_rely_on(state: DemoState) -> None:
    stream = io.StringIO()
    JsonView(stream).finish(_result(state))
    document = json.loads(stream.getvalue())
    assert {"false_actions", "messages_lost", "healthy_turns_completed", "faults", "ok"} <= document.keys()
    assert [fault["name"] for fault in document["faults"]] == [fault.value for fault in Fault]
    wanted = "name session attention reason detected_after_s action outcome recovered_after_s"
    assert set(wanted.split()) <= document["faults"][0].keys()
