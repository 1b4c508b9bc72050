"""A real agent whose collector is down, or is on this host behind nobody's proxy."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.ward import ROOT
from tests.public_cases.conftest import Case
from tests.waiting import until


class Page(BaseHTTPRequestHandler):
    """Takes telemetry, and is healthy."""

    asked: set[str]

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.add(f"{self.command} {self.path}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
        """Say nothing."""


@contextmanager
def page() -> Iterator[tuple[str, set[str]]]:
    """Serve on loopback; yield the URL and what was asked."""
    asked: set[str] = set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Page,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nobody() -> str:
    """Return a URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


def failing(case: Case) -> list[dict[str, Any]]:
    """Return what the agent logged about telemetry that fails."""
    lines = [line for line in case.said().splitlines() if '"livewatch.telemetry.failing"' in line]
    return [json.loads(line) for line in lines]


def test_a_grpc_collector_that_is_down_is_named_in_the_words_of_grpc(case: Case) -> None:
    case.gateway()
    otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": nobody(), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    times = {"OTEL_METRIC_EXPORT_INTERVAL": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "300"}
    agent = case.agent(**otlp, **times, OTEL_TRACES_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    until(lambda: failing(case), "a line about the collector")
    case.ends_well(agent)

    (line,) = failing(case)
    assert line["error"] == "export_failed"
    assert "UNAVAILABLE" in line["detail"]
    assert "Connection refused" in line["detail"]


def test_a_collector_and_a_health_page_on_this_host_are_reached_past_a_proxy_that_is_down(case: Case) -> None:
    case.gateway()
    proxy = nobody()
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    proxies = {**dict.fromkeys(names, proxy), "no_proxy": "", "NO_PROXY": ""}
    with page() as (url, asked):
        otlp = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRIC_EXPORT_INTERVAL": "100"}
        agent = case.agent("--health-url", f"{url}/healthz", **proxies, **otlp)
        until(lambda: {"POST /v1/metrics", "GET /healthz"} <= asked, "both were asked")
        examined = doctor(case, {**proxies, **otlp})
        case.ends_well(agent)

    assert failing(case) == []
    (metrics,) = (line for line in examined.splitlines() if "OTLP metrics" in line)
    assert metrics.split()[0] == "ok"


def doctor(case: Case, environ: dict[str, str]) -> str:
    """Return what the doctor says of the running agent, asked in that agent's environment."""
    command = [sys.executable, "-m", "livewatch", "doctor", "--agent", str(case.folder / "agent")]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout
