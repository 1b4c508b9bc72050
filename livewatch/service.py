"""The running service: opens everything in order, runs the agent, closes everything within its deadlines."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from livewatch.agent import Agent, Controls
from livewatch.cli.exits import Exit
from livewatch.clock import Clock, SystemClock
from livewatch.configuration.candidate import Candidate, read_candidate
from livewatch.configuration.file_text import value_of
from livewatch.configuration.load import ConfigError
from livewatch.configuration.reload import Reloader
from livewatch.configuration.schema import schema
from livewatch.configuration.settings import Settings, SourceKind, TargetSettings
from livewatch.guard.access import Access, AccessError
from livewatch.guard.owner import GatewayOwner
from livewatch.guard.private_folder import UnsafeFolder, private_folder
from livewatch.local_api import views
from livewatch.local_api.about import About
from livewatch.local_api.feed import Feed
from livewatch.local_api.health_pages import health_pages
from livewatch.local_api.history import History
from livewatch.local_api.lookups import Lookups
from livewatch.local_api.operator import Operator
from livewatch.local_api.paths import agent_socket
from livewatch.local_api.server import Handler, LocalApi
from livewatch.lock_watch import LockWatch
from livewatch.locks import LockInspector, LockSettings
from livewatch.recordings.recorder import MIB, Recorder, RecorderSettings
from livewatch.recovery.holds import Holds
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.paths import holds_path, journal_path
from livewatch.recovery.lease import Lease, lease_path
from livewatch.recovery.tenure import Tenure
from livewatch.replay.shadow import Shadow
from livewatch.sources.base import Source, SourceError
from livewatch.sources.board import BoardSource
from livewatch.sources.process import ProcessSource
from livewatch.sources.round_trip import HealthUrl, RoundTrip
from livewatch.sources.witnessed import WitnessedSource
from livewatch.supervision.health_server import HealthServer
from livewatch.supervision.pulse import Phase, Pulse
from livewatch.supervision.supervisor import IntervalError, Supervisor
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.report import TickListener
from livewatch_classifiers.vocabulary import Mode
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings


class ServiceError(Exception):
    """The service cannot start; the text is one line that says what to do."""

    def __init__(self, code: Exit, kind: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind


class Service:
    """One agent with everything around it; `attached` makes it."""

    def __init__(
        self,
        settings: Settings,
        agent: Agent,
        telemetry: Telemetry,
        api: LocalApi,
        *,
        pulse: Pulse,
        shadow: Shadow | None = None,
    ) -> None:
        self.agent = agent
        self.pulse = pulse
        self._settings = settings
        self._shadow = shadow
        self.telemetry = telemetry
        self.prometheus_url = telemetry.prometheus_url
        self.agent_socket = api.path
        self.operations = api.operations

    async def reload(self, read: Callable[[], Settings]) -> None:
        """Take thresholds and recovery policy from the configuration as it is now; keep the old one if it is wrong.

        ``read`` is called in a thread.
        """
        try:
            settings, candidate = await asyncio.to_thread(_read_all, read)
        except ConfigError as error:
            self.telemetry.reload_rejected(str(error))
            return
        self.agent.thresholds, self.agent.policy = settings.thresholds, settings.recovery
        if self._shadow is not None and candidate is not None:
            self._shadow.use(candidate)
        self.telemetry.reloaded(settings.thresholds, waiting=_waiting(self._settings, settings))


def _read_all(read: Callable[[], Settings]) -> tuple[Settings, Candidate | None]:
    settings = read()
    if settings.agent.shadow is None:
        return settings, None
    candidate = read_candidate(settings.agent.shadow)
    candidate.over(settings.thresholds, settings.recovery)
    return settings, candidate


def _waiting(begun: Settings, now: Settings) -> list[str]:
    """Return the keys whose change waits for the next start."""
    return [key.path for key in schema() if not key.live and value_of(begun, key) != value_of(now, key)]


async def run_service(
    settings: Settings,
    *,
    wait: bool = False,
    read: Callable[[], Settings] | None = None,
    config_file: Callable[[], Path | None] = lambda: None,
) -> Exit:
    """Attach, run until SIGTERM or Ctrl-C, and return the exit code.

    SIGHUP, and a change of ``config_file()`` or of the shadow's file, take up thresholds and policy from ``read()``.

    Raises:
        ServiceError: when there is no gateway to attach to (unless ``wait``), or a port or socket is taken.
    """
    stop, code = _stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        supervisor = stack.enter_context(contextlib.closing(_supervisor(settings)))
        service = await stack.enter_async_context(attached(settings, wait=wait, listeners=[supervisor]))

        async def reload() -> None:
            assert read is not None
            with supervisor.reloading():
                await service.reload(read)

        if read is not None:
            reloader = Reloader(reload, lambda: [path for path in (config_file(), settings.agent.shadow) if path])
            reloader.start()
            stack.push_async_callback(reloader.close)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
        await service.agent.run(stop)
        supervisor.stopping()
        service.pulse.phase = Phase.STOPPING
    return code[0]


def _supervisor(settings: Settings) -> Supervisor:
    try:
        return Supervisor.of_environment(settings.agent.interval_s)
    except IntervalError as error:
        raise ServiceError(Exit.USAGE, "watchdog", str(error)) from error


@contextlib.asynccontextmanager
async def attached(
    settings: Settings, *, wait: bool = False, listeners: Sequence[TickListener] = (), log: TextIO | None = None
) -> AsyncGenerator[Service]:
    """Open source, journal, telemetry and local API for the length of the block; the caller runs the agent.

    Log lines go to ``log``, standard error by default.

    Raises:
        ServiceError: when there is no gateway to attach to (unless ``wait``), or a port or socket is taken.
    """
    clock, access = SystemClock(), _guarded(settings)
    async with contextlib.AsyncExitStack() as stack:
        source = open_source(settings, clock)
        stack.push_async_callback(source.close)
        telemetry = _start_telemetry(settings, log)  # before the first look: where it looks is worth a line
        stack.callback(telemetry.shutdown)
        if not wait:
            await _first_look(source)
        journal = Journal(
            journal_path(settings.target.name, settings.agent.state_dir), settings.target.name, clock=clock
        )
        journal.start()
        stack.callback(journal.close)
        lease = _claim(settings)
        stack.callback(lease.close)
        tenure = Tenure(lease, journal, settings.recovery)
        stack.callback(tenure.close)
        pulse = Pulse(clock.monotonic_s, settings.agent.interval_s)
        health = _health_server(settings, pulse)
        if health is not None:
            stack.callback(health.close)
            health.start()
        history = History()
        holds_file = HoldsFile(holds_path(settings.target.name, settings.agent.state_dir), clock)
        recorder, shadow = _recorder(settings), _shadow(settings)
        if recorder is not None:
            recorder.start()
            stack.callback(recorder.close)
        agent = Agent(
            source,
            clock=clock,
            intents=journal,
            thresholds=settings.thresholds,
            policy=settings.recovery,
            listeners=[history, journal, *telemetry.listeners, pulse, *listeners],
            interval_s=settings.agent.interval_s,
            controls=Controls(
                holds=_remembered_holds(holds_file),
                may_act=tenure.may_act,
                actor=tenure.other,
                io_trouble=lambda: journal.degraded,
                take_up=tenure.take_up,
            ),
            traced=telemetry.traced,
            witnesses=[recorder] if recorder is not None else [],
            shadow=shadow,
        )
        stack.push_async_callback(agent.close)
        journal.follow(lambda: (agent.policy, agent.thresholds))
        locks = _lock_watch(settings, clock)
        if locks is not None:
            stack.push_async_callback(locks.close)
            locks.start()
        path = agent_socket(settings.target.name, settings.agent.agent_socket)
        lookups = Lookups(agent, history, clock)
        operator = Operator(agent, history, clock, holds_file, journal.asked)
        handlers = _handlers(agent, history, operator, locks, (recorder, shadow))
        about = About(settings, journal, telemetry.prometheus_url, None if health is None else health.url)
        feed = Feed(journal, settings.target.name)
        served = {**handlers, **lookups.handlers(), **health_pages(pulse)}
        api = LocalApi(
            path,
            {**served, ("GET", "/v1/about"): about, ("GET", "/v1/events"): feed},
            access,
        )
        try:
            await api.start()
        except OSError as error:
            raise ServiceError(Exit.USAGE, "agent_socket", str(error)) from error
        stack.push_async_callback(api.close)
        pulse.phase = Phase.OPEN
        yield Service(settings, agent, telemetry, api, pulse=pulse, shadow=shadow)


def _guarded(settings: Settings) -> Access:
    """Return who may ask; refuse lists that name nobody, and a state folder in which others could replace files."""
    try:
        access = Access.of(settings.agent.readers, settings.agent.operators)
        GatewayOwner.named(settings.target.owner)
    except AccessError as error:
        raise ServiceError(Exit.USAGE, "access", str(error)) from error
    try:
        private_folder(journal_path(settings.target.name, settings.agent.state_dir).parent)
    except UnsafeFolder as error:
        raise ServiceError(Exit.USAGE, "state_dir", str(error)) from error
    except OSError:
        pass  # a full or read-only disk: the journal tells that, and recovery goes on without it
    return access


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
        from livewatch.sources.openclaw.source import OpenClawSource  # noqa: PLC0415 -- websockets only where needed

        return OpenClawSource(
            clock, name=target.name, url=target.url, token_file=target.token_file, acts=acts, owner=owner
        )
    assert target.board is not None
    return BoardSource(target.board, target.socket, clock, name=target.name, owner=owner)


def _recorder(settings: Settings) -> Recorder | None:
    folder = settings.agent.record
    if folder is None:
        return None
    try:
        private_folder(folder)
    except OSError as error:
        raise ServiceError(Exit.USAGE, "recording", f"cannot record in {folder}: {error.strerror}") from error
    return Recorder(folder, settings.target.name, RecorderSettings(bytes_max=settings.agent.record_mib * MIB))


def _shadow(settings: Settings) -> Shadow | None:
    if settings.agent.shadow is None:
        return None
    try:
        candidate = read_candidate(settings.agent.shadow)
        candidate.over(settings.thresholds, settings.recovery)
    except ConfigError as error:
        raise ServiceError(Exit.USAGE, "shadow", str(error)) from error
    return Shadow(candidate)


def _lock_watch(settings: Settings, clock: Clock) -> LockWatch | None:
    if settings.target.locks is None:
        return None
    return LockWatch(LockInspector(LockSettings(settings.target.locks), clock))


def _remembered_holds(file: HoldsFile) -> Holds:
    try:
        return Holds(file.load())
    except OSError as error:
        raise ServiceError(Exit.USAGE, "holds", str(error)) from error


def _claim(settings: Settings) -> Lease:
    """Try to become the one agent that acts on this gateway; without luck, keep trying in the background."""
    target = settings.target
    beside = target.board or journal_path(target.name, settings.agent.state_dir)
    if target.board is None:  # then the lease lies beside the journal, which may not have made its folder yet
        with contextlib.suppress(OSError):
            private_folder(beside.parent)
    lease = Lease(lease_path(target.socket, beside))
    lease.start()
    return lease


def _start_telemetry(settings: Settings, log: TextIO | None) -> Telemetry:
    wanted = TelemetrySettings(
        target=settings.target.name,
        thresholds=settings.thresholds,
        interval_s=settings.agent.interval_s,
        metrics_listen=settings.telemetry.metrics_listen,
        log_format=settings.telemetry.log_format,
        metric_prefix=settings.telemetry.metric_prefix,
        session_ids=settings.telemetry.session_ids,
        compat_openclaw=settings.telemetry.compat_openclaw,
        instance=str(settings.target.board or settings.target.pid or settings.target.port or settings.target.url),
    )
    try:
        return Telemetry.start(wanted, stream=log)
    except TelemetryError as error:
        raise ServiceError(Exit.USAGE, "telemetry", str(error)) from error


def _health_server(settings: Settings, pulse: Pulse) -> HealthServer | None:
    if settings.telemetry.health_listen is None:
        return None
    try:
        return HealthServer(settings.telemetry.health_listen, pulse)
    except TelemetryError as error:
        raise ServiceError(Exit.USAGE, "health", f"telemetry.health_listen: {error}") from error


async def _first_look(source: Source) -> Snapshot:
    try:
        return await source.sample()
    except SourceError as error:
        raise ServiceError(Exit.UNREACHABLE, "unreachable", f"{error}; or give --wait to wait for it") from error


def _stop_on_signals() -> tuple[asyncio.Event, list[Exit]]:
    """Return an event that SIGTERM and SIGINT set, and the exit code that goes with the one that came."""
    stop, code = asyncio.Event(), [Exit.OK]
    loop = asyncio.get_running_loop()

    def on_signal(received: Exit) -> None:
        code[0] = received
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, on_signal, Exit.OK)
    loop.add_signal_handler(signal.SIGINT, on_signal, Exit.INTERRUPTED)
    return stop, code


def _handlers(
    agent: Agent,
    history: History,
    operator: Operator,
    locks: LockWatch | None,
    aside: tuple[Recorder | None, Shadow | None],
) -> Mapping[tuple[str, str], Handler]:
    recorder, shadow = aside

    async def status(_parameters: Mapping[str, str]) -> dict[str, Any]:
        return views.status(agent, history) | {
            "holds": operator.listed(),
            "locks": locks.listed() if locks is not None else [],
            "recording": recorder.listed() if recorder is not None else None,
            "shadow": shadow.listed() if shadow is not None else None,
        }

    return {
        ("GET", "/v1/status"): status,
        **operator.handlers(),
    }
