"""Telemetry that arrives and telemetry that does not: real collectors, real endpoints, all on loopback."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from livewatch.doctor import telemetry_checks
from livewatch.doctor.finding import Finding, Health
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetrySettings
from tests.doctor.conftest import MakeCase
from tests.exporters.certificates import Authority

LOOKS = {
    "/v1/metrics": telemetry_checks.otlp_metrics,
    "/v1/traces": telemetry_checks.otlp_traces,
    "/v1/logs": telemetry_checks.otlp_logs,
}


class Collector(BaseHTTPRequestHandler):
    status: ClassVar[int] = 200
    took: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        self.took.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
        pass


@contextmanager
def collector(status: int = 200, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    handler = type("Handler", (Collector,), {"status": status, "took": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that fails is what is tested
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http{'' if tls is None else 's'}://127.0.0.1:{server.server_port}", handler.took
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="make_case")
def fixture_make_case(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> MakeCase:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)

    def make(**facts: object) -> object:
        environ = dict(facts.pop("otel", {}))  # type: ignore[call-overload]  # test shorthand
        for name, value in environ.items():
            monkeypatch.setenv(name, value)  # the exporters read the process's own
        return make_case(environ=environ, **facts)

    return make  # type: ignore[return-value]  # the same shape with one more word


def otlp(url: str, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_LOGS_EXPORTER": "otlp"} | more


def test_one_metric_span_and_event_are_really_sent_and_taken(make_case: MakeCase) -> None:
    with collector() as (url, took):
        case = make_case(otel=otlp(url))
        found = {path: look(case) for path, look in LOOKS.items()}
    assert {f.health for f in found.values()} == {Health.OK}
    assert sorted(path for path, _ in took) == sorted(LOOKS)
    assert all(b"livewatch.doctor.trial" in body for _, body in took)


def test_a_collector_that_refuses_is_told_with_its_status(make_case: MakeCase) -> None:
    with collector(404) as (url, _):
        case = make_case(otel=otlp(url))
        found = [look(case) for look in LOOKS.values()]
    assert [f.health for f in found] == [Health.FAILURE] * 3
    assert all("404" in f.text for f in found)


def test_a_collector_that_is_away_is_told_within_bounds_and_without_the_password(make_case: MakeCase) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    secret = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hunter2", "OTEL_EXPORTER_OTLP_TIMEOUT": "300"}
    case = make_case(otel=otlp(f"http://user:hunter2@127.0.0.1:{port}", **secret))
    found = [look(case) for look in LOOKS.values()]
    assert [f.health for f in found] == [Health.FAILURE] * 3
    assert all("Connection refused" in f.text and f.fix for f in found)
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("scheme", ["http", "https", "all"])
def test_a_proxy_for_the_outside_is_not_asked_for_loopback(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    with collector() as (url, took):
        case = make_case(otel=otlp(url))
        found = [look(case) for look in LOOKS.values()]
    assert {f.health for f in found} == {Health.OK}
    assert len(took) == len(LOOKS)


def test_who_was_trusted_is_said_whether_the_collector_is_taken_for_one_or_not(
    make_case: MakeCase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own, company = Authority(tmp_path / "own"), Authority(tmp_path / "company")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(company.file))
    with collector(tls=own.server_context()) as (url, _):
        trusted = otlp(url, OTEL_EXPORTER_OTLP_CERTIFICATE=str(own.file))
        taken = [look(make_case(otel=trusted)) for look in LOOKS.values()]
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_CERTIFICATE")
        bundle = otlp(url, REQUESTS_CA_BUNDLE=str(company.file), OTEL_EXPORTER_OTLP_TIMEOUT="4000")
        refused = [look(make_case(otel=bundle)) for look in LOOKS.values()]

    assert {f.health for f in taken} == {Health.OK}
    assert all(f.text.endswith(f"trusting {own.file} of OTEL_EXPORTER_OTLP_CERTIFICATE") for f in taken)
    assert {f.health for f in refused} == {Health.FAILURE}
    assert all("certificate is not accepted" in f.text for f in refused)
    assert all(f"Trusted are {company.file} of REQUESTS_CA_BUNDLE" in f.fix for f in refused)


def test_a_collector_that_says_nothing_is_given_up(make_case: MakeCase) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = telemetry_checks.otlp_metrics(make_case(otel=otlp(url, OTEL_EXPORTER_OTLP_TIMEOUT="200")))
    assert found.health is Health.FAILURE


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_grpc_is_tried_as_grpc(make_case: MakeCase, scheme: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    otel = otlp(f"{scheme}127.0.0.1:{port}", OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_TIMEOUT="500")
    found = telemetry_checks.otlp_traces(make_case(otel=otel))
    assert (found.health, "(grpc)" in found.text, "refused" in found.text) == (Health.FAILURE, True, True)


@pytest.mark.parametrize(
    ("otel", "health"),
    [
        ({}, Health.SKIPPED),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_METRICS_EXPORTER": "none"}, Health.SKIPPED),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, Health.WARNING),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "x"}, Health.FAILURE),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "x"}, Health.FAILURE),
    ],
)
def test_what_is_off_is_skipped_and_what_cannot_be_used_fails(
    make_case: MakeCase, otel: dict[str, str], health: Health
) -> None:
    assert telemetry_checks.otlp_metrics(make_case(otel=otel)).health is health


def test_the_running_agents_endpoint_is_really_scraped(make_case: MakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # for the outside, not for this host
    telemetry = Telemetry.start(TelemetrySettings(metrics_listen="127.0.0.1:0"), environ={})
    try:
        well = telemetry_checks.prometheus(make_case(about={"prometheus_url": telemetry.prometheus_url}))
    finally:
        telemetry.shutdown()
    gone = telemetry_checks.prometheus(make_case(about={"prometheus_url": telemetry.prometheus_url}))
    with collector() as (url, _):
        other = telemetry_checks.prometheus(make_case(about={"prometheus_url": f"{url}/metrics"}))
    assert [f.health for f in (well, gone, other)] == [Health.OK, Health.FAILURE, Health.FAILURE]
    assert "not with metrics" in other.text


def test_without_an_agent_the_address_is_free_or_taken(make_case: MakeCase) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        listen = f"127.0.0.1:{server.getsockname()[1]}"
        taken = telemetry_checks.prometheus(make_case(listen=listen))
    free = telemetry_checks.prometheus(make_case(listen=listen))
    assert (taken.health, "already in use" in taken.text, free.health) == (Health.FAILURE, True, Health.OK)


def test_an_endpoint_that_is_off_wrong_or_not_yet_in_use_says_so(make_case: MakeCase) -> None:
    def look(**facts: object) -> Finding:
        return telemetry_checks.prometheus(make_case(**facts))

    assert look().health is Health.SKIPPED
    assert look(listen="nowhere").health is Health.FAILURE
    assert look(listen="127.0.0.1:0", about={}).health is Health.WARNING


@pytest.mark.parametrize(
    ("listen", "health"),
    [
        (None, Health.SKIPPED),
        ("nowhere", Health.SKIPPED),
        ("9464", Health.OK),
        ("127.0.0.1:9464", Health.OK),
        ("[::1]:9464", Health.OK),
        ("0.0.0.0:9464", Health.WARNING),
    ],
)
def test_metrics_beyond_this_host_are_told(make_case: MakeCase, listen: str | None, health: Health) -> None:
    assert telemetry_checks.exposure(make_case(listen=listen)).health is health


def test_the_running_agents_address_counts_where_it_differs(make_case: MakeCase) -> None:
    case = make_case(about={"prometheus_url": "http://0.0.0.0:9464/metrics"})
    assert telemetry_checks.exposure(case).health is Health.WARNING


def test_health_beyond_this_host_is_told_too(make_case: MakeCase) -> None:
    case = make_case(listen="127.0.0.1:9464", about={"health_url": "http://0.0.0.0:8086"})
    finding = telemetry_checks.exposure(case)
    assert finding.health is Health.WARNING
    assert "health on 0.0.0.0" in finding.text
    assert "metrics" not in finding.text
