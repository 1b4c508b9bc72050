"""Traces over OTLP: a provider whose exports are counted and told once per episode."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator

from livewatch_exporters.episodes import Episodes
from livewatch_exporters.otlp_environment import GRPC, OtlpEnvironment, cannot_start, grpc_options
from livewatch_exporters.sdk_log import SdkLog

_WHAT = "otlp trace export"
_DELAY_MS = 1000.0
"""Recoveries are rare; whoever looks at one wants to see it soon."""


def tracer_provider(
    environ: Mapping[str, str], who: Resource, ids: IdGenerator, episodes: Episodes, sdk_log: SdkLog
) -> TracerProvider:
    """Return a provider that exports.

    Raises:
        TelemetryError: for a protocol or a number that cannot be used.
    """
    told = OtlpEnvironment(environ, "traces")
    provider = TracerProvider(resource=who, id_generator=ids, shutdown_on_exit=False)
    exporter = _CountedExporter(span_exporter(told, told.timeout_s), episodes, sdk_log)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_DELAY_MS))
    return provider


def span_exporter(told: OtlpEnvironment, timeout_s: float) -> SpanExporter:
    """Build the exporter; it reads endpoint, headers and certificates from the environment itself."""
    try:
        if told.protocol == GRPC:
            from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_exporter  # noqa: PLC0415 -- 19 MB

            options: Any = grpc_options(told.endpoint)  # typed as a single pair
            return grpc_exporter.OTLPSpanExporter(timeout=timeout_s, channel_options=options)
        from opentelemetry.exporter.otlp.proto.http import trace_exporter as http_exporter  # noqa: PLC0415 -- 17 MiB

        from livewatch_exporters.otlp_transport import http_session  # noqa: PLC0415 -- brings requests

        return http_exporter.OTLPSpanExporter(timeout=timeout_s, session=http_session(told))
    except Exception as error:
        raise cannot_start(error) from error


class _CountedExporter(SpanExporter):
    """Counts what could not be exported, in place of the SDK's own many lines."""

    def __init__(self, inner: SpanExporter, episodes: Episodes, sdk_log: SdkLog) -> None:
        self._inner = inner
        self._episodes = episodes
        self._sdk_log = sdk_log

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._sdk_log.begin()
        try:
            result = self._inner.export(spans)
        except Exception as error:  # noqa: BLE001 -- an exporter may raise anything; it must not end the export thread
            self._episodes.failed(_WHAT, signal="traces", error="exception", detail=repr(error))
            return SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self._episodes.worked(_WHAT)
        else:
            self._episodes.failed(_WHAT, signal="traces", error="export_failed", detail=self._sdk_log.reason())
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()
