"""What the exporters are told at construction."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from livewatch_classifiers.thresholds import Thresholds
from livewatch_exporters.metric_spec import OWN_PREFIX
from livewatch_exporters.session_ids import SessionIds


class LogFormat(StrEnum):
    """How log lines look; ``auto`` is readable on a terminal and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    """The least serious of the lines on standard error that are written; events over OTLP are not affected."""

    DEBUG = "debug"  # a line for each tick, too
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    def admits(self, level: str) -> bool:
        """Return whether a line of that level is written; one of an unknown level is."""
        levels = [member.value for member in LogLevel]
        return level not in levels or levels.index(level) >= levels.index(self.value)


class CompatMode(StrEnum):
    """Whether OpenClaw's own metric names are recorded too, and in which of their two dialects.

    Off by default: a gateway that exports them itself would count double.
    """

    OFF = "off"
    OTLP = "otlp"  # OpenClaw's OpenTelemetry names, milliseconds, as dashboards behind a collector know them
    PROMETHEUS = "prometheus"  # the names of OpenClaw's own Prometheus endpoint, seconds


_PREFIX = re.compile(r"(?:[A-Za-z][A-Za-z0-9_./-]{0,127})?")


def check_prefix(prefix: str) -> None:
    """Do nothing for a prefix that can begin a metric's name.

    Raises:
        ValueError: for any other.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(
            f"metric_prefix {prefix!r} must begin with a letter and hold only letters, digits and _ . / -, "
            "at most 128 of them"
        )


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
    log_level: LogLevel = LogLevel.INFO
    instance: str = ""
    """What tells this agent from others on its host whose gateway has the same name, such as the board's path."""
    metric_prefix: str = OWN_PREFIX
    """What the names of metrics begin with; may be empty. The dashboards know only the default."""
    session_ids: SessionIds = SessionIds.HASH
    compat_openclaw: CompatMode = CompatMode.OFF
    shutdown_timeout_s: float = 3.0
    """All that is left to export has this long, in total."""
