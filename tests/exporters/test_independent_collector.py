"""All three signals, decoded by a collector that is not ours and shares no code with the SDK: Rotel, in Rust."""

import io
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import rotel

from livewatch_exporters.resource import SCHEMA_URL, scope_version
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetrySettings
from livewatch_exporters.trace_context import traceparent_of
from tests.exporters.test_delivery import MakeReport
from tests.exporters.test_signals import run
from tests.waiting import until

BINARY = Path(rotel.__file__).with_name("rotel-agent")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


class Rotel:
    """A running collector that writes down what it decoded."""

    def __init__(self, folder: Path) -> None:
        self.ports = {"grpc": free_port(), "http/protobuf": free_port()}
        self._told = folder / "decoded"
        command = [
            str(BINARY), "start", "--exporter", "blackhole", "--pid-file", str(folder / "pid"),
            "--otlp-grpc-endpoint", f"127.0.0.1:{self.ports['grpc']}",
            "--otlp-http-endpoint", f"127.0.0.1:{self.ports['http/protobuf']}",
            "--debug-log", "traces", "--debug-log", "metrics", "--debug-log", "logs",
            "--debug-log-verbosity", "detailed",
        ]  # fmt: skip
        with self._told.open("wb") as told:
            environ = {"RUST_LOG": "info", "HOME": str(folder)}
            self._process = subprocess.Popen(command, cwd=folder, env=environ, stdout=told, stderr=subprocess.STDOUT)
        until(lambda: all(answers(port) for port in self.ports.values()), "a collector that listens")

    @property
    def decoded(self) -> str:
        return self._told.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(name="collector")
def _collector(tmp_path: Path) -> Iterator[Rotel]:
    collector = Rotel(tmp_path)
    yield collector
    collector.close()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_another_implementation_decodes_all_three_signals_and_joins_logs_with_their_trace(
    collector: Rotel, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.ports[protocol]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp")
    stream = io.StringIO()
    telemetry = Telemetry.start(TelemetrySettings("gw"), stream=stream)
    run(telemetry, make_report)
    telemetry.shutdown()
    _, trace_id, span_id, _ = traceparent_of("k").split("-")
    until(lambda: collector.decoded.count(f"SchemaURL: {SCHEMA_URL}") >= 6, "resource and scope of all three signals")

    decoded = collector.decoded
    assert "telemetry.failing" not in stream.getvalue()
    assert len(re.findall(rf"    Trace ID +: {trace_id}\n", decoded)) == 7, "five spans and two log records"
    assert len(re.findall(rf"    Span ID +: {span_id}\n", decoded)) == 2
    assert decoded.count(f"InstrumentationScope livewatch {scope_version()}\n") == 3
    for told in (
        "SeverityText: WARN",
        "Name           : livewatch.act",
        "livewatch.self.memory.usage",
        "telemetry.sdk.name",
    ):
        assert told in decoded
