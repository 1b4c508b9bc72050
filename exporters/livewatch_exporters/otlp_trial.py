"""One export for real, to see whether a collector takes it; for diagnosis, not for telemetry."""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self, cast

from opentelemetry.sdk.resources import Resource

from livewatch_exporters.otlp_environment import OtlpEnvironment
from livewatch_exporters.redaction import redact_text
from livewatch_exporters.resource import SCHEMA_URL, SERVICE, scope_version

TRIAL = "livewatch.doctor.trial"
"""Name of the metric, span or event that is sent."""
_SAID_MAX = 400
_REASONS = (
    re.compile(r"\[Errno -?\d+\] ([^\"')]+)"),
    re.compile(r"Failed to connect to remote host: ([^;]+)"),
    re.compile(r"rror details: (.+?)(?:; |$)"),
    re.compile(r"Transient error (.+?) encountered"),
)
"""How the SDK wraps what happened, most telling first."""


def try_export(signal: str, environ: Mapping[str, str], who: Resource, *, timeout_s: float) -> str:
    """Send one metric, span or log event; return what went wrong in one line, empty when the collector took it.

    Raises:
        TelemetryError: for a variable that cannot be used.
    """
    told = OtlpEnvironment(environ, signal)
    export = _EXPORTS[signal]
    with _LastWords() as heard:
        try:
            worked = export(told, min(timeout_s, told.timeout_s), who)
        except Exception as error:  # noqa: BLE001 -- an exporter may raise anything
            return redact_text(repr(error))
    return "" if worked else redact_text(heard.text or "the collector did not take it and gave no reason")


def _metrics(told: OtlpEnvironment, timeout_s: float, who: Resource) -> bool:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 -- only who asks pays for it
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult  # noqa: PLC0415 -- slow to import, and only needed here

    from livewatch_exporters.otlp import metric_exporter  # noqa: PLC0415 -- slow to import, and only needed here

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], who, shutdown_on_exit=False)
    meter = provider.get_meter(SERVICE, scope_version(), SCHEMA_URL)
    meter.create_gauge(TRIAL, unit="1", description="Sent by `livewatch doctor`.").set(1)
    data = reader.get_metrics_data()
    provider.shutdown()
    assert data is not None
    exporter: Any = metric_exporter(told, timeout_s)  # its keyword arguments have no types
    try:
        return bool(exporter.export(data, timeout_s * 1000) is MetricExportResult.SUCCESS)
    finally:
        exporter.shutdown(0)


def _traces(told: OtlpEnvironment, timeout_s: float, who: Resource) -> bool:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- slow to import, and only needed here
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult  # noqa: PLC0415 -- slow to import, and only needed here
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415 -- slow to import, and only needed here

    from livewatch_exporters.otlp_traces import span_exporter  # noqa: PLC0415 -- slow to import, and only needed here

    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=who, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer(SERVICE, scope_version(), schema_url=SCHEMA_URL).start_span(TRIAL).end()
    exporter = span_exporter(told, timeout_s)
    try:
        return exporter.export(memory.get_finished_spans()) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()


def _logs(told: OtlpEnvironment, timeout_s: float, who: Resource) -> bool:
    from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: PLC0415 -- slow to import, and only needed here
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 -- not declared stable
    from opentelemetry.sdk._logs.export import (  # noqa: PLC0415 -- slow to import, and only needed here
        InMemoryLogRecordExporter,
        LogRecordExportResult,
        SimpleLogRecordProcessor,
    )

    from livewatch_exporters.otlp_logs import log_exporter  # noqa: PLC0415 -- slow to import, and only needed here

    memory: Any = cast("Any", InMemoryLogRecordExporter)()
    provider = LoggerProvider(resource=who, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    moment_ns = int(datetime.now(UTC).timestamp() * 1e9)
    record = LogRecord(
        timestamp=moment_ns, severity_text="INFO", severity_number=SeverityNumber.INFO, event_name=TRIAL, body=TRIAL
    )
    provider.get_logger(SERVICE, scope_version(), SCHEMA_URL).emit(record)
    exporter: Any = log_exporter(told, timeout_s)
    try:
        return bool(exporter.export(memory.get_finished_logs()) is LogRecordExportResult.SUCCESS)
    finally:
        exporter.shutdown()


_EXPORTS: Mapping[str, Callable[[OtlpEnvironment, float, Resource], bool]] = {
    "metrics": _metrics,
    "traces": _traces,
    "logs": _logs,
}


class _LastWords(logging.Handler):
    """Hears what the SDK says on this thread, which would otherwise go to standard error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[str, None] = {}
        self._cause = ""
        self._thread = threading.get_ident()

    @property
    def text(self) -> str:
        """The reason, as short as it can be found in what was said; everything that was said, once, where it cannot."""
        if self._cause:
            return self._cause[:_SAID_MAX]
        said = "; ".join(self._said)
        found = next((match[1] for pattern in _REASONS if (match := pattern.search(said)) is not None), said)
        return found[:_SAID_MAX]

    def __enter__(self) -> Self:
        logging.getLogger("opentelemetry").addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("opentelemetry").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._said[" ".join(record.getMessage().split())] = None
            self._cause = getattr(record, "cause", self._cause)
