"""Where OTLP goes, whom it trusts, and what it says when it fails: each cause by its own name, once per episode."""

import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from livewatch_classifiers.report import TickReport
from livewatch_exporters.otlp_environment import OtlpEnvironment, is_this_host
from livewatch_exporters.otlp_trial import try_export
from livewatch_exporters.resource import resource
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetrySettings
from tests.exporters.certificates import Authority
from tests.exporters.test_delivery import MakeReport, received_with, tell

DEADLINE_S = 20.0
SIGNALS = ("metrics", "traces", "logs")


@pytest.fixture(autouse=True)
def _no_proxies_or_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme.upper()}_PROXY", raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


class Collector(BaseHTTPRequestHandler):
    """Takes everything, or answers with the server's ``status``."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # set by `collecting`
        self.send_response(self.server.status)  # type: ignore[attr-defined]  # set by `collecting`
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
        """Say nothing."""


@contextmanager
def collecting(status: int = 200, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """Serve OTLP over HTTP on loopback; yield the port and the paths that were asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    asked: list[str] = []
    server.status, server.asked = status, asked  # type: ignore[attr-defined]  # for `Collector`
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that fails is what is tested
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def proxied(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a proxy for everything that is down; return its URL."""
    url = f"http://127.0.0.1:{closed_port()}"
    for scheme in ("http", "https", "all"):
        monkeypatch.setenv(f"{scheme}_proxy", url)
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", url)
    return url


def trial(monkeypatch: pytest.MonkeyPatch, signal: str, endpoint: str, protocol: str = "http/protobuf") -> str:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    return try_export(signal, environ, resource("gw", "t", {}), timeout_s=2.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_http_to_loopback_never_asks_a_proxy(monkeypatch: pytest.MonkeyPatch, signal: str, host: str) -> None:
    proxied(monkeypatch)
    with collecting() as (port, asked):
        assert trial(monkeypatch, signal, f"http://{host}:{port}") == ""
    assert asked == [f"/v1/{signal}"]


def test_grpc_to_loopback_never_asks_a_proxy(
    monkeypatch: pytest.MonkeyPatch, grpc_collector: tuple[str, "Queue[Any]"]
) -> None:
    url, received = grpc_collector
    proxied(monkeypatch)
    assert trial(monkeypatch, "metrics", url, "grpc") == ""
    assert received.get(timeout=DEADLINE_S)


def test_a_running_agent_reaches_its_collector_on_loopback_past_a_proxy(
    make_report: MakeReport, monkeypatch: pytest.MonkeyPatch, http_collector: tuple[str, "Queue[Any]"]
) -> None:
    url, received = http_collector
    proxied(monkeypatch)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{url}/v1/metrics")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
    telemetry = Telemetry.start(TelemetrySettings("gw", shutdown_timeout_s=1.0), stream=io.StringIO())
    tell(telemetry, make_report())
    assert received_with(received, "livewatch.session.active") is not None
    telemetry.shutdown()


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [
        ("http://127.0.0.1:4318", True), ("http://127.9.9.9", True), ("http://127.1:4318", True),
        ("localhost:4317", True), ("127.0.0.1:4317", True), ("http://[::1]:4318/v1/metrics", True),
        ("http://[::ffff:127.0.0.1]:1", True), ("http://0.0.0.0:4318", True), ("http://otel.localhost", True),
        ("http://LOCALHOST:1", True), ("http://collector:4318", False), ("http://128.0.0.1", False),
        ("http://localhost.example.org", False), ("http://127.0.0.1.example.org", False), ("http://[", False),
        ("10.0.0.1:4317", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_known_in_every_spelling(endpoint: str, *, here: bool) -> None:
    assert is_this_host(endpoint) is here


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_cause_has_its_own_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal: str) -> None:
    authority, stranger = Authority(tmp_path / "own"), Authority(tmp_path / "other")
    refused = trial(monkeypatch, signal, f"http://127.0.0.1:{closed_port()}")
    unknown = trial(monkeypatch, signal, "http://no-such-host.invalid:4318")
    with collecting(status=401) as (port, _):
        denied = trial(monkeypatch, signal, f"http://127.0.0.1:{port}")
    with collecting(status=503) as (port, _):
        busy = trial(monkeypatch, signal, f"http://127.0.0.1:{port}")
    with collecting(tls=authority.server_context()) as (port, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(stranger.file))
        untrusted = trial_tls(monkeypatch, signal, port, stranger.file)
        missing = trial_tls(monkeypatch, signal, port, tmp_path / "nowhere.pem")
        monkeypatch.delenv("OTEL_EXPORTER_OTLP_CERTIFICATE")
    proxy = proxied(monkeypatch)
    through = trial(monkeypatch, signal, "http://192.0.2.1:4318")

    assert refused == "Connection refused"
    assert unknown.startswith("the host name cannot be resolved: ")
    assert denied == "the collector answered 401 Unauthorized"
    assert busy == "the collector answered 503 Service Unavailable"
    assert untrusted.startswith("the collector's certificate is not accepted: ")
    assert str(stranger.file) in untrusted
    assert str(tmp_path / "nowhere.pem") in missing
    assert through == f"the proxy {proxy} cannot be used: Connection refused"


def trial_tls(monkeypatch: pytest.MonkeyPatch, signal: str, port: int, certificate: Path) -> str:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
    endpoint = f"https://127.0.0.1:{port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate)}
    return try_export(signal, environ, resource("gw", "t", {}), timeout_s=2.0)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_bundle_for_all_programs_does_not_win_over_the_certificate_of_otlp(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signal: str, name: str
) -> None:
    authority, company = Authority(tmp_path / "own"), Authority(tmp_path / "company")
    monkeypatch.setenv(name, str(company.file))
    with collecting(tls=authority.server_context()) as (port, asked):
        assert trial_tls(monkeypatch, signal, port, authority.file) == ""
    assert asked == [f"/v1/{signal}"]


def test_who_is_trusted_is_said_with_the_variable_that_names_it() -> None:
    def trusted(**environ: str) -> str:
        return OtlpEnvironment(environ, "metrics").trusted

    company = {"REQUESTS_CA_BUNDLE": "/company.pem"}
    assert trusted() == "the usual authorities"
    assert trusted(**company) == "/company.pem of REQUESTS_CA_BUNDLE"
    assert trusted(**company, OTEL_EXPORTER_OTLP_PROTOCOL="grpc") == "the usual authorities"
    assert trusted(**company, OTEL_EXPORTER_OTLP_CERTIFICATE="/own.pem") == "/own.pem of OTEL_EXPORTER_OTLP_CERTIFICATE"
    own = {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": "/m.pem", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/own.pem"}
    assert trusted(**own) == "/m.pem of OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE"


def failing(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in lines if line["event"] == "livewatch.telemetry.failing"]


@pytest.mark.parametrize(("protocol", "said"), [("http/protobuf", ["Connection refused"]),
                                                 ("grpc", ["UNAVAILABLE", "Connection refused"])])  # fmt: skip
def test_a_collector_that_is_down_is_named_once_in_its_own_words_and_never_as_a_type_error(
    make_report: MakeReport, monkeypatch: pytest.MonkeyPatch, protocol: str, said: list[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3000")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    counted = threading.Event()
    report: TickReport = make_report()
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw", shutdown_timeout_s=2.0), stream=stream)
    original = telemetry._episodes._say

    def say(*told: Any) -> None:
        original(*told)
        counted.set()

    telemetry._episodes._say = say
    tell(telemetry, report)
    assert counted.wait(DEADLINE_S)
    telemetry.shutdown()
    (line,) = failing(stream)
    assert line["error"] == "export_failed"
    assert all(word in line["detail"] for word in said), line


def test_the_password_of_a_proxy_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://user:hunter2@127.0.0.1:{closed_port()}"
    monkeypatch.setenv("http_proxy", url)
    said = trial(monkeypatch, "metrics", "http://192.0.2.1:4318")
    assert "cannot be used: Connection refused" in said
    assert "hunter2" not in said
