"""The probe: what a gateway opens once, and asks for its sessions."""

import asyncio
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from livewatch.guard.access import Access
from livewatch.probe.board import BoardWriter
from livewatch.probe.control import PROTOCOL_VERSION, Control, ControlServer
from livewatch.probe.drain import DrainReport, drain
from livewatch.probe.gc_clock import GcClock
from livewatch.probe.holders import HolderRegistry, Holding, OnContention
from livewatch.probe.layout import DRAIN_OUTCOMES, PHASES, shown
from livewatch.probe.levers import ACTIONS, Levers, Refused, capabilities, discarding
from livewatch.probe.loop import RESOLUTION_S, LoopSampler
from livewatch.probe.run import Run
from livewatch.probe.session import Session
from livewatch.probe.watcher import Watcher

DRAIN_S = 30.0
"""How long a gateway may drain when who asks says nothing else."""
_ENDS_A_RUN = ("abort_run", "force_clear")
_CLOCK_TOLERANCE_NS = 1000
"""Progress stamps travel as seconds in a double: half a microsecond may be lost on the way."""


class Probe:
    """Publishes a gateway's sessions and its loop on the vitals board, and takes actions from the control socket.

    ``async with Probe.open(board_path, socket_path, levers=...) as probe`` in the gateway's main coroutine; all other
    calls belong on the same loop.
    """

    def __init__(
        self, board: BoardWriter, socket_path: Path | None, levers: Levers, resolution_s: float,
        access: Access | None = None,
    ) -> None:  # fmt: skip
        self._board = board
        self._access = access or Access()
        self._socket_path = socket_path
        self._levers = levers
        self._discards = discarding(levers)
        self._sessions: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary()
        self._long_names: weakref.WeakValueDictionary[str, Session] = weakref.WeakValueDictionary()
        self._sampler = LoopSampler(board, resolution_s)
        self._gc_clock = GcClock(board)
        self._watcher: Watcher | None = None
        self._server: ControlServer | None = None
        self._admitting = True
        self._holders = HolderRegistry(lambda waiter, holder: board.add(f"contended_{waiter}_{holder}"))

    @classmethod
    def open(
        cls, board: Path | str, socket: Path | str | None = None, *, levers: Levers | None = None, capacity: int = 1024,
        loop_resolution: float = RESOLUTION_S, readers: Sequence[str] = (), operators: Sequence[str] = (),
    ) -> "Probe":  # fmt: skip
        """Create the board; nothing runs before `start`.

        Args:
            board: path of the file to publish on; best on a memory-backed file system.
            socket: path of the control socket; without it the agent can only look.
            levers: what the agent may do; nothing by default.
            capacity: how many sessions fit; 496 bytes each. Further ones are counted, not watched.
            loop_resolution: seconds between two samples of the loop's delay; each costs about 1.5 µs.
            readers: users, uids and ``@groups`` who may ask the control socket, beside root and this user.
            operators: those who may also act through it.

        Raises:
            OSError: when the board cannot be created, or others could replace it.
            ValueError: when ``loop_resolution`` is not positive, or somebody in the lists is not known here.
        """
        if not loop_resolution > 0:
            raise ValueError(f"loop_resolution must be positive, not {loop_resolution:g} s")
        access = Access.of(readers, operators)
        writer = BoardWriter(Path(board), capacity)
        return cls(writer, None if socket is None else Path(socket), levers or Levers(), loop_resolution, access)

    def acquire(
        self,
        session_file: Path | str,
        *,
        session: Session | None = None,
        lane: str | None = None,
        run_id: str = "",
        on_contention: OnContention = "wait",
        timeout: float | None = None,
    ) -> Holding:
        """Return the right to write a session file; enter it with ``async with``. One holder per file at a time.

        Args:
            session_file: any path to it; two names of one file are one file.
            session: whose file it is; the board then shows that it has a holder.
            lane: kind of lane of who asks; the session's own by default.
            run_id: shown to whoever has to wait.
            on_contention: ``wait`` in line, or ``raise`` at once.
            timeout: longest wait in seconds; ``None`` waits as long as it takes.

        Entering raises:
            SessionContendedError: when somebody else holds the file and the wait is over or not wanted.
        """
        kind = lane or (session.lane if session is not None else "session")
        return self._holders.acquire(
            session_file, lane=kind, run_id=run_id, session=session, on_contention=on_contention, timeout=timeout
        )

    async def drain(self, timeout: float) -> DrainReport:  # noqa: ASYNC109 -- what is over then is told, not raised
        """Let no new run begin and wait up to ``timeout`` seconds for the rest; return how each ended.

        A run that outlived its own timeout is force-cleared at once, through the gateway's lever where it has one.
        Give less time than the supervisor has patience for.
        """
        self.draining()
        self._admitting = False
        report = await drain(lambda: list(self._sessions.values()), self._clear, timeout)
        for outcome, runs in zip(DRAIN_OUTCOMES, (report.finished, report.cleared, report.left), strict=True):
            self._board.add(f"drained_{outcome}", len(runs))
        return report

    def start(self) -> None:
        """Begin to measure the running loop and to serve the control socket.

        Raises:
            OSError: when the control socket cannot be bound, or another process answers there.
        """
        if self._socket_path is not None:  # first: when it fails, nothing else has begun
            try:
                control = Control(self._execute, self._info)
                self._server = ControlServer(self._socket_path, control, self._access)
            except BaseException:
                self._board.close()
                raise
        self._board.set("loop_thread", threading.get_native_id())
        self._board.set("thread_heartbeat_ns", time.monotonic_ns())
        self._sampler.start()
        self._gc_clock.start()
        self._watcher = Watcher(self._board, threading.get_ident())
        self._watcher.start()

    def stop(self) -> None:
        """End everything and remove board and socket; safe to call twice."""
        self._sampler.stop()
        self._gc_clock.stop()
        if self._watcher is not None:
            self._watcher.stop()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._board.close()

    def ready(self) -> None:
        """Report that the gateway serves sessions now; nothing is judged dead before."""
        self._board.set("ready_ns", time.monotonic_ns())
        self._board.set("phase", PHASES.index("ready"))

    def draining(self) -> None:
        """Report that the gateway ends."""
        self._board.set("phase", PHASES.index("draining"))

    def session(self, key: str, lane: str = "session", session_id: str | None = None) -> Session:
        """Return the handle of a session; the same key gives the same object while the gateway keeps it.

        Args:
            key: stable name; at most 96 bytes are shown.
            lane: kind of lane: ``main, subagent, cron, nested, session, other``.
            session_id: identity of the current incarnation.
        """
        found = self._sessions.get(key)
        if found is None or found.closed:
            found = self._sessions[key] = Session(self._board, key, lane, session_id, lambda: self._admitting)
            self._holders.follow(found)
            if shown("key", key) != key:
                self._long_names[shown("key", key)] = found
        return found

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Joining the probe's threads may take a moment that the loop should not spend.
        await asyncio.get_running_loop().run_in_executor(None, self.stop)

    def _info(self) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL_VERSION,
            "pid": os.getpid(),
            "board": str(self._board.path),
            "capabilities": capabilities(self._levers),
            "discards": self._discards,
            "draining": not self._admitting,
            "runs": self._runs(),
        }

    def _runs(self) -> int:
        """Count the runs, on the control thread: one atomic copy, as the loop adds and drops sessions meanwhile."""
        sessions = [reference() for reference in self._sessions.valuerefs()]
        return sum(session is not None and session.current is not None for session in sessions)

    def _execute(self, kind: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Check and act in one step on the loop's thread, so that nothing can change in between."""
        try:
            if kind not in ACTIONS:
                raise Refused(f"unsupported: there is no action {kind!r}")
            if kind == "drain":
                self._levers.drain(_drain_s(request))
                return {"status": "done", "detail": "the gateway drains", "released": None}
            self._check(request)
            released = self._pull(kind, request)
        except Refused as refusal:
            status = "unsupported" if str(refusal).startswith("unsupported") else "refused"
            return {"status": status, "detail": str(refusal), "released": None}
        except Exception as error:  # noqa: BLE001 -- a broken lever must answer, and must not hurt the gateway
            return {"status": "failed", "detail": f"lever: {error!r}", "released": None}
        return {"status": "done", "detail": "", "released": released}

    def _check(self, request: Mapping[str, Any]) -> None:
        session = self._named(request)
        run = session.current
        by_repeats = request.get("repeats") is not None and run is not None and request.get("kind") in _ENDS_A_RUN
        if not by_repeats and request.get("generation") != session.generation:
            raise Refused(f"generation: is {session.generation} now")
        if request.get("run_id") != (None if run is None else shown("run_id", run.id)):
            raise Refused(f"run: {'none' if run is None else run.id} is registered now")
        if request.get("handle") != (None if run is None else run.handle):
            raise Refused("handle: another one is registered now")
        if by_repeats and run is not None:
            _check_repeats(request["repeats"], run)
            return
        judged_ns = request.get("progress_ns") or 0
        if not isinstance(judged_ns, int):
            raise Refused("progress: not a whole number of nanoseconds")
        if session.progress_ns > judged_ns + _CLOCK_TOLERANCE_NS:
            raise Refused("progress: the run moved since it was judged")

    def _clear(self, session: Session, run: Run) -> None:
        with contextlib.suppress(Exception):  # a gateway without this lever, or with a broken one, still ends
            self._levers.force_clear(session.key, run.id, run.handle, "drain: the run outlived its own timeout")
        session.forget_run(run.id, run.handle)

    def _named(self, request: Mapping[str, Any]) -> Session:
        """Return the session by its name on the board, which is shorter than a very long key."""
        name = str(request.get("session", ""))
        session = self._sessions.get(name) or self._long_names.get(name)
        if session is None or session.closed:
            raise Refused("session: not in memory")
        return session

    def _pull(self, kind: str, request: Mapping[str, Any]) -> int | None:
        levers, cause, found = self._levers, str(request.get("cause", "")), self._named(request)
        session, run = found.key, found.current
        run_id, handle = ("", "") if run is None else (run.id, run.handle)
        match kind:
            case "abort_run":
                return levers.abort_run(session, run_id, cause)
            case "force_clear":
                return levers.force_clear(session, run_id, handle, cause)
            case "release_lane":
                return levers.release_lane(session, cause)
            case "evict_session":
                return levers.evict_session(session, cause)
            case "correct_store":
                return levers.correct_store(session, cause)
            case _:
                return levers.wake(session, cause)


def _check_repeats(judged: object, run: Run) -> None:
    """Refuse to end a run for its repetition once it did something new."""
    if isinstance(judged, bool) or not isinstance(judged, int) or judged < 1:
        raise Refused("repeats: not a whole number above 0")
    if run.repeats < judged:
        raise Refused("repeats: the run did something new since it was judged")


def _drain_s(request: Mapping[str, Any]) -> float:
    try:
        timeout_s = float(request.get("timeout_s") or DRAIN_S)
    except (TypeError, ValueError, OverflowError):
        timeout_s = -1.0
    if not 0 < timeout_s < float("inf"):
        raise Refused("timeout_s: not a positive number of seconds")
    return timeout_s
