"""Metrics over real wires: OTLP over HTTP and gRPC, a real scrape, and collectors that are away or silent."""

import gzip
import io
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from queue import Queue
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from livewatch_classifiers.report import TickReport
from livewatch_exporters.catalogue import CATALOGUE
from livewatch_exporters.prometheus import ListenError, parse_address
from livewatch_exporters.resource import instance_id, resource
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings

DEADLINE_S = 20.0
MakeReport = Callable[..., TickReport]


@contextmanager
def started(settings: TelemetrySettings | None = None) -> Iterator[tuple[Telemetry, io.StringIO]]:
    stream = io.StringIO()
    telemetry = Telemetry.start(settings or TelemetrySettings(target="gw"), stream=stream)
    try:
        yield telemetry, stream
    finally:
        telemetry.shutdown()


def tell(telemetry: Telemetry, report: TickReport) -> None:
    for listener in telemetry.listeners:
        listener.on_tick(report)


def scrape(telemetry: Telemetry) -> str:
    assert telemetry.prometheus_url is not None
    with urllib.request.urlopen(telemetry.prometheus_url, timeout=DEADLINE_S) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def metrics_in(request: Any) -> dict[str, Any]:
    return {m.name: m for r in request.resource_metrics for scope in r.scope_metrics for m in scope.metrics}


def received_with(received: "Queue[Any]", name: str) -> Any:
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        request = received.get(timeout=max(0.01, deadline_s - time.monotonic()))
        if name in metrics_in(request):
            return request


