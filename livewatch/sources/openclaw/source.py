"""`OpenClawSource`: looks at and acts on a real gateway over its own protocol. Nothing in the gateway is changed."""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import psutil

from livewatch.clock import Clock
from livewatch.guard.owner import GatewayOwner
from livewatch.probe.layout import DROPS
from livewatch.sources.base import SourceError
from livewatch.sources.host import HostSampler
from livewatch.sources.openclaw.cold_reads import read_histories
from livewatch.sources.openclaw.discovery import DiscoveryError, Options, find_gateway
from livewatch.sources.openclaw.history import PARAMS, read_history
from livewatch.sources.openclaw.opinions import Opinions
from livewatch.sources.openclaw.shapes import number, table, tables
from livewatch.sources.openclaw.tracker import Tracker
from livewatch.sources.openclaw.wire import ACTING, READING, Wire, WireError
from livewatch.sources.sleep_watch import SleepWatch
from livewatch.sources.zero_touch.door import listeners
from livewatch.sources.zero_touch.loop_state import LoopState
from livewatch.sources.zero_touch.loop_watch import LoopWatch
from livewatch.sources.zero_touch.thread_look import ThreadLook
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Action, RefusedCheck, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, SamplerPass, Session, Snapshot, Vitals
from livewatch_classifiers.vocabulary import ActionKind, Phase, Presence, ProcessState, StallCause

TESTED = "2026.9.6"
POLL_S = 5.0
NOT_KNOWN = "unknown run: the gateway has not shown which run is active there, so there is none to name in an abort"
FIRST_LOOK_WITHIN_S = 15.0
_KEEP_S = 24 * 3600.0
_BACKOFF_S = (0.5, 15.0)
_ROWS = 1000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SAME_S = 1e-6
_NAMES = ("openclaw", "node")
"""How its process is called; asked only where nobody tells whose port it is."""
_PROCESS = {LoopState.STOPPED: ProcessState.STOPPED, LoopState.COMPUTING: ProcessState.RUNNING}
_CAUSES = {LoopState.COMPUTING: StallCause.OWN_CODE, LoopState.STARVED: StallCause.HOST}
_log = logging.getLogger("livewatch.openclaw")
_log.setLevel(logging.INFO)  # where port and token were found is what people ask first


@dataclass(slots=True)
class _Process:
    """The gateway's process, where it runs on this host."""

    pid: int
    watch: LoopWatch


