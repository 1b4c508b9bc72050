"""Metrics over OTLP, HTTP or gRPC as the ``OTEL_*`` variables say; nothing is imported before it is needed."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)

from livewatch_exporters.cardinality import LIMITS
from livewatch_exporters.episodes import Episodes
from livewatch_exporters.otlp_environment import GRPC, OtlpEnvironment, cannot_start, grpc_options
from livewatch_exporters.sdk_log import SdkLog

DEFAULT_INTERVAL_S = 15.0


def otlp_reader(environ: Mapping[str, str], episodes: Episodes, sdk_log: SdkLog) -> MetricReader | None:
    """Return a reader that pushes metrics, or ``None`` when no endpoint is set.

    Raises:
        TelemetryError: for a protocol or a number that cannot be used.
    """
    told = OtlpEnvironment(environ, "metrics")
    if not told.wanted:
        return None
    interval_s = told.seconds("OTEL_METRIC_EXPORT_INTERVAL", DEFAULT_INTERVAL_S)
    exporter = _CountedExporter(metric_exporter(told, told.timeout_s), episodes, sdk_log)
    return PeriodicExportingMetricReader(exporter, interval_s * 1000, told.timeout_s * 1000, LIMITS)


def metric_exporter(told: OtlpEnvironment, timeout_s: float) -> MetricExporter:
    """Build the exporter; it reads endpoint, headers, certificates and preferences from the environment itself."""
    try:
        if told.protocol == GRPC:
            from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_exporter  # noqa: PLC0415 -- 19 MB

            options: Any = grpc_options(told.endpoint)  # typed as a single pair
            return grpc_exporter.OTLPMetricExporter(timeout=timeout_s, channel_options=options)
        from opentelemetry.exporter.otlp.proto.http import metric_exporter as http_exporter  # noqa: PLC0415 -- 17 MiB

        from livewatch_exporters.otlp_transport import http_session  # noqa: PLC0415 -- brings requests

        return http_exporter.OTLPMetricExporter(timeout=timeout_s, session=http_session(told))
    except Exception as error:
        raise cannot_start(error) from error


class _CountedExporter(MetricExporter):
    """Counts what could not be exported and says so once per episode, in place of the SDK's own many lines."""

    def __init__(self, inner: MetricExporter, episodes: Episodes, sdk_log: SdkLog) -> None:
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] -- a reader asks its exporter for both and there is no public name
        self._inner: Any = inner  # its own keyword arguments have no types
        self._episodes = episodes
        self._sdk_log = sdk_log

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self._sdk_log.begin()
        try:
            result: MetricExportResult = self._inner.export(metrics_data, timeout_millis, **kwargs)
        except Exception as error:  # noqa: BLE001 -- an exporter may raise anything; it must not end the export thread
            self._episodes.failed("otlp export", signal="metrics", error="exception", detail=repr(error))
            return MetricExportResult.FAILURE
        if result is MetricExportResult.SUCCESS:
            self._episodes.worked("otlp export")
        else:
            self._episodes.failed("otlp export", signal="metrics", error="export_failed", detail=self._sdk_log.reason())
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return bool(self._inner.force_flush(timeout_millis))

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._inner.shutdown(timeout_millis, **kwargs)
