"""Exports what a demonstration of a minute cannot show: faults that need hours, a second livewatch, or luck.

The exporters are the real ones; only the reports that they are told are made up. ``provoker.py PORT PORT``: the first
page tells of one sick gateway whose minutes are seconds, the second of too many gateways.
"""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator

from livewatch_classifiers.decision import Act, Action, Completed, Hold, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, Opinion, Session, Snapshot, Vitals
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
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetrySettings

TICK_S = 0.5
MINUTE_S = 60.0
STALE_S = 300.0
"""The provoked livewatch looked last this long ago, as one that hangs."""
MANY = 400
STUCK = Verdict("s", Attention.STUCK, Reason.ZOMBIE_RUN, "5")
STALLED = Verdict("s", Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS, "13")
WELL = Verdict("s", Attention.NONE, Reason.ACTIVE, "17")
SLOW = Verdict("s", Attention.LONG_RUNNING, Reason.ACTIVE_WORK, "14")
HOLD = Hold("s", ActionKind.ABORT_RUN, Gate.QUARANTINE, Reason.ZOMBIE_RUN)


def sick_reports() -> Iterator[TickReport]:
    """Yield the reports of a gateway on which everything goes wrong, one minute apart."""
    for number in range(1, 100_000):
        yield _report(number)


def _report(number: int) -> TickReport:
    now_s, odd = number * MINUTE_S, number % 2 == 1
    state = VitalsState.UNRESPONSIVE if number % 4 else VitalsState.DEGRADED
    vitals = Vitals(
        now_s,
        loop_heartbeat_s=now_s - 20.0,
        loop_delay_max_s=5.0,
        loop_utilization=0.9,
        cpu_user_s=0.8 * now_s,
        cpu_system_s=0.1 * now_s,
        rss_bytes=400_000_000 + number * 100_000,
        file_descriptors=100 + number,
        uptime_s=now_s,
        memory_pressure=0.3,
        io_pressure=0.2,
    )
    sessions = {
        name: Session(name, state=SessionState.PROCESSING, progress_s=now_s - 1500.0, lane_kind=LaneKind.MAIN)
        for name in ("s", "t", "u")
    }
    sessions["q"] = Session("q", lane_kind=LaneKind.MAIN, queued=3, oldest_queued_s=now_s - 900.0)
    counted = ("heartbeats_dropped.run_active", "contended.cron.main", "drained.cleared", "drained.finished")
    before, after = (STUCK, WELL) if odd else (WELL, STUCK)
    action = Action(tuple(ActionKind)[number % 4], "s", f"k{number}", "provoked", Reason.ZOMBIE_RUN)
    outcome = (Outcome.FAILED, Outcome.INEFFECTIVE, Outcome.RECOVERED)[number % 3]
    status = (ReplyStatus.DONE, ReplyStatus.TIMED_OUT, ReplyStatus.FAILED)[number % 3]
    done = Completed(action, STUCK, Reply(status), outcome, now_s - 4.0, now_s - 3.0, now_s)
    return TickReport(
        target="provoked",
        now_s=now_s,
        wall_s=time.time() - STALE_S,
        snapshot=Snapshot(
            vitals,
            sessions,
            identity=GatewayIdentity(1, "x"),
            counters=dict.fromkeys(counted, number),
            opinions=(Opinion(number, (Attention.STALLED, Attention.STUCK)[odd], "provoked", now_s),),
        ),
        problem="",
        vitals=VitalsVerdict(state, (VitalsReason.EVENT_LOOP_DELAY,), StallCause.OWN_CODE),
        vitals_before=None,
        verdicts={"s": STUCK, "t": STALLED, "u": SLOW},
        transitions=(Transition("s", before, after, MINUTE_S),),
        decisions=(Act(action, STUCK), HOLD) if odd else (),
        completed=(done,),
        dissents=(Dissent("s", tuple(Disagreement)[number % 2], "stalled/x", "abort_run"),),
        restarted=number % 10 == 0,
        overdue_holds=(HOLD,) if odd else (),
        health_penalty=3,
        budget_remaining=0 if number % 8 < 4 else 5,
        longest_backoff_s=120.0,
        sample_duration_s=0.2,
        tick_duration_s=2.0,
        lateness_s=0.4,
        may_act=False,  # and nobody else holds the lease
    )


def too_many() -> Iterator[TickReport]:
    """Yield the reports of more gateways than one livewatch may have."""
    for number in range(1, 100_000):
        snapshot = Snapshot(Vitals(float(number)), {})
        yield TickReport(
            target=f"gateway-{number % MANY}",
            now_s=float(number),
            wall_s=time.time(),
            snapshot=snapshot,
            problem="",
            vitals=VitalsVerdict(VitalsState.RESPONSIVE),
            vitals_before=None,
            restarted=True,
            budget_remaining=10,
        )


def main(first: str, second: str) -> None:
    """Export until standard input is closed."""
    # Nobody listens there: exports of the provoked livewatch fail, as with a collector that is down.
    os.environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_METRIC_EXPORT_INTERVAL": "2000"}
    os.environ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "500"
    log = io.StringIO()
    sick = Telemetry.start(TelemetrySettings("provoked", metrics_listen=f"127.0.0.1:{first}"), stream=log)
    many = Telemetry.start(TelemetrySettings("gateway-0", metrics_listen=f"127.0.0.1:{second}"), {}, stream=log)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    reports, crowd = sick_reports(), too_many()
    turn = 0
    while not ended.wait(TICK_S):
        turn += 1
        if turn % 8 == 0:
            if turn % 16:
                many.reloaded(Thresholds())  # one that is applied ends the alert on those that were rejected
            else:
                sick.reload_rejected("provoked")
        for telemetry, report in ((sick, next(reports)), *((many, next(crowd)) for _ in range(20))):
            for listener in telemetry.listeners:
                listener.on_tick(report)
    sick.shutdown()
    many.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
