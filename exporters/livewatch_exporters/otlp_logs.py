"""Log events over OTLP. The SDK's logs module is not declared stable: only this file knows it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from livewatch_exporters.episodes import Episodes
from livewatch_exporters.notes import NOTE
from livewatch_exporters.otlp_environment import GRPC, OtlpEnvironment, cannot_start, grpc_options
from livewatch_exporters.resource import SCHEMA_URL, SERVICE, scope_version
from livewatch_exporters.sdk_log import SdkLog
from livewatch_exporters.session_ids import SessionNames, keys_in
from livewatch_exporters.trace_context import exemplar_context

_WHAT = "otlp log export"
_DELAY_MS = 1000.0
_SEVERITIES = {"info": SeverityNumber.INFO, "warning": SeverityNumber.WARN, "error": SeverityNumber.ERROR}
_TRACE = ("trace_id", "span_id")
"""Fields that OTLP has a place of their own for: by it, logs and traces lead to each other."""
_QUOTING = ("locks", "openclaw")
"""Parts whose notes are free text with names of files and words of a gateway."""
_NAMES = {
    "target": "livewatch.target.name",
    "attention": "livewatch.session.attention",
    "before": "livewatch.before",
    "action": "livewatch.recovery.action",
    "gate": "livewatch.recovery.gate",
    "outcome": "livewatch.recovery.outcome",
    "cause": "livewatch.cause",
}
"""Fields of log lines that have a name of their own as attributes; others stand below ``livewatch.event``."""


class OtlpEvents:
    """Sends the log's records as events."""

    def __init__(self, provider: LoggerProvider, names: SessionNames) -> None:
        self.provider = provider
        self._logger = provider.get_logger(SERVICE, scope_version(), SCHEMA_URL)
        self._names = names

    @classmethod
    def start(
        cls, environ: Mapping[str, str], who: Resource, names: SessionNames, episodes: Episodes, sdk_log: SdkLog
    ) -> "OtlpEvents":
        """Return a sender.

        Raises:
            TelemetryError: for a protocol or a number that cannot be used.
        """
        told = OtlpEnvironment(environ, "logs")
        provider = LoggerProvider(resource=who, shutdown_on_exit=False)
        exporter = _CountedExporter(log_exporter(told, told.timeout_s), episodes, sdk_log)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=_DELAY_MS))
        return cls(provider, names)

    def send(self, level: str, event: str, fields: Mapping[str, object], moment: datetime) -> None:
        """Queue one event; ``fields`` are without secrets already."""
        fields = self._for_others(event, fields)
        severity = _SEVERITIES.get(level, SeverityNumber.INFO)
        self._logger.emit(
            LogRecord(
                timestamp=int(moment.timestamp() * 1e9),
                severity_number=severity,
                severity_text=severity.name,
                context=exemplar_context("00-{}-{}-01".format(*(fields.get(name, "") for name in _TRACE))),
                event_name=event,
                body=self._names.without_keys(
                    _text(event, fields), keys_in(fields.get("session"), fields.get("evidence"))
                ),
                attributes=cast("Any", self._attributes(fields)),
            )
        )

    def _for_others(self, event: str, fields: Mapping[str, object]) -> Mapping[str, object]:
        """Keep at home what quotes a gateway or names a session's file."""
        if event == NOTE and fields.get("part") in _QUOTING and not self._names.raw:
            return {**fields, "detail": "told in the agent's own log only"}
        return fields

    def _attributes(self, fields: Mapping[str, object]) -> dict[str, str | bool | int | float | list[str]]:
        told: dict[str, str | bool | int | float | list[str]] = {}
        keys = keys_in(fields.get("session"), fields.get("evidence"))

        def plain(value: object) -> str | bool | int | float | list[str]:
            found = _plain(value)
            return self._names.without_keys(found, keys) if isinstance(found, str) else found

        for name, value in fields.items():
            if name in _TRACE:
                continue
            if name == "session":
                told |= self._names.attributes(str(value))
            elif name == "run":
                run = self._names.run(str(value))
                told |= {} if run is None else {"livewatch.event.run": run}
            elif name == "in_flight" and isinstance(value, list):
                at_work = cast("list[str]", value)
                told["livewatch.event.in_flight"] = [n for key in at_work for n in self._names.attributes(key).values()]
            elif isinstance(value, Mapping):
                parts = cast("Mapping[str, object]", value)
                told |= {f"livewatch.{name}.{part}": plain(item) for part, item in parts.items()}
            else:
                told[_NAMES.get(name, f"livewatch.event.{name}")] = plain(value)
        return told


def _text(event: str, fields: Mapping[str, object]) -> str:
    """Return what a person reads in a list of events; details are in the attributes."""
    shown = ("target", "attention", "reason", "action", "gate", "outcome", "state", "detail")
    return " ".join([event.removeprefix("livewatch."), *(str(fields[name]) for name in shown if name in fields)])


def _plain(value: object) -> str | bool | int | float | list[str]:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [str(item) for item in cast("Sequence[object]", value)]
    return str(value)


def log_exporter(told: OtlpEnvironment, timeout_s: float) -> LogRecordExporter:
    """Build the exporter; it reads endpoint, headers and certificates from the environment itself."""
    try:
        if told.protocol == GRPC:
            from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_exporter  # noqa: PLC0415 -- 19 MB

            options: Any = grpc_options(told.endpoint)  # typed as a single pair
            return grpc_exporter.OTLPLogExporter(timeout=timeout_s, channel_options=options)
        from opentelemetry.exporter.otlp.proto.http import _log_exporter as http_exporter  # noqa: PLC0415 -- 17 MiB

        from livewatch_exporters.otlp_transport import http_session  # noqa: PLC0415 -- brings requests

        return http_exporter.OTLPLogExporter(timeout=timeout_s, session=http_session(told))
    except Exception as error:
        raise cannot_start(error) from error


class _CountedExporter(LogRecordExporter):
    """Counts what could not be exported, in place of the SDK's own many lines."""

    def __init__(self, inner: LogRecordExporter, episodes: Episodes, sdk_log: SdkLog) -> None:
        self._inner: Any = inner  # its own methods have no types
        self._episodes = episodes
        self._sdk_log = sdk_log

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self._sdk_log.begin()
        try:
            result: LogRecordExportResult = self._inner.export(batch)
        except Exception as error:  # noqa: BLE001 -- an exporter may raise anything; it must not end the export thread
            self._episodes.failed(_WHAT, signal="logs", error="exception", detail=repr(error))
            return LogRecordExportResult.FAILURE
        if result is LogRecordExportResult.SUCCESS:
            self._episodes.worked(_WHAT)
        else:
            self._episodes.failed(_WHAT, signal="logs", error="export_failed", detail=self._sdk_log.reason())
        return result

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return bool(self._inner.force_flush(timeout_millis))

    def shutdown(self) -> None:
        self._inner.shutdown()
