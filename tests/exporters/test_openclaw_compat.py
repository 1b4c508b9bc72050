"""OpenClaw's names in both dialects, as a scrape shows them."""

import io
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import Activity, Delta, Session, Vitals
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import (
    ActionKind,
    ActivityKind,
    Attention,
    LaneKind,
    Outcome,
    Reason,
    SessionState,
    VitalsReason,
    VitalsState,
)
from livewatch_exporters import openclaw_names
from livewatch_exporters.cardinality import LIMIT
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import CompatMode, TelemetrySettings, check_prefix

MakeReport = Callable[..., TickReport]
STUCK = Verdict("s", Attention.STUCK, Reason.STALE_SESSION_STATE, "16")
STALLED = Verdict("t", Attention.STALLED, Reason.BLOCKED_TOOL_CALL, "9")
ACTION = Action(ActionKind.ABORT_RUN, "s", "k", "because", Reason.STALE_SESSION_STATE)


def scraped(make_report: MakeReport, mode: CompatMode, **settings: str) -> dict[str, float]:
    """Return the page of an agent that saw one stuck session repaired, by name and labels."""
    vitals = Vitals(
        200.0, loop_delay_max_s=2.5, loop_delay_p99_s=1.5, loop_utilization=0.97, cpu_cores=0.8, rss_bytes=1 << 27
    )
    working = Session(
        "s",
        state=SessionState.PROCESSING,
        state_since_s=20.0,
        progress_s=50.0,
        activity=Activity(ActivityKind.TOOL_CALL),
        queued=2,
        oldest_queued_s=140.0,
        lane_kind=LaneKind.MAIN,
    )
    sessions = {"s": working, "t": Session("t", state=SessionState.PROCESSING)}
    labels = {"s": STUCK.label, "t": STALLED.label}
    done = Completed(ACTION, STUCK, Reply(ReplyStatus.DONE), Outcome.RECOVERED, 200.0, 200.0, 201.0)
    degraded = VitalsVerdict(VitalsState.DEGRADED, (VitalsReason.EVENT_LOOP_DELAY,))
    idle = {"s": Session("s", state=SessionState.IDLE), "t": Session("t", state=SessionState.PROCESSING)}
    reports = (
        make_report(199.0, sessions=idle),
        make_report(
            200.0,
            sessions=sessions,
            labels=labels,
            vitals=vitals,
            state=degraded,
            transitions=(Transition("s", None, STUCK), Transition("t", None, STALLED)),
            decisions=(Act(ACTION, STUCK),),
        ),
        make_report(201.0, sessions=sessions, labels=labels, vitals=vitals, state=degraded, completed=(done,)),
    )
    return page_after(reports, mode, **settings)


def page_after(reports: Iterable[TickReport], mode: CompatMode, **settings: str) -> dict[str, float]:
    """Return the page of an agent after these rounds, by name and labels."""
    wanted = TelemetrySettings("gw", metrics_listen="127.0.0.1:0", compat_openclaw=mode, **settings)  # type: ignore[arg-type] -- a test's shorthand
    telemetry = Telemetry.start(wanted, {}, stream=io.StringIO())
    try:
        for report in reports:
            for listener in telemetry.listeners:
                listener.on_tick(report)
        assert telemetry.prometheus_url is not None
        with urllib.request.urlopen(telemetry.prometheus_url, timeout=20.0) as answer:
            lines = answer.read().decode().splitlines()
    finally:
        telemetry.shutdown()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_without_it_nothing_has_openclaws_names(make_report: MakeReport) -> None:
    assert not [name for name in scraped(make_report, CompatMode.OFF) if name.startswith("openclaw")]


