"""`Telemetry`: all exporters of one agent, started together and ended within one deadline."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource

from livewatch_classifiers.report import TickListener
from livewatch_classifiers.thresholds import Thresholds
from livewatch_exporters.episodes import Episodes
from livewatch_exporters.events import Events
from livewatch_exporters.guarded_listener import GuardedListener
from livewatch_exporters.log import Log
from livewatch_exporters.metrics import Metrics
from livewatch_exporters.notes import Notes
from livewatch_exporters.openclaw_compat import OpenClawCompat
from livewatch_exporters.otlp import otlp_reader
from livewatch_exporters.otlp_environment import OtlpEnvironment, ignored, sdk_cannot_start
from livewatch_exporters.prometheus import PrometheusEndpoint
from livewatch_exporters.resource import SCHEMA_URL, SERVICE, resource, scope_version
from livewatch_exporters.sdk_log import SdkLog
from livewatch_exporters.session_ids import SessionNames
from livewatch_exporters.telemetry_settings import CompatMode, LogLevel, TelemetryError, TelemetrySettings
from livewatch_exporters.tick_lines import TickLines

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from livewatch_exporters.otlp_logs import OtlpEvents

_SOON_MS = 100.0
_LAST_LINES_S = 0.5
"""Part of the deadline that is kept for the log's last lines."""


