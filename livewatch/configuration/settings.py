"""All settings of the agent as frozen dataclasses; `load.py` reads them from file, environment and flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from livewatch.durations import write_duration
from livewatch.recovery.settings import Policy
from livewatch.sources.round_trip import HealthUrl
from livewatch_classifiers.thresholds import Thresholds
from livewatch_exporters.metric_spec import OWN_PREFIX
from livewatch_exporters.session_ids import SessionIds
from livewatch_exporters.telemetry_settings import CompatMode, LogFormat, LogLevel, check_prefix


class SourceKind(StrEnum):
    """How a gateway is watched."""

    BOARD = "board"  # it embeds the probe
    PROCESS = "process"  # it embeds nothing: loop, process and host only
    OPENCLAW = "openclaw"  # it is OpenClaw, unmodified


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """The gateway to watch."""

    name: str = "gateway"
    """Name of the gateway in metrics, in file names and for ``livewatch status``."""
    source: SourceKind = SourceKind.BOARD
    """How it is watched."""
    pid: int | None = None
    """Process to watch, with ``source = "process"``."""
    port: int | None = None
    """A TCP port on which the gateway listens; with ``source = "process"``."""
    board: Path | None = None
    """The vitals board that the gateway's probe writes, with ``source = "board"``."""
    socket: Path | None = None
    """The gateway's control socket."""
    owner: str | None = None
    """User or uid as whom the gateway runs, where that is neither this user nor anybody while we are root."""
    url: str | None = None
    """WebSocket of an OpenClaw gateway, with ``source = "openclaw"``; found in OpenClaw's configuration by default."""
    token_file: Path | None = None
    """File with that gateway's token or password, mode 0600; found in OpenClaw's configuration by default."""
    profile: str | None = None
    """OpenClaw's profile, as in ``openclaw --profile NAME``; it says where that configuration is."""
    tls_fingerprint: str | None = None
    """SHA-256 of the certificate of a ``wss://`` gateway; that of OpenClaw's own file by default."""
    tls_certificate: Path | None = None
    """File with that certificate (PEM), in place of its fingerprint."""
    health_url: str | None = None
    """A cheap page of the gateway, such as ``http://127.0.0.1:18789/healthz``: a second witness of its life."""
    locks: Path | None = None
    """Folder of the session write-locks, to be told which of them nobody holds any more."""

    def __post_init__(self) -> None:
        """Refuse a page that cannot be asked for."""
        if self.health_url is not None:
            HealthUrl.parse(self.health_url)


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The agent itself."""

    interval_s: float = 1.0
    """Time between two looks; 500ms by default with ``source = "openclaw"``, which pushes its events."""
    state_dir: Path | None = None
    """Folder of journal and holds; ``$STATE_DIRECTORY`` or ``~/.local/state/livewatch`` by default."""
    agent_socket: Path | None = None
    """Where the agent answers `livewatch status`; a place in the runtime directory by default."""
    readers: tuple[str, ...] = ()
    """Users, uids and ``@groups`` who may ask the agent, beside root and its own user."""
    operators: tuple[str, ...] = ()
    """Those who may also make it act, such as with `livewatch recover`."""
    record: Path | None = None
    """Folder in which every round is recorded, for `livewatch replay` and `livewatch tune`; not recorded by default."""
    record_mib: int = 64
    """How much the recordings of one gateway may take together; the oldest go first."""
    shadow: Path | None = None
    """File with [thresholds] and [recovery] of a second policy, which is asked in every round and never acts."""

    def __post_init__(self) -> None:
        """Refuse an interval that would keep a core busy or never end."""
        if not 0 < self.interval_s < float("inf"):
            raise ValueError(f"interval must be a positive duration, not {self.interval_s:g} s")
        if self.record_mib < 1:
            raise ValueError(f"record_mib must be at least 1, not {self.record_mib}")


@dataclass(frozen=True, slots=True)
class TelemetryOptions:
    """What is exported; OTLP itself is switched on by the standard `OTEL_*` variables."""

    metrics_listen: str | None = None
    """``HOST:PORT`` on which metrics are served to Prometheus; not served by default."""
    health_listen: str | None = None
    """``HOST:PORT`` of ``/livez`` and ``/readyz``; loopback unless a host is given; not served by default."""
    log_format: LogFormat = LogFormat.AUTO
    """How log lines on standard error look."""
    log_level: LogLevel = LogLevel.INFO
    """The least serious log lines on standard error that are written; what is exported is not affected."""
    metric_prefix: str = OWN_PREFIX
    """What the name of each metric begins with."""
    session_ids: SessionIds = SessionIds.HASH
    """What exported spans and events say about which session they mean; local log lines always name it."""
    compat_openclaw: CompatMode = CompatMode.OFF
    """Whether OpenClaw's own metric names are exported too, and in which of their two dialects."""

    def __post_init__(self) -> None:
        """Refuse a prefix that cannot begin a metric's name."""
        check_prefix(self.metric_prefix)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings in force, and where each value that is not a default came from."""

    target: TargetSettings = field(default_factory=TargetSettings)
    thresholds: Thresholds = field(default_factory=Thresholds)
    recovery: Policy = field(default_factory=Policy)
    telemetry: TelemetryOptions = field(default_factory=TelemetryOptions)
    agent: AgentSettings = field(default_factory=AgentSettings)
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    """``section.key`` to where its value came from."""
    warnings: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    """What the file sets without effect, in words: a variable or a flag sets it too."""

    def __post_init__(self) -> None:
        """Refuse looks so rare that they cannot see the shortest silence that matters."""
        if self.agent.interval_s >= self.thresholds.warn_after_s:
            every, warn = write_duration(self.agent.interval_s), write_duration(self.thresholds.warn_after_s)
            raise ValueError(f"agent.interval ({every}) must be below thresholds.warn_after ({warn})")