@pytest.fixture(params=["http/protobuf", "grpc"])
def collector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> "Queue[Any]":
    name = "grpc_collector" if request.param == "grpc" else "http_collector"
    url, received = request.getfixturevalue(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", request.param)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
    result: Queue[Any] = received
    return result


def test_a_collector_gets_the_metrics_with_units_and_a_stable_identity(
    collector: "Queue[Any]", make_report: MakeReport
) -> None:
    with started() as (telemetry, _):
        tell(telemetry, make_report(budget_remaining=4))
        request = received_with(collector, "livewatch.session.active")
        metrics = metrics_in(request)
        resource = {a.key: a.value.string_value for a in request.resource_metrics[0].resource.attributes}
    assert metrics["livewatch.sampler.duration"].unit == "s"
    assert len(metrics["livewatch.session.active"].sum.data_points) == 12
    assert metrics["livewatch.recovery.budget_remaining"].gauge.data_points[0].as_int == 4
    assert resource["service.name"] == "livewatch"
    with started() as (telemetry, _):
        tell(telemetry, make_report())
        again = received_with(collector, "livewatch.session.active").resource_metrics[0].resource
    assert {a.key: a.value.string_value for a in again.attributes} == resource


def test_what_is_left_is_exported_on_shutdown(
    http_collector: tuple[str, "Queue[Any]"], make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, received = http_collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{url}/v1/metrics")
    with started() as (telemetry, _):
        tell(telemetry, make_report())
    assert "livewatch.target.up" in metrics_in(received.get(timeout=DEADLINE_S))


def test_one_provider_serves_exponential_histograms_and_a_scrape_at_once(
    collector: "Queue[Any]", make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram")
    with started(TelemetrySettings(target="gw", metrics_listen="127.0.0.1:0")) as (telemetry, _):
        tell(telemetry, make_report(lateness_s=0.3))
        sent = metrics_in(received_with(collector, "livewatch.self.eventloop.delay"))
        text = scrape(telemetry)
    assert sent["livewatch.self.eventloop.delay"].WhichOneof("data") == "exponential_histogram"
    assert 'livewatch_self_eventloop_delay_seconds_bucket{le="0.5"} 1.0' in text


def test_a_scrape_shows_only_catalogued_names_and_labels(make_report: MakeReport) -> None:
    catalogued = {name: spec for spec in CATALOGUE for name in spec.series_names}
    with started(TelemetrySettings(target="gw", metrics_listen="0")) as (telemetry, _):
        tell(telemetry, make_report())
        families = list(text_string_to_metric_families(scrape(telemetry)))
        assert telemetry.prometheus_url is not None
        assert telemetry.prometheus_url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="404") as wrong:
            urllib.request.urlopen(telemetry.prometheus_url + "x", timeout=DEADLINE_S)
        wrong.value.close()
    samples = [s for family in families for s in family.samples if s.name != "target_info"]
    assert len(samples) > 30
    for sample in samples:
        spec = catalogued[sample.name]
        needed = {attribute.label for attribute in spec.attributes if not attribute.optional}
        assert needed <= set(sample.labels) - {"le"} <= {attribute.label for attribute in spec.attributes}


@pytest.mark.parametrize(
    ("accept", "packed"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("", False), ("gzip;q=0", False), ("br", False)],
)
def test_a_scrape_is_packed_for_who_asks(make_report: MakeReport, accept: str, *, packed: bool) -> None:
    with started(TelemetrySettings(metrics_listen=":0")) as (telemetry, _):
        tell(telemetry, make_report())
        plain = scrape(telemetry)
        assert telemetry.prometheus_url is not None
        asked = urllib.request.Request(telemetry.prometheus_url, headers={"Accept-Encoding": accept})
        with urllib.request.urlopen(asked, timeout=DEADLINE_S) as answer:
            body, headers = answer.read(), answer.headers
    assert headers["Content-Encoding"] == ("gzip" if packed else None)
    assert (headers["Vary"], headers["Server"]) == ("Accept-Encoding", "livewatch")
    assert len(body) < len(plain) / 5 if packed else len(body) > len(plain) / 2
    text = (gzip.decompress(body) if packed else body).decode()
    assert {re.split("[{ ]", line)[0] for line in text.splitlines()} == {
        re.split("[{ ]", line)[0] for line in plain.splitlines()
    }


def test_livewatch_measures_its_own_cpu_and_memory(make_report: MakeReport) -> None:
    with started(TelemetrySettings(metrics_listen=":0")) as (telemetry, _):
        tell(telemetry, make_report())
        families = {f.name: f for f in text_string_to_metric_families(scrape(telemetry))}
    spent = {s.labels["cpu_mode"]: s.value for s in families["livewatch_self_cpu_time_seconds"].samples}
    (used,) = families["livewatch_self_memory_usage_bytes"].samples
    assert 0 < spent["user"] <= os.times().user
    assert 0 < spent["system"] <= os.times().system
    assert 10e6 < used.value < 2e9


def test_scrapes_at_the_same_time_never_mix_their_families(make_report: MakeReport) -> None:
    with started(TelemetrySettings(target="gw", metrics_listen="0")) as (telemetry, _):
        tell(telemetry, make_report())
        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(lambda _n: scrape(telemetry), range(40)))
    assert {text.count("# TYPE livewatch_target_up gauge") for text in texts} == {1}


def test_without_an_endpoint_nothing_but_the_log_is_started() -> None:
    with started() as (telemetry, _):
        assert telemetry.prometheus_url is None
        assert len(telemetry.listeners) == 1


def test_a_disabled_sdk_exports_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with started(TelemetrySettings(metrics_listen=":0")) as (telemetry, stream):
        assert telemetry.prometheus_url is None
    assert "livewatch.telemetry.disabled" in stream.getvalue()


def test_a_taken_port_is_a_named_error_of_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as error:
            Telemetry.start(TelemetrySettings(metrics_listen=f"127.0.0.1:{port}"), stream=io.StringIO())
    assert f"127.0.0.1:{port}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),
        ("[::1]:80", ("::1", 80)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_an_address_may_be_written_in_these_ways(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", "127.0.0.1:70000", "::1:80", "http://x:1", "a b:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ListenError, match="host:port"):
        parse_address(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nan"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(TelemetryError, match=name):
        Telemetry.start(TelemetrySettings(), stream=io.StringIO())


@contextmanager
def away(kind: str) -> Iterator[tuple[str, Callable[[Telemetry], None]]]:
    """Give the URL of a collector that refuses, or accepts and never answers, and a wait for an export under way."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening, ExitStack() as connections:
        port = listening.getsockname()[1]
        listening.settimeout(DEADLINE_S)
        if kind == "refused":
            listening.close()

        def trying(telemetry: Telemetry) -> None:
            if kind == "silent":
                connections.enter_context(listening.accept()[0])
                return
            deadline_s = time.monotonic() + DEADLINE_S
            while not telemetry._sdk_log.heard and time.monotonic() < deadline_s:
                os.sched_yield()
            assert telemetry._sdk_log.heard

        yield f"http://127.0.0.1:{port}", trying


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize("kind", ["refused", "silent"])
def test_a_collector_that_is_away_delays_neither_ticks_nor_the_end(
    kind: str, protocol: str, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with away(kind) as (url, trying):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20000")
        telemetry = Telemetry.start(TelemetrySettings(shutdown_timeout_s=0.6), stream=io.StringIO())
        tell(telemetry, make_report(0.0))
        trying(telemetry)
        slowest_s = 0.0
        for second in range(200):
            report = make_report(float(second))
            began_s = time.monotonic()
            tell(telemetry, report)
            slowest_s = max(slowest_s, time.monotonic() - began_s)
        began_s = time.monotonic()
        telemetry.shutdown()
        ended_s = time.monotonic() - began_s
    assert slowest_s < 1.0
    assert ended_s < 3.0


def test_failed_exports_are_counted_and_told_once_per_episode(
    make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with away("refused") as (url, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url.replace("//", "//user:hunter2@"))
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
        with started(TelemetrySettings(metrics_listen=":0", shutdown_timeout_s=1.0)) as (telemetry, stream):
            tell(telemetry, make_report())
            deadline_s = time.monotonic() + DEADLINE_S
            failures = 0.0
            while failures < 3 and time.monotonic() < deadline_s:
                families = {f.name: f for f in text_string_to_metric_families(scrape(telemetry))}
                found = families.get("livewatch_telemetry_failures")
                failures = found.samples[0].value if found is not None else 0.0
    assert failures >= 3
    told = [json.loads(line) for line in stream.getvalue().splitlines() if "telemetry.failing" in line]
    assert len(told) == 1
    assert told[0]["error"] == "export_failed"
    assert told[0]["detail"]
    assert "hunter2" not in stream.getvalue()


def test_the_timeout_variable_is_in_milliseconds(monkeypatch: pytest.MonkeyPatch, make_report: MakeReport) -> None:
    with away("silent") as (url, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
        with started(TelemetrySettings(shutdown_timeout_s=1.0)) as (telemetry, stream):
            tell(telemetry, make_report())
            deadline_s = time.monotonic() + DEADLINE_S
            while "telemetry.failing" not in stream.getvalue() and time.monotonic() < deadline_s:
                tell(telemetry, make_report())
    assert "telemetry.failing" in stream.getvalue()


def test_the_process_ends_although_the_collector_is_silent() -> None:
    program = (
        "from livewatch_exporters.telemetry import Telemetry\n"
        "from livewatch_exporters.telemetry_settings import TelemetrySettings\n"
        "t = Telemetry.start(TelemetrySettings(shutdown_timeout_s=0.6))\n"
        "t.shutdown(); t.shutdown(); print('ended')\n"
    )
    with away("silent") as (url, _):
        environ = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_TIMEOUT": "60000"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=True
        )
    assert done.stdout == "ended\n"


def test_a_listener_that_breaks_is_told_once_and_does_not_break_the_tick(
    make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(TelemetrySettings(metrics_listen=":0")) as (telemetry, stream):
        monkeypatch.setattr("livewatch_exporters.vitals_meter.liveness_reasons", lambda _report: 1 / 0)
        for second in range(3):
            tell(telemetry, make_report(float(second)))
        text = scrape(telemetry)
    assert stream.getvalue().count("livewatch.telemetry.failing") == 1
    assert 'error_type="exception",livewatch_telemetry_signal="metrics"} 3.0' in text


def test_a_client_that_hangs_up_leaves_no_trace(make_report: MakeReport, capfd: pytest.CaptureFixture[str]) -> None:
    with started(TelemetrySettings(target="gw", metrics_listen="0")) as (telemetry, _):
        tell(telemetry, make_report())
        assert telemetry.prometheus_url is not None
        port = int(telemetry.prometheus_url.rpartition(":")[2].partition("/")[0])
        for _number in range(20):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close with a reset
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
        scrape(telemetry)
    assert capfd.readouterr().err == ""


def test_otlp_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys\n"
        "from livewatch_exporters.telemetry import Telemetry\n"
        "from livewatch_exporters.telemetry_settings import TelemetrySettings\n"
        "Telemetry.start(TelemetrySettings(metrics_listen=':0')).shutdown()\n"
        "print([m for m in ('grpc', 'requests', 'opentelemetry.exporter.otlp') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    assert done.stdout == "[]\n"


def test_the_identity_is_stable_and_tells_agents_apart() -> None:
    assert instance_id("host", "gw", "/run/a") == instance_id("host", "gw", "/run/a")
    agents = [("host", "gw", "/run/a"), ("host", "gw", "/run/b"), ("host", "other", "/run/a"), ("h", "gw", "/run/a")]
    assert len({instance_id(*agent) for agent in agents}) == 4


def test_a_service_name_meant_for_the_gateway_does_not_rename_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gw")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine,deployment.environment.name=test")
    told = resource("gw", "", os.environ).attributes
    assert told["service.name"] == "livewatch"
    assert told["service.instance.id"] == "mine"
    assert told["deployment.environment.name"] == "test"
    assert resource("other", "", os.environ).attributes["service.name"] == "gw"
