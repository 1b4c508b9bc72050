"""Each part of the running service, made from the settings.

A part that cannot be made raises `ServiceError`: one line that says what to do.
"""

import contextlib
from typing import TYPE_CHECKING, TextIO

from livewatch.cli.exits import Exit
from livewatch.clock import Clock
from livewatch.configuration.candidate import read_candidate
from livewatch.configuration.load import ConfigError
from livewatch.configuration.settings import Settings, SourceKind, TargetSettings
from livewatch.configuration.usable import check_people
from livewatch.gateway_lease import gateway_lease
from livewatch.guard.access import Access
from livewatch.guard.owner import GatewayOwner
from livewatch.guard.private_folder import UnsafeFolder, private_folder
from livewatch.lock_watch import LockWatch
from livewatch.locks import LockInspector, LockSettings
from livewatch.recovery.holds import Holds
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal.paths import journal_path
from livewatch.recovery.lease import Lease
from livewatch.sources.base import Source
from livewatch.sources.board import BoardSource
from livewatch.sources.process import ProcessSource
from livewatch.sources.round_trip import HealthUrl, RoundTrip
from livewatch.sources.witnessed import WitnessedSource
from livewatch.supervision.health_server import HealthServer
from livewatch.supervision.pulse import Pulse
from livewatch.supervision.supervisor import IntervalError, Supervisor
from livewatch_classifiers.vocabulary import Mode
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings

if TYPE_CHECKING:
    from livewatch.recordings.recorder import Recorder
    from livewatch.replay.shadow import Shadow


class ServiceError(Exception):
    """The service cannot start; the text is one line that says what to do."""

    def __init__(self, code: Exit, kind: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind


def open_source(settings: Settings, clock: Clock) -> Source:
    """Return the source that the settings name, with its second witness; nothing is read from it yet."""
    acts = settings.recovery.mode is not Mode.OBSERVE
    source, url = _source(settings.target, clock, acts=acts), settings.target.health_url
    return source if url is None else WitnessedSource(source, RoundTrip(HealthUrl.parse(url)))


def _source(target: TargetSettings, clock: Clock, *, acts: bool) -> Source:
    owner = GatewayOwner.named(target.owner)
    if target.source is SourceKind.PROCESS:
        return ProcessSource(clock, name=target.name, pid=target.pid, port=target.port)
    if target.source is SourceKind.OPENCLAW:
        from livewatch.sources.openclaw.discovery import Options  # noqa: PLC0415 -- json5 only where needed
        from livewatch.sources.openclaw.source import OpenClawSource  # noqa: PLC0415 -- websockets only where needed

        options = Options(target.profile, target.tls_fingerprint, target.tls_certificate)
        return OpenClawSource(
            clock,
            name=target.name,
            url=target.url,
            token_file=target.token_file,
            acts=acts,
            owner=owner,
            options=options,
        )
    assert target.board is not None
    return BoardSource(target.board, target.socket, clock, name=target.name, owner=owner)


def open_recorder(settings: Settings) -> "Recorder | None":
    """Return what writes every round into the folder that was named, if one was."""
    folder = settings.agent.record
    if folder is None:
        return None
    from livewatch.recordings.recorder import MIB, Recorder, RecorderSettings  # noqa: PLC0415 -- only who records pays

    try:
        private_folder(folder)
    except OSError as error:
        raise ServiceError(Exit.USAGE, "recording", f"cannot record in {folder}: {error.strerror}") from error
    return Recorder(folder, settings.target.name, RecorderSettings(bytes_max=settings.agent.record_mib * MIB))


def open_shadow(settings: Settings) -> "Shadow | None":
    """Return the second policy, if a file of one was named."""
    if settings.agent.shadow is None:
        return None
    from livewatch.replay.shadow import Shadow  # noqa: PLC0415 -- it replays decisions, and most agents have none

    try:
        candidate = read_candidate(settings.agent.shadow)
        candidate.over(settings.thresholds, settings.recovery)
    except ConfigError as error:
        raise ServiceError(Exit.USAGE, "shadow", str(error)) from error
    return Shadow(candidate)


def open_lock_watch(settings: Settings, clock: Clock) -> LockWatch | None:
    """Return what looks after session write-locks, if their folder was named."""
    if settings.target.locks is None:
        return None
    return LockWatch(LockInspector(LockSettings(settings.target.locks), clock))


def remembered_holds(file: HoldsFile) -> Holds:
    """Return the holds that an earlier agent was told."""
    try:
        return Holds(file.load())
    except OSError as error:
        raise ServiceError(Exit.USAGE, "holds", str(error)) from error


def claim(settings: Settings) -> Lease:
    """Try to become the one agent that acts on this gateway; without luck, keep trying in the background."""
    target = settings.target
    journal = journal_path(target.name, settings.agent.state_dir)
    if target.board is None:  # then the lease may lie beside the journal, which may not have made its folder yet
        with contextlib.suppress(OSError):
            private_folder(journal.parent)
    lease = Lease(gateway_lease(target, journal, make_folder=True))
    lease.start()
    return lease


def start_telemetry(settings: Settings, log: TextIO | None) -> Telemetry:
    """Return the telemetry, started; log lines go to ``log``, standard error by default."""
    wanted = TelemetrySettings(
        target=settings.target.name,
        thresholds=settings.thresholds,
        interval_s=settings.agent.interval_s,
        metrics_listen=settings.telemetry.metrics_listen,
        log_format=settings.telemetry.log_format,
        log_level=settings.telemetry.log_level,
        metric_prefix=settings.telemetry.metric_prefix,
        session_ids=settings.telemetry.session_ids,
        compat_openclaw=settings.telemetry.compat_openclaw,
        instance=str(settings.target.board or settings.target.pid or settings.target.port or settings.target.url),
    )
    try:
        return Telemetry.start(wanted, stream=log)
    except TelemetryError as error:
        raise ServiceError(Exit.USAGE, "telemetry", str(error)) from error


def open_health_server(settings: Settings, pulse: Pulse) -> HealthServer | None:
    """Return what serves ``/livez`` and ``/readyz``, if an address was given; it does not answer before its `start`."""
    if settings.telemetry.health_listen is None:
        return None
    try:
        return HealthServer(settings.telemetry.health_listen, pulse)
    except TelemetryError as error:
        raise ServiceError(Exit.USAGE, "health", f"telemetry.health_listen: {error}") from error


def open_supervisor(settings: Settings) -> Supervisor:
    """Return the supervisor that the environment names; one that hears nothing if there is none."""
    try:
        return Supervisor.of_environment(settings.agent.interval_s)
    except IntervalError as error:
        raise ServiceError(Exit.USAGE, "watchdog", str(error)) from error


def guarded(settings: Settings) -> Access:
    """Return who may ask; refuse lists that name nobody, and a state folder in which others could replace files."""
    try:
        check_people(settings)
    except ConfigError as error:
        raise ServiceError(Exit.USAGE, "access", str(error)) from error
    try:
        private_folder(journal_path(settings.target.name, settings.agent.state_dir).parent)
    except UnsafeFolder as error:
        raise ServiceError(Exit.USAGE, "state_dir", str(error)) from error
    except OSError:
        pass  # a full or read-only disk: the journal tells that, and recovery goes on without it
    return Access.of(settings.agent.readers, settings.agent.operators)
