"""What the exporters are told at construction."""

from dataclasses import dataclass, field
from enum import StrEnum

from livewatch_classifiers.thresholds import Thresholds


class LogFormat(StrEnum):
    """How log lines look; ``auto`` is readable on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class TelemetryError(Exception):
    """Telemetry cannot start as it was asked to. The text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Settings of the exporters. OTLP is switched on by the standard ``OTEL_*`` variables alone."""

    target: str = "gateway"
    thresholds: Thresholds = field(default_factory=Thresholds)
    interval_s: float = 1.0
    """Period of the agent's rounds; a longer round is an overrun."""
    metrics_listen: str | None = None
    """``host:port``, ``:port`` or ``port`` of the Prometheus endpoint; loopback unless a host is given, 0 takes a free
    port; ``None`` switches it off."""
    log_format: LogFormat = LogFormat.AUTO
    instance: str = ""
    """What tells this agent from others on its host whose gateway has the same name, such as the board's path."""
    shutdown_timeout_s: float = 3.0
    """All that is left to export has this long, in total."""