class OpenClawSource:
    """Connects at the first `sample` and keeps connected; between two looks it only listens."""

    def __init__(
        self, clock: Clock, *, name: str, url: str | None = None, token_file: Path | None = None, acts: bool = False,
        owner: GatewayOwner | None = None, options: Options | None = None,
    ) -> None:  # fmt: skip
        """Watch the gateway at ``url``; only with ``acts`` is it asked for the right to abort runs."""
        self._acts = acts
        self._owner = owner
        self._clock = clock
        self._name = name
        self._url = url
        self._token_file = token_file
        self._options = options
        self._tracker = Tracker()
        self._opinions = Opinions()
        self._host = HostSampler()
        self._sleep = SleepWatch(clock)
        self._random = Random()  # noqa: S311 -- spreads reconnects
        self._wire: Wire | None = None
        self._process: _Process | None = None
        self._identity: GatewayIdentity | None = None
        self._info: dict[str, Any] = {}
        self._ready_s: float | None = None
        self._blind = BlindTime()
        self._problem = WireError("not connected yet")
        self._keeping: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._resyncs = 0
        self._said: set[str] = set()

    loop_source = "reported"

    @property
    def name(self) -> str:
        """Configured name of the gateway."""
        return self._name

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """Only the abort of one run: lanes cannot be reset from outside, and nothing can be force-cleared."""
        return frozenset({ActionKind.ABORT_RUN})

    async def sample(self) -> Snapshot:
        """Say what is known now; waits only at the first look, for the first connection.

        Raises:
            SourceError: while there is no connection; ``gone`` when the gateway's process is known to have ended.
        """
        if self._keeping is None:
            self._keeping = asyncio.ensure_future(self._keep_connected())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._tried.wait(), FIRST_LOOK_WITHIN_S)
        now_s = self._clock.monotonic_s()
        wire, process = self._wire, self._process
        if process is not None and process.watch.reading.gone:
            raise SourceError(f"the gateway (pid {process.pid}) has ended", "start it again", gone=True)
        if wire is None:
            raise SourceError(self._problem.problem, self._problem.hint)
        return Snapshot(
            vitals=self._vitals(wire, process, now_s),
            sessions=self._tracker.sessions(),
            lanes=self._tracker.lanes,
            identity=self._identity,
            counters=self._counters(wire),
            passes=self._passes(wire),
            opinions=self._opinions.latest,
        )

    async def act(self, action: Action) -> Reply:
        """Abort one run, if it is still the one that was judged. Never without naming it, never what is queued."""
        if action.kind is not ActionKind.ABORT_RUN:
            return Reply(ReplyStatus.UNSUPPORTED, f"OpenClaw offers no {action.kind.value} from outside")
        if not self._acts:
            return Reply(ReplyStatus.REFUSED, "connected for reading only; start livewatch with --mode abort")
        wire = self._wire
        if wire is None:
            return Reply(ReplyStatus.FAILED, self._problem.problem)
        refusal = _not_the_judged(action, self._tracker.run_of(action.session))
        if refusal is not None:
            return refusal
        assert action.run_id is not None  # else it was refused
        params = {"key": action.session, "runId": action.run_id}
        try:
            if not await self._stands_still(wire, action.session, action.run_id):
                told = "progress: a sample just now shows that it has moved, or is over"
                return Reply(ReplyStatus.REFUSED, told, check=RefusedCheck.PROGRESS)
            answer = await wire.ask("sessions.abort", params, traceparent=action.traceparent)
        except WireError as error:
            return Reply(ReplyStatus.TIMED_OUT, error.problem)
        if answer.payload is None:
            return Reply(ReplyStatus.FAILED, f"{answer.code}: {answer.message}")
        if answer.payload.get("abortedRunId") != action.run_id:
            told = f"run_id: {answer.payload.get('status', 'it aborted nothing')}"
            return Reply(ReplyStatus.REFUSED, told, check=RefusedCheck.RUN_ID)
        self._tracker.abort_asked(action.session, action.run_id, self._clock.monotonic_s())
        return Reply(ReplyStatus.DONE, "aborted; what waits behind it is kept")

    async def _stands_still(self, wire: Wire, key: str, run_id: str) -> bool:
        """Look once more at a run that never said anything to us: it is as it was when it was first seen, or moved.

        So at least two looks lie as far apart as the silence that an abort asks for. A heard run needs none.
        """
        mark = self._tracker.mark_of(key, run_id)
        if not mark:
            return True
        answer = await wire.ask("chat.history", {"sessionKey": key, **PARAMS})
        read = read_history(answer.payload or {})
        return read is not None and (read.run_id, read.mark) == (run_id, mark) and not read.waits_for_slot

    async def close(self) -> None:
        """Let go of the connection and of the measuring threads; safe to call twice."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await asyncio.to_thread(self._let_go)
        await asyncio.to_thread(self._host.close)

    async def _keep_connected(self) -> None:
        delay_s = _BACKOFF_S[0]
        while True:
            try:
                await self._connection()
                delay_s = _BACKOFF_S[0]
                self._problem = WireError("the connection to the gateway was lost")
            except WireError as error:
                self._problem = error
                delay_s = error.retry_after_s or min(2 * delay_s, _BACKOFF_S[1])
            except DiscoveryError as error:
                self._problem, delay_s = WireError(str(error), "then it connects by itself"), _BACKOFF_S[1]
            except Exception as error:  # noqa: BLE001 -- whatever a gateway says, the agent goes on watching
                _log.warning("the gateway said what is not understood: %r", error)
                self._problem, delay_s = (
                    WireError(f"the gateway said what is not understood ({type(error).__name__})"),
                    _BACKOFF_S[1],
                )
            self._wire = None
            if self._problem.retry_after_s is None:
                self._tried.set()
            await asyncio.sleep(delay_s * self._random.uniform(0.5, 1.0))

    async def _connection(self) -> None:
        """Connect, and stay until the connection ends.

        Raises:
            WireError: when it cannot be made or a look at the gateway fails.
            DiscoveryError: when a file that was named cannot be used.
        """
        found = await asyncio.to_thread(find_gateway, self._url, self._token_file, None, self._options)
        self._say(f"connecting to {found.said}")
        scopes = ACTING if self._acts else READING
        wire = await Wire.open(
            found.url,
            found.token,
            self._tracker,
            scopes=scopes,
            owner=self._owner,
            pin=found.pin,
            lacking=found.lacking,
        )
        reading: asyncio.Task[None] | None = None
        try:
            server = table(wire.hello.get("server"))
            if server.get("version") != TESTED:
                self._say(f"the gateway is OpenClaw {server.get('version')}; livewatch was tested with {TESTED}")
            await _told(wire, "sessions.subscribe")
            await self._resynchronise(wire, found.url)
            self._wire, seen = wire, wire.gaps
            self._tried.set()
            reading = asyncio.ensure_future(read_histories(wire, self._tracker, self._clock))
            while not wire.closed:
                await asyncio.sleep(POLL_S if wire.gaps == seen else 0.0)
                seen = wire.gaps
                with contextlib.suppress(WireError):  # it may be stopped: the ping tells, and the connection stays
                    await self._poll(wire)
        finally:
            await _ended(reading)
            await wire.close()

    async def _resynchronise(self, wire: Wire, url: str) -> None:
        """Learn anew what is there, after a start, a restart or a gap in what was heard."""
        now_s = self._clock.monotonic_s()
        info = await _told(wire, "system.info")
        pid, instance = info.get("pid"), str(info.get("processInstanceId"))
        identity = GatewayIdentity(pid if isinstance(pid, int) else 0, instance)
        if identity != self._identity:
            self._tracker.restarted()
            self._opinions = Opinions()
            self._identity = identity
            self._ready_s = now_s - (_scaled(info.get("uptimeMs"), 1e-3) or 0.0)
            await asyncio.to_thread(self._attach, identity.pid, url)
        else:
            self._tracker.gap(now_s)
        self._resyncs += 1
        await self._poll(wire)
        if self._acts:
            await self._pending_requests(wire)

    async def _pending_requests(self, wire: Wire) -> None:
        """Learn who waits for a person since before this connection; these lists are for the scopes of an actor."""
        for kind in ("exec.approval", "plugin.approval", "question"):
            answer = await _told(wire, f"{kind}.list")
            for item in tables(answer.get("items") or answer.get("questions")):
                self._tracker.on_event(f"{kind}.requested", item, self._clock.monotonic_s())

    async def _poll(self, wire: Wire) -> None:
        """Ask for what no event tells."""
        self._info = await _told(wire, "system.info")
        listed = await _told(wire, "sessions.list", {"limit": _ROWS})
        if isinstance(listed.get("sessions"), list):
            known = [{"ts": listed.get("ts"), **row} for row in tables(listed["sessions"])]
            self._tracker.on_list(known, self._clock.monotonic_s(), complete=listed.get("hasMore") is False)
        lanes = await _told(wire, "diagnostics.lanes")
        self._tracker.on_lanes(tables(lanes.get("lanes")), lanes.get("dynamic"))
        self._opinions.on_ring(await _told(wire, "diagnostics.stability"), self._clock.monotonic_s())

    def _attach(self, pid: int, url: str) -> None:
        """Look at the process from outside too, if it is one of this host and namespace."""
        self._let_go()
        where = urlsplit(url)
        if where.hostname not in _LOOPBACK or not _is_it(pid, where.port):
            self._say("the gateway's process cannot be seen from here: only what it says itself, and the ping")
            return
        # No knocking at its port: the ping over the connection tells a blocked loop from an idle one.
        watch = LoopWatch(ThreadLook(pid).look, None, now_s=time.monotonic())
        watch.start()
        self._process = _Process(pid, watch)

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.watch.close()

    def _vitals(self, wire: Wire, process: _Process | None, now_s: float) -> Vitals:
        silent_s = wire.pulse.waiting_s
        ended, wire.silences = wire.silences, []
        if ended:
            self._blind = self._blind.extended(ended, forget_before_s=now_s - _KEEP_S)
        blind = self._blind
        if silent_s > 0:
            blind = blind.extended([(now_s - silent_s, now_s)], forget_before_s=now_s - _KEEP_S)
        state = process.watch.reading.state if process is not None else LoopState.UNKNOWN
        told = table(self._info.get("eventLoop"))
        vitals = Vitals(
            now_s=now_s,
            blind=blind,
            phase=Phase.DRAINING if self._tracker.draining else Phase.READY,
            process=_PROCESS.get(state, ProcessState.SLEEPING if process is not None else ProcessState.UNKNOWN),
            ready_s=self._ready_s,
            loop_heartbeat_s=now_s - silent_s,
            loop_delay_p99_s=_scaled(told.get("delayP99Ms"), 1e-3),
            loop_delay_max_s=_scaled(told.get("delayMaxMs"), 1e-3),
            loop_utilization=_scaled(told.get("utilization"), 1.0),
            round_trip_s=wire.pulse.took_s,
            cause=_CAUSES.get(state, StallCause.UNKNOWN),
            suspended=self._sleep.slept(),
        )
        if process is None:
            return replace(vitals, cpu_cores=_scaled(told.get("cpuCoreRatio"), 1.0))
        reading = self._host.reading(process.pid)
        return reading.onto(vitals, self._clock.wall_s())

    def _counters(self, wire: Wire) -> MappingProxyType[str, int]:
        return MappingProxyType(
            {
                **{f"heartbeats_dropped.{reason}": self._tracker.dropped[reason] for reason in DROPS},
                "events_ignored": sum(self._tracker.ignored.values()),
                "frames_unreadable": wire.unreadable,
                "event_gaps": wire.gaps,
                "resynchronised": self._resyncs,
                "sessions_overflowed": self._tracker.overflowed,
            }
        )

    def _passes(self, wire: Wire) -> tuple[SamplerPass, ...]:
        if wire.pulse.beat_s is None or wire.pulse.took_s is None:
            return ()
        return (SamplerPass("health", wire.pulse.beat_s, wire.pulse.took_s),)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.info("%s", text)


def _is_it(pid: int, port: int | None) -> bool:
    """Return whether ``pid`` means the same process here as there: in a container it may be anybody, even ourselves."""
    owners = {one.pid for one in listeners() if one.port == port}
    if owners - {None}:
        return pid in owners
    try:
        return psutil.Process(pid).name().startswith(_NAMES)
    except (psutil.Error, ValueError):
        return False


def _not_the_judged(action: Action, session: Session | None) -> Reply | None:
    """Return a refusal where the run that is active is not the one that was judged, or ``None`` when it is."""
    if action.run_id is None or session is None or (session.run is None and session.owner is Presence.UNKNOWN):
        return Reply(ReplyStatus.REFUSED, NOT_KNOWN)
    if session.run is None or session.run.id != action.run_id:
        return Reply(ReplyStatus.REFUSED, "run_id: another run is active now, or none", check=RefusedCheck.RUN_ID)
    if action.repeats is not None:  # a loop changes with each step, and none of them is new
        new = session.repeats < action.repeats
        told = "repeats: the run did something new since it was judged"
        return Reply(ReplyStatus.REFUSED, told, check=RefusedCheck.REPEATS) if new else None
    moved_s = (session.progress_s or 0.0) - (action.progress_s or 0.0)
    if action.progress_s is not None and moved_s > _SAME_S:
        return Reply(ReplyStatus.REFUSED, "progress: it has moved since", check=RefusedCheck.PROGRESS)
    return None


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _told(wire: Wire, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the answer, or nothing where this version or these scopes do not offer the method."""
    return (await wire.ask(method, params)).payload or {}


def _scaled(value: object, scale: float) -> float | None:
    found = number(value)
    return None if found is None else found * scale
