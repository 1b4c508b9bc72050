"""What ticks become in metrics: measured on a real meter provider, read in memory."""

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from livewatch.probe import DropReason
from livewatch_classifiers.decision import Act, Action, Completed, Hold, OverdueHold, Reply, ReplyStatus
from livewatch_classifiers.model import Lane, Opinion, SamplerPass, Session, Snapshot, Vitals
from livewatch_classifiers.report import Dissent, TickReport, Transition
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    Disagreement,
    Gate,
    LaneKind,
    Outcome,
    Reason,
    SessionState,
    StallCause,
    VitalsReason,
    VitalsState,
)
from livewatch_exporters.attributes import DROP_REASONS
from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.metric_spec import Instrument
from livewatch_exporters.metrics import Metrics
from livewatch_exporters.trace_context import traceparent_of

MakeReport = Callable[..., TickReport]
STUCK = Verdict("s1", Attention.STUCK, Reason.ZOMBIE_RUN, "5")
STALLED = Verdict("s1", Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS, "13")
WELL = Verdict("s1", Attention.NONE, Reason.ACTIVE, "0")
ACTION = Action(ActionKind.FORCE_CLEAR, "s1", "k", "because", Reason.ZOMBIE_RUN)


class Bench:
    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.metrics = Metrics(provider.get_meter("test"), Thresholds(), interval_s=1.0)

    def points(self, name: str) -> dict[tuple[str, ...], Any]:
        """Return the points of a metric by attribute values other than the target's, in the order of their names."""
        data: Any = self._reader.get_metrics_data()
        if data is None:
            return {}
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == name]
        rows = [point for metric in found for point in metric.data.data_points]
        return {
            tuple(str(v) for k, v in sorted(row.attributes.items()) if k != "livewatch.target.name"): row
            for row in rows
        }

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the values of a metric; counters that never counted are left out."""
        counter = name in {spec.name for spec in CATALOGUE if spec.instrument is Instrument.COUNTER}
        return {key: row.value for key, row in self.points(name).items() if row.value or not counter}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_sessions_are_counted_by_state_and_attention_with_zeros(bench: Bench, make_report: MakeReport) -> None:
    sessions = {
        "s1": Session("s1", state=SessionState.PROCESSING, state_since_s=10.0, progress_s=40.0),
        "s2": Session("s2", state=None),
    }
    labels = {"s1": (Attention.STUCK, Reason.ZOMBIE_RUN)}
    bench.metrics.on_tick(make_report(100.0, sessions=sessions, labels=labels))
    active = bench.values("livewatch.session.active")
    assert active["stuck", "processing"] == 1
    assert active["none", "_OTHER"] == 1
    assert active["stalled", "idle"] == 0
    assert len(active) == 13
    assert bench.values("livewatch.session.progress_age") == {("stuck",): 60.0}
    bench.metrics.on_tick(make_report(101.0, sessions={}))
    assert ("none", "_OTHER") not in bench.values("livewatch.session.active")


def test_an_idle_session_has_no_progress_age(bench: Bench, make_report: MakeReport) -> None:
    sessions = {"s1": Session("s1", state=SessionState.IDLE, progress_s=1.0)}
    bench.metrics.on_tick(make_report(1e6, sessions=sessions, labels={"s1": (Attention.NONE, Reason.IDLE)}))
    assert bench.values("livewatch.session.progress_age") == {}


def test_queues_are_summed_by_kind_and_a_lane_that_reports_itself_wins(bench: Bench, make_report: MakeReport) -> None:
    sessions = {
        "a": Session("a", queued=2, oldest_queued_s=70.0),
        "b": Session("b", queued=1, oldest_queued_s=40.0),
        "c": Session("c", lane_kind=LaneKind.CRON, queued=9, oldest_queued_s=1.0),
        "d": Session("d", lane_kind=LaneKind.NESTED, queued=None),
        "e": Session("e", lane_kind=LaneKind.SUBAGENT, queued=0),
    }
    lanes = {"cron": Lane("cron", LaneKind.CRON, queued=3, oldest_queued_s=90.0)}
    report = make_report(100.0, sessions=sessions)
    assert report.snapshot is not None
    snapshot = Snapshot(report.snapshot.vitals, sessions, lanes)
    bench.metrics.on_tick(TickReport("gw", 100.0, 1.0, snapshot, "", report.vitals, None))
    assert bench.values("livewatch.queue.size") == {("session",): 3, ("cron",): 3, ("subagent",): 0}
    assert bench.values("livewatch.queue.oldest_age") == {("session",): 60.0, ("cron",): 10.0, ("subagent",): 0.0}


def test_a_gateway_that_cannot_be_read_is_down_and_shows_no_sessions(bench: Bench, make_report: MakeReport) -> None:
    bench.metrics.on_tick(make_report(100.0))
    assert bench.values("livewatch.target.up") == {(): 1}
    gone = VitalsVerdict(VitalsState.GONE)
    bench.metrics.on_tick(make_report(103.0, problem="no board", state=gone))
    bench.metrics.on_tick(make_report(105.0, problem="no board", state=gone))
    assert bench.values("livewatch.target.up") == {(): 0}
    assert bench.values("livewatch.session.active") == {}
    assert bench.values("livewatch.liveness.warnings") == {("process_gone",): 1}
    assert bench.values("livewatch.liveness.degraded_time") == {("process_gone",): 5.0}
    assert bench.values("livewatch.sampler.last_success_timestamp") == {("sessions",): 1_800_000_100.0}


def test_an_attention_span_is_recorded_once_with_its_worst_label(bench: Bench, make_report: MakeReport) -> None:
    act = Completed(ACTION, STUCK, Reply(ReplyStatus.DONE), Outcome.RECOVERED, 20.0, 20.0, 22.5)
    bench.metrics.on_tick(make_report(10.0, transitions=(Transition("s1", WELL, STALLED),)))
    bench.metrics.on_tick(make_report(20.0, transitions=(Transition("s1", STALLED, STUCK),)))
    bench.metrics.on_tick(make_report(30.0, transitions=(Transition("s1", STUCK, STALLED),)))
    bench.metrics.on_tick(make_report(35.0, transitions=(Transition("s1", STALLED, WELL),), completed=(act,)))
    points = bench.points("livewatch.session.attention.duration")
    assert set(points) == {("stuck", "recovered")}
    assert (points["stuck", "recovered"].count, points["stuck", "recovered"].sum) == (1, 25.0)
    done = bench.points("livewatch.recovery.duration")["force_clear", "recovered"]
    assert (done.count, done.sum) == (1, 2.5)
    transitions = bench.values("livewatch.session.transitions")
    assert transitions["stalled", "active_work_without_progress"] == 2


@pytest.mark.parametrize(
    ("after", "more", "resolution"),
    [(None, {}, "gone"), (None, {"restarted": True}, "target_restart"), (WELL, {}, "self")],
)
def test_an_attention_span_says_what_ended_it(
    bench: Bench, make_report: MakeReport, after: Verdict | None, more: dict[str, bool], resolution: str
) -> None:
    bench.metrics.on_tick(make_report(10.0, transitions=(Transition("s1", None, STUCK),)))
    bench.metrics.on_tick(make_report(12.0, transitions=(Transition("s1", STUCK, after),), **more))
    assert set(bench.points("livewatch.session.attention.duration")) == {("stuck", resolution)}


def test_a_hold_is_counted_when_it_begins_and_when_its_gate_changes(bench: Bench, make_report: MakeReport) -> None:
    def hold(gate: Gate) -> Hold:
        return Hold("s1", ActionKind.ABORT_RUN, gate, Reason.BLOCKED_TOOL_CALL)

    for second, gate in enumerate([Gate.CONFIRMED, Gate.CONFIRMED, Gate.BACKOFF, Gate.BACKOFF, Gate.CONFIRMED]):
        bench.metrics.on_tick(make_report(float(second), decisions=(hold(gate),)))
    bench.metrics.on_tick(make_report(9.0, decisions=(Act(ACTION, STUCK),)))
    assert bench.values("livewatch.recovery.decisions") == {
        ("abort_run", "confirmed"): 2,
        ("abort_run", "backoff"): 1,
        ("force_clear", "none"): 1,
    }


def test_dropped_heartbeats_are_counted_from_the_first_look_and_across_a_restart(
    bench: Bench, make_report: MakeReport
) -> None:
    def look(second: float, busy: int, *, restarted: bool = False) -> None:
        counters = {"heartbeats_dropped.lane_busy": busy, "heartbeats_dropped.strange": busy, "overflows": 99}
        bench.metrics.on_tick(make_report(second, counters=counters, restarted=restarted))

    look(1.0, 40)
    assert bench.values("livewatch.heartbeat.dropped") == {}
    look(2.0, 42)
    bench.metrics.on_tick(make_report(2.5, problem="torn"))
    look(3.0, 5, restarted=True)
    assert bench.values("livewatch.heartbeat.dropped") == {("lane_busy",): 7, ("_OTHER",): 7}


def test_the_words_for_dropped_heartbeats_are_the_probes() -> None:
    assert set(DROP_REASONS) == {reason.value for reason in DropReason}


def test_loop_time_is_split_by_utilization_and_a_standing_loop_is_active(bench: Bench, make_report: MakeReport) -> None:
    vitals = Vitals(0.0, loop_delay_max_s=0.2, loop_utilization=0.25, cpu_cores=0.5, loop_heartbeat_s=2.0)
    bench.metrics.on_tick(make_report(0.0, vitals=vitals))
    bench.metrics.on_tick(make_report(4.0, vitals=vitals))
    blocked = VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.EVENT_LOOP_DELAY,))
    standing = Vitals(6.0, loop_delay_max_s=0.2, loop_utilization=0.25, loop_heartbeat_s=2.0)
    bench.metrics.on_tick(make_report(6.0, vitals=standing, state=blocked))
    assert bench.values("livewatch.eventloop.time") == {("active",): 3.0, ("idle",): 3.0}
    assert bench.values("livewatch.target.cpu.time") == {("_OTHER",): 2.0}
    delay = bench.points("livewatch.eventloop.delay")["in_process",]
    assert (delay.count, delay.max) == (3, 4.0)
    assert bench.values("livewatch.liveness.warnings") == {("event_loop_delay",): 1}


def test_restarts_name_who_began_them(bench: Bench, make_report: MakeReport) -> None:
    restart = Action(ActionKind.RESTART_TARGET, "s1", "k2", "because", Reason.ZOMBIE_RUN)
    bench.metrics.on_tick(make_report(1.0, restarted=True))
    bench.metrics.on_tick(make_report(2.0, decisions=(Act(restart, STUCK),)))
    bench.metrics.on_tick(make_report(3.0, restarted=True))
    assert bench.values("livewatch.target.restarts") == {("external",): 1, ("livewatch",): 1}


def test_livewatch_measures_itself_and_shows_the_limits_in_force(bench: Bench, make_report: MakeReport) -> None:
    vitals = Vitals(1.0, rss_bytes=4096)
    bench.metrics.on_tick(
        make_report(
            1.0, vitals=vitals, lateness_s=0.3, tick_duration_s=2.0, sample_duration_s=0.1, longest_backoff_s=7.0
        )
    )
    assert bench.values("livewatch.sampler.overruns") == {("sessions",): 1}
    assert bench.points("livewatch.self.eventloop.delay")[()].sum == 0.3
    assert bench.points("livewatch.sampler.duration")["sessions",].sum == 0.1
    assert bench.values("livewatch.recovery.backoff") == {(): 7.0}
    assert bench.values("livewatch.target.memory.usage") == {(): 4096}
    assert bench.values("livewatch.threshold.limit") == {("warn",): 120.0, ("abort",): 360.0, ("eventloop_delay",): 1.0}


def test_a_hold_past_its_bound_is_counted_once_by_gate(bench: Bench, make_report: MakeReport) -> None:
    late = [
        OverdueHold(key, ActionKind.ABORT_RUN, Gate.BUDGET, Reason.BLOCKED_TOOL_CALL, "", 901.0, 900.0, 5.0)
        for key in ("s1", "s2")
    ]
    bench.metrics.on_tick(make_report(1.0, overdue=tuple(late), overdue_holds=tuple(late)))
    bench.metrics.on_tick(make_report(2.0, overdue=tuple(late)))
    assert bench.values("livewatch.recovery.held") == {("budget",): 2}


def test_cpu_time_is_told_by_mode_and_starts_again_with_another_process(bench: Bench, make_report: MakeReport) -> None:
    def look(second: float, user_s: float, system_s: float, *, restarted: bool = False) -> None:
        vitals = Vitals(second, cpu_user_s=user_s, cpu_system_s=system_s, cpu_cores=9.0)
        bench.metrics.on_tick(make_report(second, vitals=vitals, restarted=restarted))

    look(1.0, 50.0, 10.0)
    look(2.0, 50.5, 10.25)
    look(3.0, 0.5, 0.0, restarted=True)
    look(4.0, 1.0, 0.0)
    assert bench.values("livewatch.target.cpu.time") == {("user",): 1.0, ("system",): 0.25}


def test_a_stall_is_counted_when_it_ends_and_keeps_the_cause_that_was_found(
    bench: Bench, make_report: MakeReport
) -> None:
    def look(second: float, state: VitalsState, cause: StallCause = StallCause.UNKNOWN) -> None:
        bench.metrics.on_tick(make_report(second, state=VitalsVerdict(state, cause=cause)))

    look(1.0, VitalsState.RESPONSIVE)
    look(2.0, VitalsState.UNRESPONSIVE)
    look(4.0, VitalsState.UNRESPONSIVE, StallCause.OWN_CODE)
    look(5.0, VitalsState.UNRESPONSIVE)
    assert bench.values("livewatch.eventloop.stalls") == {}
    look(6.0, VitalsState.RESPONSIVE)
    assert bench.values("livewatch.eventloop.stalls") == {("own_code",): 1}
    assert bench.values("livewatch.eventloop.stall_time") == {("unknown",): 1.0, ("own_code",): 3.0}


def test_a_repair_in_the_histogram_points_to_its_trace(bench: Bench, make_report: MakeReport) -> None:
    traced = replace(ACTION, traceparent=traceparent_of("k"))
    done = Completed(traced, STUCK, Reply(ReplyStatus.DONE), Outcome.RECOVERED, 1.0, 2.0, 3.0)
    bench.metrics.on_tick(make_report(3.0, completed=(done,)))
    exemplars = bench.points("livewatch.recovery.duration")["force_clear", "recovered"].exemplars
    assert [f"{one.trace_id:032x}" for one in exemplars] == [traceparent_of("k").split("-")[1]]


def test_the_gateways_label_is_one_of_all(bench: Bench, make_report: MakeReport) -> None:
    bench.metrics.on_tick(make_report(1.0, state=VitalsVerdict(VitalsState.FROZEN)))
    states = bench.values("livewatch.target.state")
    assert len(states) == len(VitalsState)
    assert [state for state, value in states.items() if value] == [("frozen",)]


def test_a_look_and_an_answer_are_probes_with_the_way_they_failed(bench: Bench, make_report: MakeReport) -> None:
    late = Completed(ACTION, STUCK, Reply(ReplyStatus.TIMED_OUT), Outcome.TIMED_OUT, 20.0, 25.0, 27.0)
    passes = (SamplerPass("process", 1.0, 0.25),)
    report = make_report(1.5, completed=(late,), sample_duration_s=0.5)
    assert report.snapshot is not None
    look = Snapshot(report.snapshot.vitals, {}, passes=passes)
    bench.metrics.on_tick(replace(report, snapshot=look))
    bench.metrics.on_tick(replace(report, snapshot=look, completed=(), now_s=2.5))
    bench.metrics.on_tick(make_report(3.0, problem="no board", state=VitalsVerdict(VitalsState.GONE)))
    probes = bench.points("livewatch.probe.duration")
    counts = {key: (point.count, point.sum) for key, point in probes.items()}
    assert counts == {
        ("timeout", "rpc"): (1, 5.0),
        ("sessions",): (2, 1.0),
        ("process",): (1, 0.25),
        ("refused", "sessions"): (1, 0.0),
    }
    assert bench.values("livewatch.sampler.last_success_timestamp")["process",] == 1_800_000_001.0


def test_what_the_gateway_counts_itself_is_told_by_kind(bench: Bench, make_report: MakeReport) -> None:
    bench.metrics.on_tick(make_report(1.0))
    counters = {"contended.cron.main": 2, "contended.agent:main.session": 1, "drained.cleared": 3}
    bench.metrics.on_tick(make_report(2.0, counters=counters))
    # The attribute of the holder comes before that of the waiter.
    assert bench.values("livewatch.session.contention") == {("main", "cron"): 2, ("session", "other"): 1}
    assert bench.values("livewatch.drain.runs") == {("cleared",): 3}


def test_a_label_with_a_reason_that_does_not_go_with_it_is_other(bench: Bench, make_report: MakeReport) -> None:
    odd = Verdict("s1", Attention.STUCK, Reason.IDLE, "?")
    bench.metrics.on_tick(make_report(1.0, transitions=(Transition("s1", None, odd), Transition("s2", None, STUCK))))
    assert bench.values("livewatch.session.transitions") == {("_OTHER", "_OTHER"): 1, ("stuck", "zombie_run"): 1}


def test_counters_begin_at_zero_so_that_the_first_event_is_an_increase(bench: Bench, make_report: MakeReport) -> None:
    bench.metrics.on_tick(make_report(1.0))
    restarts = bench.points("livewatch.target.restarts")
    assert {key: point.value for key, point in restarts.items()} == {("external",): 0, ("livewatch",): 0}
    assert bench.points("livewatch.session.transitions")["stuck", "zombie_run"].value == 0
    assert bench.points("livewatch.recovery.decisions")["abort_run", "none"].value == 0


def test_an_action_begins_at_zero_once_livewatch_does_it_by_itself(bench: Bench, make_report: MakeReport) -> None:
    def kinds(metric: str) -> set[str]:
        return {key[0] for key in bench.points(metric) if key[-1] not in (Gate.CAPABILITY, Gate.MODE)}

    bench.metrics.on_tick(make_report(1.0, automatic=frozenset[ActionKind]()))
    assert kinds("livewatch.recovery.decisions") == kinds("livewatch.recovery.completed") == set()
    assert bench.points("livewatch.recovery.decisions")["abort_run", "mode"].value == 0

    bench.metrics.on_tick(make_report(2.0, automatic=frozenset({ActionKind.ABORT_RUN})))
    assert kinds("livewatch.recovery.decisions") == kinds("livewatch.recovery.completed") == {"abort_run"}
    assert bench.points("livewatch.recovery.completed")["abort_run", "recovered"].value == 0


def test_no_counter_begins_at_zero_that_can_never_rise(bench: Bench, make_report: MakeReport) -> None:
    bench.metrics.on_tick(make_report(1.0))

    assert set(bench.points("livewatch.sampler.overruns")) == {("sessions",)}
    assert (Gate.NONE,) not in bench.points("livewatch.recovery.held")
    assert ("metrics", "queue_full") not in bench.points("livewatch.telemetry.failures")


def test_every_metric_of_the_catalogue_is_produced(bench: Bench, make_report: MakeReport) -> None:
    vitals = Vitals(
        1.0, loop_delay_max_s=0.1, loop_utilization=0.5, cpu_user_s=1.0, cpu_system_s=1.0, rss_bytes=1,
        file_descriptors=3, uptime_s=4.0, memory_pressure=0.1,
    )  # fmt: skip
    session = Session("s1", state=SessionState.PROCESSING, progress_s=0.0, queued=1, oldest_queued_s=0.5)
    hold = Hold("s1", ActionKind.ABORT_RUN, Gate.CONFIRMED, Reason.BLOCKED_TOOL_CALL)
    done = Completed(ACTION, STUCK, Reply(ReplyStatus.DONE), Outcome.RECOVERED, 0.0, 0.0, 1.0)
    told = {"s1": (Attention.STUCK, Reason.ZOMBIE_RUN)}
    first = make_report(1.0, sessions={"s1": session}, labels=told, vitals=vitals)
    stalled = VitalsVerdict(VitalsState.UNRESPONSIVE, (VitalsReason.EVENT_LOOP_DELAY,))
    second = make_report(
        2.0, sessions={"s1": session}, labels=told, vitals=vitals, state=stalled, restarted=False, completed=(done,),
        counters={"heartbeats_dropped.lane_busy": 1, "contended.main.main": 1, "drained.finished": 1},
        decisions=(hold,), overdue_holds=(hold,), transitions=(Transition("s1", None, STUCK),), tick_duration_s=9.0,
    )  # fmt: skip
    third = make_report(3.0, vitals=vitals, restarted=True, transitions=(Transition("s1", STUCK, WELL),))
    for report in (first, second):
        bench.metrics.on_tick(report)
    bench.metrics.count_failure("logs", "queue_full")
    bench.metrics.count_reload("applied")
    gauges = {spec.name for spec in CATALOGUE if bench.points(spec.name)}
    bench.metrics.on_tick(third)
    assert {spec.name for spec in CATALOGUE} - gauges - {s.name for s in CATALOGUE if bench.points(s.name)} == set()


def test_disagreements_of_the_shadow_are_counted_by_kind_and_begin_at_zero(
    bench: Bench, make_report: MakeReport
) -> None:
    bench.metrics.on_tick(make_report())
    assert [row.value for row in bench.points("livewatch.shadow.disagreements").values()] == [0] * len(Disagreement)
    dissent = Dissent("s1", Disagreement.SHADOW_ACTS, "stalled/x", "abort_run")
    bench.metrics.on_tick(make_report(101.0, dissents=(dissent, dissent)))
    assert bench.values("livewatch.shadow.disagreements") == {("shadow_acts",): 2}


def test_the_gateways_own_verdicts_are_counted_once_beside_ours(bench: Bench, make_report: MakeReport) -> None:
    sick = {"s1": (Attention.STALLED, Reason.BLOCKED_TOOL_CALL)}

    def report(now_s: float, *opinions: Opinion) -> TickReport:
        made = make_report(now_s, labels=sick)
        assert made.snapshot is not None
        return dataclasses.replace(made, snapshot=dataclasses.replace(made.snapshot, opinions=opinions))

    stalled = Opinion(4, Attention.STALLED, "active_work_without_progress", 1.0)
    stuck = Opinion(5, Attention.STUCK, "stale_session_state", 2.0)
    for now_s, opinions in ((1.0, ()), (2.0, (stalled,)), (3.0, (stalled, stuck)), (4.0, (stalled, stuck))):
        bench.metrics.on_tick(report(now_s, *opinions))
    assert bench.values("livewatch.gateway.verdicts") == {("same", "stalled"): 1, ("other", "stuck"): 1}
