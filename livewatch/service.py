"""The running service: opens everything in order, runs the agent, closes everything within its deadlines."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TextIO

from livewatch.agent import Agent, Controls
from livewatch.cli.exits import Exit
from livewatch.clock import Clock, SystemClock
from livewatch.config import ConfigError
from livewatch.local_api import views
from livewatch.local_api.about import About
from livewatch.local_api.feed import Feed
from livewatch.local_api.health_pages import health_pages
from livewatch.local_api.history import History
from livewatch.local_api.operator import Operator
from livewatch.local_api.paths import agent_socket
from livewatch.local_api.server import ApiError, Handler, LocalApi
from livewatch.lock_watch import LockWatch
from livewatch.locks import LockInspector, LockSettings
from livewatch.policy_file import read_candidate
from livewatch.recordings.recorder import MIB, Recorder, RecorderSettings
from livewatch.recovery.holds import Holds
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.paths import holds_path, journal_path
from livewatch.recovery.lease import Lease, lease_path
from livewatch.recovery.tenure import Tenure
from livewatch.replay.shadow import Shadow
from livewatch.settings import Settings, SourceKind, TargetSettings
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
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import Mode
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetryError, TelemetrySettings

_PUSHED_INTERVAL_S = 0.5


class ServiceError(Exception):
    """The service cannot start; the text is one line that says what to do."""

    def __init__(self, code: Exit, kind: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.kind = kind


class Service:
    """One agent with everything around it; `attached` makes it."""

    def __init__(
        self, agent: Agent, telemetry: Telemetry, api: LocalApi, pulse: Pulse, shadow: Shadow | None = None
    ) -> None:
        self.agent = agent
        self.pulse = pulse
        self._shadow = shadow
        self.telemetry = telemetry
        self.prometheus_url = telemetry.prometheus_url
        self.agent_socket = api.path

    def reload(self, read: Callable[[], Settings]) -> None:
        """Take thresholds and recovery policy from the configuration as it is now; keep the old one if it is wrong."""
        try:
            settings = read()
            candidate = read_candidate(settings.agent.shadow) if settings.agent.shadow is not None else None
            if candidate is not None:
                candidate.over(settings.thresholds, settings.recovery)
        except ConfigError as error:
            self.telemetry.reload_rejected(str(error))
            return
        self.agent.thresholds, self.agent.policy = thresholds_of(settings), settings.recovery
        if self._shadow is not None and candidate is not None:
            self._shadow.use(candidate)
        self.telemetry.reloaded(settings.thresholds)


async def run_service(settings: Settings, *, wait: bool = False, read: Callable[[], Settings] | None = None) -> Exit:
    """Attach, run until SIGTERM or Ctrl-C, and return the exit code.

    SIGHUP takes up thresholds and policy from ``read()``.

    Raises:
        ServiceError: when there is no gateway to attach to (unless ``wait``), or a port or socket is taken.
    """
    stop, code = _stop_on_signals()
    with contextlib.closing(_supervisor(settings)) as supervisor:
        async with attached(settings, wait=wait, listeners=[supervisor]) as service:

            def reload() -> None:
                assert read is not None
                with supervisor.reloading():
                    service.reload(read)

            if read is not None:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
            await service.agent.run(stop)
            supervisor.stopping()
            service.pulse.phase = Phase.STOPPING
    return code[0]


def _supervisor(settings: Settings) -> Supervisor:
    try:
        return Supervisor.of_environment(interval_of(settings))
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
    clock = SystemClock()
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
        pulse = Pulse(clock.monotonic_s, interval_of(settings))
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
            thresholds=thresholds_of(settings),
            policy=settings.recovery,
            listeners=[history, journal, *telemetry.listeners, pulse, *listeners],
            interval_s=interval_of(settings),
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
        operator = Operator(agent, history, clock, holds_file, journal.asked)
        handlers = _handlers(agent, history, operator, locks, (recorder, shadow))
        about = About(settings, journal, telemetry.prometheus_url, None if health is None else health.url)
        api = LocalApi(
            path,
            {
                **handlers,
                **health_pages(pulse),
                ("GET", "/v1/about"): about,
                ("GET", "/v1/events"): Feed(journal, settings.target.name),
            },
        )
        try:
            await api.start()
        except OSError as error:
            raise ServiceError(Exit.USAGE, "agent_socket", str(error)) from error
        stack.push_async_callback(api.close)
        pulse.phase = Phase.OPEN
        yield Service(agent, telemetry, api, pulse, shadow)


def thresholds_of(settings: Settings) -> Thresholds:
    """Return the limits in force: what an unmodified gateway repeats is reported only, unless the operator asked."""
    asked = "thresholds.abort_repeating" in settings.origins
    if settings.target.source is not SourceKind.OPENCLAW or asked:
        return settings.thresholds
    return replace(settings.thresholds, abort_repeating=False)


def interval_of(settings: Settings) -> float:
    """Return the time between two looks in seconds: a gateway that pushes its events is cheap to look at."""
    if settings.target.source is not SourceKind.OPENCLAW or "agent.interval" in settings.origins:
        return settings.agent.interval_s
    return min(_PUSHED_INTERVAL_S, settings.agent.interval_s)


def open_source(settings: Settings, clock: Clock) -> Source:
    """Return the source that the settings name, with its second witness; nothing is read from it yet."""
    acts = settings.recovery.mode is not Mode.OBSERVE
    source, url = _source(settings.target, clock, acts=acts), settings.target.health_url
    return source if url is None else WitnessedSource(source, RoundTrip(HealthUrl.parse(url)))


def _source(target: TargetSettings, clock: Clock, *, acts: bool) -> Source:
    if target.source is SourceKind.PROCESS:
        return ProcessSource(clock, name=target.name, pid=target.pid, port=target.port)
    if target.source is SourceKind.OPENCLAW:
        from livewatch.sources.openclaw.source import OpenClawSource  # noqa: PLC0415 -- websockets only where needed

        return OpenClawSource(clock, name=target.name, url=target.url, token_file=target.token_file, acts=acts)
    assert target.board is not None
    return BoardSource(target.board, target.socket, clock, name=target.name)


def _recorder(settings: Settings) -> Recorder | None:
    folder = settings.agent.record
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
            beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lease = Lease(lease_path(target.socket, beside))
    lease.start()
    return lease


def _start_telemetry(settings: Settings, log: TextIO | None) -> Telemetry:
    wanted = TelemetrySettings(
        target=settings.target.name,
        thresholds=settings.thresholds,
        interval_s=interval_of(settings),
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

    async def sessions(parameters: Mapping[str, str]) -> dict[str, Any]:
        return views.sessions(agent, parameters.get("attention"))

    async def explain(parameters: Mapping[str, str]) -> dict[str, Any]:
        key = parameters.get("session", "")
        document = views.explain(agent, key)
        if document is None:
            raise ApiError(
                HTTPStatus.NOT_FOUND, "no_such_session", f"no session {key!r}; `livewatch status` lists them"
            )
        return document

    return {
        ("GET", "/v1/status"): status,
        ("GET", "/v1/sessions"): sessions,
        ("GET", "/v1/explain"): explain,
        **operator.handlers(),
    }
