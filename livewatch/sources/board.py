"""A gateway that embeds the probe, observed through its vitals board and repaired through its control socket."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from livewatch.clock import Clock
from livewatch.guard.owner import GatewayOwner
from livewatch.probe.layout import DRAIN_OUTCOMES, DROPS, LANES
from livewatch.sources.base import SourceError
from livewatch.sources.board_file import BoardFile, check_writer, identity_of, same_namespace, writer_ended, writer_of
from livewatch.sources.board_slots import BoardSlots
from livewatch.sources.board_vitals import BoardVitals
from livewatch.sources.control import ControlClient
from livewatch.sources.host import HostSampler
from livewatch.sources.host_reading import HostReading
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, SamplerPass, Snapshot
from livewatch_classifiers.vocabulary import ActionKind

_ASKABLE = frozenset(ActionKind) - {ActionKind.RESTART_TARGET}
"""A gateway is restarted by its supervisor, never by itself."""
_ASK_AGAIN_S = 2.0
_COUNTED = {
    **{f"heartbeats_dropped.{reason}": f"drops_{reason}" for reason in DROPS},
    **{f"drained.{outcome}": f"drained_{outcome}" for outcome in DRAIN_OUTCOMES},
    **{f"contended.{waiter}.{holder}": f"contended_{waiter}_{holder}" for waiter in LANES for holder in LANES},
    **{name: name for name in ("sessions_overflowed", "names_truncated", "slots_reused")},
}
"""Counters, and the field of the board's header in which each stands."""
_counted = itemgetter(*_COUNTED.values())
_log = logging.getLogger("livewatch.sources.board")


@dataclass(slots=True)
class _Attached:
    """One board, and everything remembered from looking at it."""

    file: BoardFile
    slots: BoardSlots
    vitals: BoardVitals
    identity: GatewayIdentity | None = None


