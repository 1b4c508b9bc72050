"""Reports to export, and real receivers to export them to."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service_grpc

from livewatch_classifiers.model import GatewayIdentity, Session, Snapshot, Vitals
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import Attention, Reason, SessionState, VitalsState

MakeReport = Callable[..., TickReport]
Received = Queue[service.ExportMetricsServiceRequest]


@pytest.fixture(autouse=True)
def _no_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def make_report() -> MakeReport:
    def make(
        now_s: float = 100.0,
        *,
        sessions: Mapping[str, Session] | None = None,
        labels: Mapping[str, tuple[Attention, Reason]] | None = None,
        transitions: tuple[Transition, ...] = (),
        vitals: Vitals | None = None,
        state: VitalsVerdict | None = None,
        counters: Mapping[str, int] | None = None,
        problem: str = "",
        **rest: Any,
    ) -> TickReport:
        known = sessions if sessions is not None else {"s1": Session("s1", state=SessionState.PROCESSING)}
        snapshot = Snapshot(
            vitals or Vitals(now_s), known, identity=GatewayIdentity(7, "boot:1"), counters=counters or {}
        )
        verdicts = {key: Verdict(key, *label, rule="13") for key, label in (labels or {}).items()}
        return TickReport(
            target="gw",
            now_s=now_s,
            wall_s=1_800_000_000.0 + now_s,
            snapshot=None if problem else snapshot,
            problem=problem,
            vitals=state or VitalsVerdict(VitalsState.RESPONSIVE),
            vitals_before=None,
            verdicts=verdicts,
            transitions=transitions,
            **rest,
        )

    return make


@pytest.fixture
def http_collector() -> Iterator[tuple[str, Received]]:
    received: Received = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/metrics"
            received.put(service.ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def grpc_collector() -> Iterator[tuple[str, Received]]:
    received: Received = Queue()

    class Collector(service_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 -- the service names both
            received.put(request)
            return service.ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    service_grpc.add_MetricsServiceServicer_to_server(Collector(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}", received
    server.stop(0).wait()