class Telemetry:
    """The exporters of one agent. Its listeners neither block nor raise, whatever the other side does."""

    def __init__(self, settings: TelemetrySettings, environ: Mapping[str, str], stream: TextIO) -> None:
        self._settings = settings
        self._metrics: Metrics | None = None
        self._provider: MeterProvider | None = None
        self._endpoint: PrometheusEndpoint | None = None
        self._tracers: TracerProvider | None = None
        self._events: OtlpEvents | None = None
        self._more: list[TickListener] = []
        dropped = partial(self._count, "logs", "queue_full")
        self._log = Log(stream, settings.log_format, environ, dropped, settings.log_level)
        self._episodes = Episodes(self._count, self._log.say)
        self._sdk_log = SdkLog(self._log.say)
        self._notes = Notes(self._log.say, settings.target)
        self._closed = False
        try:
            self._start(environ)
        except BaseException as error:
            self.shutdown()
            if isinstance(error, Exception) and not isinstance(error, TelemetryError):
                raise sdk_cannot_start(error) from error  # it reads variables of its own, and raises whatever it likes
            raise
        self.listeners = self._guarded()

    @classmethod
    def start(
        cls, settings: TelemetrySettings, environ: Mapping[str, str] | None = None, stream: TextIO | None = None
    ) -> "Telemetry":
        """Start whatever ``settings`` and the ``OTEL_*`` variables ask for; the log always.

        Raises:
            ListenError: when the Prometheus endpoint's address cannot be used.
            TelemetryError: when an ``OTEL_*`` variable cannot be used.
        """
        return cls(settings, os.environ if environ is None else environ, sys.stderr if stream is None else stream)

    @property
    def traced(self) -> bool:
        """Whether recoveries are exported as traces, so that actions should carry their context."""
        return self._tracers is not None

    @property
    def prometheus_url(self) -> str | None:
        """Where Prometheus can scrape, with the port in use; ``None`` when the endpoint is off."""
        return self._endpoint.url if self._endpoint is not None else None

    def reloaded(self, thresholds: Thresholds, *, waiting: Sequence[str] = (), overridden: Sequence[str] = ()) -> None:
        """Tell that the configuration was read again, and show its limits from now on.

        ``waiting`` names keys that changed too and take effect with the next start only; ``overridden`` those of the
        file that have no effect, with what was given instead of them.
        """
        if self._metrics is not None:
            self._metrics.use(thresholds)
            self._metrics.count_reload("applied")
        facts: dict[str, object] = {"target": self._settings.target, "outcome": "applied"}
        if waiting:
            facts["waits_for_next_start"] = ", ".join(waiting)
        if overridden:
            facts["without_effect"] = "; ".join(overridden)
        self._log.say("info", "livewatch.config.reloaded", facts)

    def reload_rejected(self, problem: str) -> None:
        """Tell that the configuration on disk cannot be used; the old one stays in force."""
        if self._metrics is not None:
            self._metrics.count_reload("rejected")
        facts = {"target": self._settings.target, "outcome": "rejected", "problem": problem}
        self._log.say("error", "livewatch.config.reloaded", facts)

    def shutdown(self) -> None:
        """Export what is left and close everything within ``shutdown_timeout_s``. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        deadline_s = monotonic() + self._settings.shutdown_timeout_s
        export_s = max(0.0, self._settings.shutdown_timeout_s - _LAST_LINES_S)
        closers: list[Callable[[], object]] = []
        provider = self._provider
        if provider is not None:
            closers.append(lambda: _shut_down(provider, export_s))
        if self._tracers is not None:
            closers.append(self._tracers.shutdown)
        if self._endpoint is not None:
            closers.append(self._endpoint.close)
        if self._events is not None:
            closers.append(self._close_log)
        _all_within(closers, monotonic() + export_s)
        self._sdk_log.close()
        self._notes.close()
        self._log.close(deadline_s - monotonic())

    def _close_log(self) -> None:
        """Write the last lines first: they are events too."""
        self._log.close(_LAST_LINES_S)
        if self._events is not None:
            self._events.provider.shutdown()

    def _start(self, environ: Mapping[str, str]) -> None:
        settings = self._settings
        if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            if settings.metrics_listen is not None:
                self._log.say("warning", "livewatch.telemetry.disabled", {"detail": "OTEL_SDK_DISABLED is true"})
            return
        if unused := ignored(environ):
            self._log.say("warning", "livewatch.telemetry.ignored", {"detail": "; ".join(unused)})
        if settings.metrics_listen is not None:
            self._endpoint = PrometheusEndpoint(settings.metrics_listen, self._episodes)
        who = resource(settings.target, settings.instance, environ)
        names = SessionNames(settings.session_ids, str(who.attributes["service.instance.id"]))
        self._start_metrics(environ, who)
        if OtlpEnvironment(environ, "traces").wanted:
            self._start_traces(environ, who, names)
        told = OtlpEnvironment(environ, "logs")
        if told.wanted and told.exporter == "otlp":
            self._start_events(environ, who, names)

    def _start_traces(self, environ: Mapping[str, str], who: Resource, names: SessionNames) -> None:
        from livewatch_exporters.otlp_traces import tracer_provider  # noqa: PLC0415 -- only who exports pays for it
        from livewatch_exporters.traces import PlannedIds, Traces  # noqa: PLC0415 -- slow to import, and only needed here

        ids = PlannedIds()
        self._tracers = tracer_provider(environ, who, ids, self._episodes, self._sdk_log)
        traces = Traces(self._tracers.get_tracer(SERVICE, scope_version(), schema_url=SCHEMA_URL), ids, names)
        self._more.append(GuardedListener(traces, self._episodes, signal="traces"))

    def _start_events(self, environ: Mapping[str, str], who: Resource, names: SessionNames) -> None:
        try:
            from livewatch_exporters.otlp_logs import OtlpEvents  # noqa: PLC0415 -- the SDK's module is not stable
        except ImportError as error:
            self._log.say("warning", "livewatch.telemetry.disabled", {"what": "log events", "detail": str(error)})
            return
        self._events = OtlpEvents.start(environ, who, names, self._episodes, self._sdk_log)
        self._log.also = self._send_event

    def _send_event(self, level: str, event: str, fields: Mapping[str, object], moment: datetime) -> None:
        assert self._events is not None
        try:
            self._events.send(level, event, fields, moment)
        except Exception as error:  # noqa: BLE001 -- an event that cannot be sent must not end the log
            self._episodes.failed("log event", signal="logs", error="exception", detail=repr(error))

    def _start_metrics(self, environ: Mapping[str, str], who: Resource) -> None:
        settings = self._settings
        pushed = otlp_reader(environ, self._episodes, self._sdk_log)
        readers: list[MetricReader] = [] if pushed is None else [pushed]
        if self._endpoint is not None:
            readers.append(self._endpoint.reader)
        if not readers:
            return
        try:
            self._provider = MeterProvider(readers, who, shutdown_on_exit=False)
        except BaseException:
            if pushed is not None:  # its thread runs already, and would collect nothing for ever
                with suppress(Exception):
                    pushed.shutdown(_SOON_MS)  # pyright: ignore[reportUnknownMemberType]  # the SDK's keyword arguments
            raise
        meter = self._provider.get_meter(SERVICE, scope_version(), SCHEMA_URL)
        self._metrics = Metrics(
            meter, settings.thresholds, interval_s=settings.interval_s, prefix=settings.metric_prefix
        )
        if settings.compat_openclaw is not CompatMode.OFF:
            compat = OpenClawCompat(
                self._provider.get_meter(f"{SERVICE}.compat.openclaw", scope_version()), settings.compat_openclaw
            )
            self._more.append(GuardedListener(compat, self._episodes, signal="metrics"))
        if self._endpoint is not None:
            self._endpoint.start()

    def _guarded(self) -> Sequence[TickListener]:
        events = GuardedListener(Events(self._log.say), self._episodes, signal="logs")
        if self._settings.log_level is LogLevel.DEBUG:
            self._more.append(GuardedListener(TickLines(self._log.say), self._episodes, signal="logs"))
        if self._metrics is None:
            return (*self._more, events)
        return (GuardedListener(self._metrics, self._episodes, signal="metrics"), *self._more, events)

    def _count(self, signal: str, error: str) -> None:
        if self._metrics is not None:
            self._metrics.count_failure(signal, error)


def _shut_down(provider: MeterProvider, export_s: float) -> None:
    """Export for the last time. What fails has been counted and told; the SDK's own complaint adds nothing."""
    with suppress(Exception):
        provider.shutdown(export_s * 1000)


def _all_within(closers: Sequence[Callable[[], object]], deadline_s: float) -> None:
    """Run all at once and leave at the deadline: the SDK may wait for a silent collector longer than it is told."""
    threads = [Thread(target=closer, name="livewatch-telemetry-close", daemon=True) for closer in closers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline_s - monotonic()))
