"""The standard ``OTEL_*`` variables: telemetry starts, or a `TelemetryError` says in one line which one is wrong."""

import io
import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random
from unittest import mock

from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.config import one_line

_NAMES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_METRICS_EXPORTER",
    "OTEL_TRACES_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_PROPAGATORS",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_PYTHON_ID_GENERATOR",
    "OTEL_PYTHON_METER_PROVIDER",
)
_VALUES = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "nan",
    "inf",
    "1e999",
    "true",
    "none",
    "console",
    "otlp",
    "grpc",
    "http/protobuf",
    "http/json",
    "gzip",
    "http://127.0.0.1:1",
    "https://127.0.0.1:1",
    "127.0.0.1:1",
    "http://[::1",
    "http://user:pass@127.0.0.1:1/x",
    "file:///dev/null",
    "a=b,c",
    "a=b,c=%ff",
    "=",
    ",,,",
    "\udcff",
    "k" * 3000,
    "/nonexistent",
    "9" * 400,
    "parentbased_traceidratio",
    "2.0",
    "cumulative",
    "delta",
    "base2_exponential_bucket_histogram",
    "random",
    "host,process",
    "x y",
    "1000",
)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


class OtelEnvironmentTarget(Target):
    """One ``NAME=value`` a line."""

    name = "otel-environment"
    cpu_s = 20.0
    brief = 60

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._sdk = logging.getLogger("opentelemetry.sdk.metrics._internal.export")
        self._sdk.addFilter(_nothing)

    def close(self) -> None:
        """Let the SDK speak again."""
        self._sdk.removeFilter(_nothing)

    def seeds(self) -> list[bytes]:
        """Return an ordinary environment, and one that says nothing."""
        ordinary = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_METRIC_EXPORT_INTERVAL": "60000",
            "OTEL_RESOURCE_ATTRIBUTES": "a=b",
        }
        return ["\n".join(f"{name}={value}" for name, value in ordinary.items()).encode(), b""]

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Set some variables to some values, or change bytes."""
        if random.random() < 0.2:
            return super().mutated(random, data, pool)
        lines = [*data.split(b"\n"), b""]
        for _ in range(random.randint(1, 3)):
            line = f"{random.choice(_NAMES)}={random.choice(_VALUES)}".encode(errors="surrogateescape")
            lines[random.randrange(len(lines))] = line
        return b"\n".join(lines)

    def run(self, data: bytes) -> str:
        """Start and end."""
        told = dict(
            line.partition("=")[::2]
            for line in data.decode(errors="surrogateescape").replace("\0", "").split("\n")
            if line.startswith("OTEL_") and "=" in line
        )
        stream = io.StringIO()
        with mock.patch.dict("os.environ", told):
            try:
                telemetry = Telemetry.start(TelemetrySettings(target="gw", shutdown_timeout_s=0.05), stream=stream)
            except TelemetryError as error:
                return one_line(error)[:40]
            telemetry.shutdown()
        if "Traceback" in stream.getvalue():
            raise Finding(stream.getvalue()[-500:])
        return f"started {len(telemetry.listeners)}"
