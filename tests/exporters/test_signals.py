"""Traces and log events over a real wire, and what a collector that is away costs."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Outcome, Reason
from livewatch_exporters.otlp_environment import OtlpEnvironment
from livewatch_exporters.resource import SCHEMA_URL
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings
from livewatch_exporters.trace_context import traceparent_of

MakeReport = Callable[..., TickReport]
DEADLINE_S = 20.0
STUCK = Verdict("agent:main", Attention.STUCK, Reason.ZOMBIE_RUN, "5", evidence=(("silence_s", 31.5),))
ACTION = Action(
    ActionKind.FORCE_CLEAR, "agent:main", "k", "because", Reason.ZOMBIE_RUN, traceparent=traceparent_of("k")
)
DONE = Completed(ACTION, STUCK, Reply(ReplyStatus.DONE), Outcome.RECOVERED, 100.0, 100.5, 102.0)


class Collector:
    """Keeps what is posted, by path; answers as it is told."""

    def __init__(self) -> None:
        self.received: dict[str, Queue[bytes]] = {}
        self.status = 200
        self._silent = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.queue(self.path).put(body)
                if outer.status == 0:
                    outer._silent.wait(DEADLINE_S)
                self.send_response(outer.status or 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def queue(self, path: str) -> "Queue[bytes]":
        return self.received.setdefault(path, Queue())

    def close(self) -> None:
        self._silent.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url)
    yield made
    made.close()


def run(telemetry: Telemetry, make_report: MakeReport) -> None:
    reports = (
        make_report(100.0, transitions=(Transition("agent:main", None, STUCK),), decisions=(Act(ACTION, STUCK),)),
        make_report(102.0, completed=(DONE,)),
    )
    for report in reports:
        for listener in telemetry.listeners:
            listener.on_tick(report)


def test_a_recovery_reaches_the_collector_as_one_trace(collector: Collector, make_report: MakeReport) -> None:
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=stream)
    assert telemetry.traced
    run(telemetry, make_report)
    telemetry.shutdown()
    request = ExportTraceServiceRequest.FromString(collector.queue("/v1/traces").get(timeout=DEADLINE_S))
    spans = [span for r in request.resource_spans for scope in r.scope_spans for span in scope.spans]
    assert len(spans) == 5
    assert {span.trace_id.hex() for span in spans} == {traceparent_of("k").split("-")[1]}
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    acted = next(line for line in told if line["event"] == "livewatch.recovery.action")
    assert acted["trace_id"] == spans[0].trace_id.hex()


def test_logs_and_traces_lead_to_each_other_and_say_who_speaks(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=io.StringIO())
    run(telemetry, make_report)
    telemetry.shutdown()
    traces = ExportTraceServiceRequest.FromString(collector.queue("/v1/traces").get(timeout=DEADLINE_S))
    logs = ExportLogsServiceRequest.FromString(collector.queue("/v1/logs").get(timeout=DEADLINE_S))
    metrics = ExportMetricsServiceRequest.FromString(collector.queue("/v1/metrics").get(timeout=DEADLINE_S))
    spans = {span.name: span for r in traces.resource_spans for scope in r.scope_spans for span in scope.spans}
    events = {e.event_name: e for r in logs.resource_logs for scope in r.scope_logs for e in scope.log_records}

    acts = spans["livewatch.act"]
    for name in ("livewatch.recovery.action", "livewatch.recovery.completed"):
        assert (events[name].trace_id, events[name].span_id) == (acts.trace_id, acts.span_id)
        assert "livewatch.trace_id" not in {attribute.key for attribute in events[name].attributes}
    assert events["livewatch.recovery.action"].severity_text == "WARN"
    assert all(name.startswith("livewatch.") for name in spans)
    for group in (traces.resource_spans[0], logs.resource_logs[0], metrics.resource_metrics[0]):
        names = ("scope_spans", "scope_logs", "scope_metrics")
        (scope,) = next(getattr(group, name) for name in names if hasattr(group, name))
        attributes = {attribute.key: attribute.value.string_value for attribute in group.resource.attributes}
        assert scope.scope.version == attributes["service.version"]
        assert scope.schema_url == group.schema_url == SCHEMA_URL
        assert attributes["telemetry.sdk.name"] == "opentelemetry"
        assert attributes["telemetry.sdk.language"] == "python"
        assert attributes["telemetry.sdk.version"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "'otlp' exports nothing without OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, "--metrics-listen"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER='zipkin' is not supported; write otlp or none"),
        ({"OTEL_EXPORTER_PROMETHEUS_PORT": "9464"}, "OTEL_EXPORTER_PROMETHEUS_PORT is not read"),
        ({"OTEL_CONFIG_FILE": "/otel.yaml"}, "OTEL_CONFIG_FILE is not read"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": ""}, None),
    ],
)  # fmt: skip
def test_what_is_asked_for_and_not_done_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    Telemetry.start(TelemetrySettings("gw"), stream=stream).shutdown()
    told = [json.loads(line)["detail"] for line in stream.getvalue().splitlines() if "telemetry.ignored" in line]
    assert len(told) == (said is not None)
    assert said is None or said in told[0]


def test_an_export_that_outlives_the_end_says_nothing_outside_the_log() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    script = (
        "import io\n"
        "from livewatch_exporters.telemetry import Telemetry\n"
        "from livewatch_exporters.telemetry_settings import TelemetrySettings\n"
        "from livewatch_exporters.sdk_log import SdkLog\n"
        "telemetry = Telemetry.start(TelemetrySettings('gw', shutdown_timeout_s=0.3), stream=io.StringIO())\n"
        "telemetry.shutdown()\n"
        "import logging\n"
        "logging.getLogger('opentelemetry.exporter.otlp.proto.http').warning('Shutdown in progress, aborting retry.')\n"
    )
    environ = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_log_lines_are_events_when_logs_are_wanted(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=stream)
    run(telemetry, make_report)
    telemetry.reload_rejected("warn_after: a while")
    telemetry.shutdown()
    request = ExportLogsServiceRequest.FromString(collector.queue("/v1/logs").get(timeout=DEADLINE_S))
    events = {e.event_name: e for r in request.resource_logs for scope in r.scope_logs for e in scope.log_records}
    lines = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert [name for name in lines if name in events] == lines
    stuck = events["livewatch.session.attention"]
    told = {a.key: a.value for a in stuck.attributes}
    assert stuck.severity_number == 17
    assert told["livewatch.session.attention"].string_value == "stuck"
    assert told["livewatch.evidence.silence_s"].double_value == 31.5
    assert stuck.time_unix_nano == 1_800_000_100_000_000_000
    assert b"agent:main" not in request.SerializeToString()
    assert events["livewatch.config.reloaded"].severity_number == 17


def test_log_events_stay_at_home_unless_asked_for(collector: Collector, make_report: MakeReport) -> None:
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=io.StringIO())
    run(telemetry, make_report)
    telemetry.shutdown()
    assert "/v1/logs" not in collector.received


def test_an_event_that_cannot_be_sent_is_counted_and_the_log_goes_on(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=stream)

    def broken(*_: object) -> None:
        raise TypeError("the module changed")

    monkeypatch.setattr(telemetry._events, "send", broken)
    run(telemetry, make_report)
    telemetry.shutdown()
    told = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert {"livewatch.session.attention", "livewatch.recovery.completed", "livewatch.telemetry.failing"} <= set(told)
    assert collector.url


def test_a_page_can_be_scraped_while_repairs_point_to_traces(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")
    telemetry = Telemetry.start(TelemetrySettings("gw", metrics_listen="127.0.0.1:0"), stream=io.StringIO())
    run(telemetry, make_report)
    assert telemetry.prometheus_url is not None
    with urllib.request.urlopen(telemetry.prometheus_url, timeout=DEADLINE_S) as answer:
        assert "livewatch_recovery_duration_seconds_bucket" in answer.read().decode()
    telemetry.shutdown()
    body = collector.queue("/v1/metrics").get(timeout=DEADLINE_S)
    assert bytes.fromhex(traceparent_of("k").split("-")[1]) in body


def test_what_is_not_exported_is_not_imported() -> None:
    check = (
        "import io, sys\n"
        "from livewatch_exporters.telemetry import Telemetry, TelemetrySettings\n"
        "Telemetry.start(TelemetrySettings(metrics_listen='127.0.0.1:0'), {}, io.StringIO()).shutdown()\n"
        "costly = ('grpc', 'opentelemetry.sdk._logs', 'requests', 'opentelemetry.sdk.trace', 'structlog', 'rich')\n"
        "print([m for m in sys.modules if m in costly])"
    )
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "[]\n"


def test_a_signal_that_is_switched_off_is_not_sent(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=io.StringIO())
    assert not telemetry.traced
    run(telemetry, make_report)
    telemetry.shutdown()
    assert "/v1/traces" not in collector.received


def test_three_signals_to_a_silent_collector_end_within_the_deadline(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    collector.status = 0
    telemetry = Telemetry.start(TelemetrySettings("gw", shutdown_timeout_s=1.0), stream=io.StringIO())
    run(telemetry, make_report)
    began_s = time.monotonic()
    telemetry.shutdown()
    assert time.monotonic() - began_s < DEADLINE_S / 4


def test_a_collector_that_refuses_is_counted_by_signal(
    collector: Collector, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.status = 400
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=stream)
    run(telemetry, make_report)
    collector.queue("/v1/traces").get(timeout=DEADLINE_S)
    telemetry.shutdown()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    failing = [line for line in lines if line["event"] == "livewatch.telemetry.failing"]
    assert [line["what"] for line in failing] == ["otlp trace export"]


@pytest.mark.parametrize("signal", ["metrics", "traces", "logs"])
def test_a_timeout_is_in_milliseconds_for_every_signal(signal: str) -> None:
    general = {"OTEL_EXPORTER_OTLP_TIMEOUT": "10000"}
    assert OtlpEnvironment(general, signal).timeout_s == 10.0
    own = general | {f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT": "250"}
    assert OtlpEnvironment(own, signal).timeout_s == 0.25
    assert OtlpEnvironment({}, signal).timeout_s == 5.0


@pytest.mark.parametrize("signal", ["TRACES", "LOGS"])
def test_a_protocol_that_cannot_be_used_is_named(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, signal: str
) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "http/json")
    with pytest.raises(TelemetryError, match=f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"):
        Telemetry.start(TelemetrySettings("gw"), stream=io.StringIO())
    assert isinstance(collector.received, dict)


def test_the_grpc_exporters_can_be_built(monkeypatch: pytest.MonkeyPatch, make_report: MakeReport) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    telemetry = Telemetry.start(TelemetrySettings("gw", shutdown_timeout_s=0.6), stream=io.StringIO())
    run(telemetry, make_report)
    telemetry.shutdown()
    assert telemetry.traced


def test_the_exporters_get_the_timeout_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")
    seen: list[float] = []
    from opentelemetry.exporter.otlp.proto.http import trace_exporter  # noqa: PLC0415 -- only this test patches it

    original: Any = trace_exporter.OTLPSpanExporter

    def spy(*, timeout: float, session: object) -> Any:
        seen.append(timeout)
        return original(timeout=timeout, session=session)

    monkeypatch.setattr(trace_exporter, "OTLPSpanExporter", spy)
    Telemetry.start(TelemetrySettings("gw", shutdown_timeout_s=0.6), stream=io.StringIO()).shutdown()
    assert seen == [1.5]
