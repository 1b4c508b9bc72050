"""The running service: opens everything in order, runs the agent, closes everything within its deadlines."""

import asyncio
import contextlib
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from livewatch.agent import Agent, Controls
from livewatch.cli.exits import Exit
from livewatch.clock import SystemClock
from livewatch.configuration.candidate import Candidate, read_candidate
from livewatch.configuration.file_text import value_of
from livewatch.configuration.load import ConfigError
from livewatch.configuration.reload import Reloader
from livewatch.configuration.schema import schema
from livewatch.configuration.settings import Settings
from livewatch.local_api import views
from livewatch.local_api.about import About
from livewatch.local_api.feed import Feed
from livewatch.local_api.health_pages import health_pages
from livewatch.local_api.history import History
from livewatch.local_api.lookups import Lookups
from livewatch.local_api.operator import Operator
from livewatch.local_api.paths import agent_socket
from livewatch.local_api.requests import EventsRequest, Nothing
from livewatch.local_api.server import Handler, LocalApi
from livewatch.lock_watch import LockWatch
from livewatch.parts import (
    ServiceError,
    claim,
    guarded,
    open_health_server,
    open_lock_watch,
    open_recorder,
    open_shadow,
    open_source,
    open_supervisor,
    remembered_holds,
    start_telemetry,
)
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.paths import holds_path, journal_path
from livewatch.recovery.tenure import Tenure
from livewatch.sources.base import Source, SourceError
from livewatch.supervision.pulse import Phase, Pulse
from livewatch_classifiers.decision import Person
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.report import TickListener
from livewatch_exporters.telemetry import Telemetry

if TYPE_CHECKING:
    from livewatch.recordings.recorder import Recorder
    from livewatch.replay.shadow import Shadow


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
        refused: deque[str],
        about: About | None = None,
        shadow: "Shadow | None" = None,
    ) -> None:
        self.agent = agent
        self.pulse = pulse
        self._settings = settings
        self._refused = refused
        self._about = about
        self._shadow = shadow
        self.telemetry = telemetry
        self.prometheus_url = telemetry.prometheus_url
        self.agent_socket = api.path
        self.operations = api.operations
        self.requests = api.requests

    async def reload(self, read: Callable[[], Settings]) -> None:
        """Take thresholds and recovery policy from the configuration as it is now; keep the old one if it is wrong.

        ``read`` is called in a thread.
        """
        try:
            settings, candidate = await asyncio.to_thread(_read_all, read)
        except ConfigError as error:
            self._refused.append(str(error))
            self.telemetry.reload_rejected(str(error))
            return
        self._refused.clear()
        self.agent.thresholds, self.agent.policy = settings.thresholds, settings.recovery
        if self._about is not None:
            self._about.reloaded(settings)
        if self._shadow is not None and candidate is not None:
            self._shadow.use(candidate)
        self.telemetry.reloaded(
            settings.thresholds, waiting=_waiting(self._settings, settings), overridden=settings.overridden
        )


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
        supervisor = stack.enter_context(contextlib.closing(open_supervisor(settings)))
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


@contextlib.asynccontextmanager
async def attached(
    settings: Settings, *, wait: bool = False, listeners: Sequence[TickListener] = (), log: TextIO | None = None
) -> AsyncGenerator[Service]:
    """Open source, journal, telemetry and local API for the length of the block; the caller runs the agent.

    Log lines go to ``log``, standard error by default.

    Raises:
        ServiceError: when there is no gateway to attach to (unless ``wait``), or a port or socket is taken.
    """
    clock, access = SystemClock(), guarded(settings)
    async with contextlib.AsyncExitStack() as stack:
        source = open_source(settings, clock)
        stack.push_async_callback(source.close)
        telemetry = start_telemetry(settings, log)  # before the first look: where it looks is worth a line
        stack.callback(telemetry.shutdown)
        if not wait:
            await _first_look(source)
        journal = Journal(
            journal_path(settings.target.name, settings.agent.state_dir), settings.target.name, clock=clock
        )
        journal.start()
        stack.callback(journal.close)
        lease = claim(settings)
        stack.callback(lease.close)
        tenure = Tenure(lease, journal, settings.recovery)
        stack.callback(tenure.close)
        pulse = Pulse(clock.monotonic_s, settings.agent.interval_s)
        health = open_health_server(settings, pulse)
        if health is not None:
            stack.callback(health.close)
            health.start()
        history = History()
        holds_file = HoldsFile(holds_path(settings.target.name, settings.agent.state_dir), clock)
        recorder, shadow = open_recorder(settings), open_shadow(settings)
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
                holds=remembered_holds(holds_file),
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
        locks = open_lock_watch(settings, clock)
        if locks is not None:
            stack.push_async_callback(locks.close)
            locks.start()
        path = agent_socket(settings.target.name, settings.agent.agent_socket)
        lookups = Lookups(agent, history, clock)
        operator = Operator(agent, history, clock, holds_file, journal.asked)
        refused = deque[str](maxlen=1)
        handlers = _handlers(agent, history, operator, locks, (recorder, shadow, refused))
        about = About(settings, journal, telemetry.prometheus_url, None if health is None else health.url)
        feed = Feed(journal, settings.target.name)
        served = {**handlers, **lookups.handlers(), **health_pages(pulse)}
        api = LocalApi(
            path,
            {
                **served,
                ("GET", "/v1/about"): Handler(Nothing, about),
                ("GET", "/v1/events"): Handler(EventsRequest, feed),
            },
            access,
        )
        try:
            await api.start()
        except OSError as error:
            raise ServiceError(Exit.USAGE, "agent_socket", str(error)) from error
        stack.push_async_callback(api.close)
        pulse.phase = Phase.OPEN
        yield Service(settings, agent, telemetry, api, pulse=pulse, refused=refused, about=about, shadow=shadow)


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
    aside: "tuple[Recorder | None, Shadow | None, deque[str]]",
) -> Mapping[tuple[str, str], Handler[Any]]:
    recorder, shadow, refused = aside

    async def status(_request: Nothing, _caller: Person) -> dict[str, Any]:
        return views.status(agent, history) | {
            "holds": operator.listed(),
            "locks": locks.listed() if locks is not None else [],
            "recording": recorder.listed() if recorder is not None else None,
            "shadow": shadow.listed() if shadow is not None else None,
            "refused_settings": refused[0] if refused else "",
        }

    return {
        ("GET", "/v1/status"): Handler(Nothing, status),
        **operator.handlers(),
    }