class BoardSource:
    """Source for an embedded gateway. Opens the board at the first `sample` and again after a gateway's restart."""

    def __init__(
        self, board: Path, socket: Path | None, clock: Clock, *, name: str = "gateway",
        owner: GatewayOwner | None = None,
    ) -> None:  # fmt: skip
        """Watch the gateway that writes ``board``; believe only what belongs to its ``owner``."""
        self._owner = owner or GatewayOwner()
        self._path = board
        self._clock = clock
        self._name = name
        self._control = ControlClient(socket, owner=self._owner) if socket is not None else None
        self._capabilities: frozenset[ActionKind] = _ASKABLE if socket is not None else frozenset()
        self._discards = frozenset[ActionKind]()
        self.control_problem = ""
        """Why no repair can be sent to the gateway; empty when nothing is known against it."""
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="livewatch.board")
        """Every look is taken there: the thread that decides opens no file, and no slow disk holds it up."""
        self._host = HostSampler()
        self._attached: _Attached | None = None
        self._header: Mapping[str, int] | None = None
        self._asking: asyncio.Task[None] | None = None
        self._asked: GatewayIdentity | None = None
        self._answered = False
        self._ask_at_s = 0.0

    @property
    def name(self) -> str:
        """Configured name of the gateway."""
        return self._name

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """The actions to ask for: everything until the gateway has said what it offers, nothing without a socket."""
        return self._capabilities

    @property
    def discards(self) -> frozenset[ActionKind]:
        """The actions that the gateway says throw queued messages away."""
        return self._discards

    async def sample(self) -> Snapshot:
        """Look once; takes no lock, waits for nobody, copies only what is in use.

        Raises:
            SourceError: when there is no whole board of a living gateway; ``gone`` when its process has ended.
        """
        now_s = self._clock.monotonic_s()  # before the board is read: a pause of ours must not age anybody
        snapshot = await asyncio.get_running_loop().run_in_executor(self._reader, self._sample, now_s)
        self._refine(now_s)
        return snapshot

    async def act(self, action: Action) -> Reply:
        """Ask for one action; bounded in time, never raises for what the gateway does."""
        if self._control is None:
            return Reply(ReplyStatus.UNSUPPORTED, "no control socket is configured")
        return await self._control.act(action)

    async def close(self) -> None:
        """Let go of the board, the socket and the measuring thread; safe to call twice."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        await asyncio.to_thread(self._let_go)

    def _let_go(self) -> None:
        self._reader.shutdown()
        self._detach()
        self._host.close()

    def _sample(self, now_s: float) -> Snapshot:
        try:
            return self._look(self._attach(), now_s)
        except SourceError as error:
            self._detach()
            if not error.gone and self._ended():
                raise SourceError(error.problem, error.hint, gone=True) from error
            raise

    def _attach(self) -> _Attached:
        if self._attached is not None and self._attached.file.replaced():
            self._detach()
        if self._attached is None:
            self._attached = _Attached(BoardFile(self._path, self._owner), BoardSlots(), BoardVitals(self._clock))
        return self._attached

    def _detach(self) -> None:
        if self._attached is not None:
            self._attached.file.close()
            self._attached = None

    def _ended(self) -> bool:
        """Return whether the gateway that was seen last is known to have ended."""
        if self._header is None:
            return False
        return writer_ended(self._path, self._header)

    def _look(self, attached: _Attached, now_s: float) -> Snapshot:
        file, slots = attached.file, attached.slots
        header, layout = file.look()
        process = writer_of(self._path, header)
        identity = identity_of(header)
        if attached.identity not in (None, identity):
            raise SourceError(f"the board {self._path} changed hands", "it is read again at the next tick")
        if attached.identity is None and same_namespace(header):
            check_writer(self._path, file.owner_uid, header["pid"])
        attached.identity, self._header = identity, header
        vitals = attached.vitals.look(file.read, layout, header, process.state, now_s)
        slots.look(file.read, layout, header["slots_used"])
        ours = same_namespace(header)
        thread = header["loop_thread"]
        reading = self._host.reading(header["pid"], slots.children(), thread=thread) if ours else HostReading(0)
        return Snapshot(
            vitals=attached.vitals.with_host(vitals, reading, self._clock.wall_s()),
            sessions=slots.sessions(reading.working_s),
            delta=slots.delta,
            identity=identity,
            counters=_counters(header, attached),
            passes=_passes(reading),
        )

    def _refine(self, now_s: float) -> None:
        """Ask in the background what the gateway offers: each gateway process once, until it has answered."""
        if self._control is None or self._header is None:
            return
        identity = identity_of(self._header)
        if identity != self._asked:
            self._asked, self._answered, self._ask_at_s, self._capabilities = identity, False, now_s, _ASKABLE
        if not self._answered and self._asking is None and now_s >= self._ask_at_s:
            self._ask_at_s = now_s + _ASK_AGAIN_S
            self._asking = asyncio.create_task(self._ask(self._control, self._header), name="livewatch.capabilities")

    async def _ask(self, control: ControlClient, header: Mapping[str, int]) -> None:
        info = await control.info()
        self._asking = None
        if control.problem != self.control_problem:
            self.control_problem = control.problem
            if control.problem:
                _log.warning("%s; no repair can be sent until it answers", control.problem)
        if control.problem:
            self._capabilities = frozenset()
        if info is None or identity_of(header) != self._asked:
            return
        if same_namespace(header) and info.get("pid", header["pid"]) != header["pid"]:
            # Acting on another gateway than the one observed would be the worst thing to do.
            self._capabilities = frozenset()
            _log.warning("the control socket is not that of the board's gateway (pid %d); not acting", header["pid"])
        elif isinstance(info.get("capabilities"), list):
            self._answered, self._capabilities = True, _named(info, "capabilities")
            self._discards = _named(info, "discards")


def _named(info: Mapping[str, Any], what: str) -> frozenset[ActionKind]:
    words = cast("list[object]", info[what]) if isinstance(info.get(what), list) else []
    return frozenset(kind for kind in ActionKind if kind.value in words and (kind in _ASKABLE or what == "discards"))


def _passes(reading: HostReading) -> tuple[SamplerPass, ...]:
    if reading.measured_s is None:
        return ()
    return (SamplerPass("process", reading.measured_s, reading.took_s),)


def _counters(header: Mapping[str, int], attached: _Attached) -> Mapping[str, int]:
    counts = dict(zip(_COUNTED, _counted(header), strict=True))
    counts["torn_slots"] = attached.slots.torn
    counts["unreadable_fields"] = attached.slots.unreadable + attached.vitals.unreadable
    counts["stall_ring_overruns"] = attached.vitals.ring_overruns
    return MappingProxyType(counts)