def test_the_otlp_dialect_is_what_a_collector_shows(make_report: MakeReport) -> None:
    page = scraped(make_report, CompatMode.OTLP)
    assert page['openclaw_session_stuck_total{openclaw_state="processing"}'] == 1
    assert page['openclaw_session_stuck_age_ms_milliseconds_sum{openclaw_state="processing"}'] == 150_000
    assert page['openclaw_session_stuck_age_ms_milliseconds_bucket{le="120000.0",openclaw_state="processing"}'] == 0
    assert page['openclaw_session_stuck_age_ms_milliseconds_bucket{le="300000.0",openclaw_state="processing"}'] == 1
    about = (
        'openclaw_action="abort_embedded_run",openclaw_active_work_kind="tool_call",'
        'openclaw_reason="stale_session_state",openclaw_state="processing"'
    )
    assert page[f"openclaw_session_recovery_requested_total{{{about}}}"] == 1
    completed = about.replace('openclaw_state="processing"', 'openclaw_state="processing",openclaw_status="aborted"')
    assert page[f"openclaw_session_recovery_completed_total{{{completed}}}"] == 1
    assert page['openclaw_liveness_warning_total{openclaw_liveness_reason="event_loop_delay"}'] == 1
    delay = 'openclaw_liveness_event_loop_delay_max_ms_milliseconds_sum{openclaw_liveness_reason="event_loop_delay"}'
    assert page[delay] == 2500
    assert page["openclaw_gateway_event_loop_observed_ms_milliseconds_total"] == 2000
    assert page['openclaw_queue_wait_ms_milliseconds_sum{openclaw_lane="main"}'] == 120_000
    assert page["openclaw_memory_rss_bytes_count"] == 2
    state = 'openclaw_session_state_total{openclaw_reason="stale_session_state",openclaw_state="processing"}'
    assert page[state] == 1


def test_a_change_of_state_counts_in_whichever_set_of_the_delta_it_is_told(make_report: MakeReport) -> None:
    keys = ("changed", "renewed", "told by nobody")
    first = {key: Session(key, state=SessionState.WAITING) for key in keys}
    second = {key: Session(key, state=SessionState.PROCESSING) for key in keys}
    delta = Delta(first, frozenset({"changed"}), renewed=frozenset({"renewed"}))
    before, after = make_report(1.0, sessions=first), make_report(2.0, sessions=second)
    assert after.snapshot is not None
    after = replace(after, snapshot=replace(after.snapshot, delta=delta))
    page = page_after((before, after), CompatMode.OTLP)
    assert [value for name, value in page.items() if name.startswith("openclaw_session_state_total")] == [2]


def test_the_prometheus_dialect_is_what_openclaws_own_endpoint_shows(make_report: MakeReport) -> None:
    page = scraped(make_report, CompatMode.PROMETHEUS)
    why = 'reason="stale_session_state",state="processing"'
    assert page[f"openclaw_session_stuck_total{{{why}}}"] == 1
    assert page[f"openclaw_session_stuck_age_seconds_sum{{{why}}}"] == 150
    about = 'action="abort_embedded_run",active_work_kind="tool_call",state="processing",status='
    assert page[f'openclaw_session_recovery_total{{{about}"requested"}}'] == 1
    assert page[f'openclaw_session_recovery_total{{{about}"aborted"}}'] == 1
    assert page['openclaw_liveness_event_loop_utilization_ratio_count{reason="event_loop_delay"}'] == 1
    assert page["openclaw_gateway_event_loop_delay_max_seconds_sum"] == 5.0
    assert page["openclaw_gateway_event_loop_observed_seconds_total"] == 2.0
    assert page['openclaw_queue_lane_size{lane="main"}'] == 2
    assert page['openclaw_memory_bytes{kind="rss"}'] == 1 << 27


@pytest.mark.parametrize("dialect", [openclaw_names.otlp(), openclaw_names.prometheus()])
def test_no_metric_of_a_dialect_can_have_too_many_points_by_kind_of_work(dialect: openclaw_names.Dialect) -> None:
    # What a recovery is about has many sets in theory; the limit of the SDK holds for them as for all others.
    assert all(spec.points_max <= LIMIT or "recovery" in spec.name for spec in dialect.specs)


def test_a_prefix_replaces_ours_and_leaves_attributes_and_openclaws_names_alone(make_report: MakeReport) -> None:
    page = scraped(make_report, CompatMode.PROMETHEUS, metric_prefix="acme.watch.")
    assert page['acme_watch_target_up{livewatch_target_name="gw"}'] == 1
    assert any(name.startswith("openclaw_session_stuck_total") for name in page)
    assert not [name for name in page if name.startswith("livewatch_")]


@pytest.mark.parametrize("prefix", ["", "a", "acme/x-y_z.", "A" + "b" * 127])
def test_such_prefixes_are_possible(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["1a", ".a", "a b", "é", "a" * 129])
def test_such_prefixes_are_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="metric_prefix"):
        check_prefix(prefix)
