"""The example gateway: sessions with lanes, runs, heartbeats and a store, with livewatch's probe embedded."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from livewatch.demo.fault import Fault
from livewatch.demo.gateway_session import GatewaySession, Tally
from livewatch.demo.heartbeats import Heartbeats
from livewatch.demo.lanes import Turn, TurnKind
from livewatch.demo.ledger import AnswerStatus, Ledger
from livewatch.demo.levers import GatewayLevers
from livewatch.demo.model_client import ModelClient
from livewatch.demo.runs import Runs
from livewatch.demo.script import fault_text
from livewatch.demo.store import SessionStore, StoredSession
from livewatch.probe import Probe

_STORE_LOOK_S = 0.5
_DRAIN_S = 5.0


class DrainingError(Exception):
    """The gateway accepts nothing any more."""


class Gateway:
    """Owns all sessions of the process. Use it as an async context manager on the loop that serves them."""

    def __init__(self, board: Path, socket: Path, store: Path, provider_url: str, *, capacity: int = 1024) -> None:
        self.ledger = Ledger()
        self.stopping = asyncio.Event()
        self.draining = False
        self._sessions: dict[str, GatewaySession] = {}
        self._tallies: dict[str, Tally] = {}
        self._stored: dict[str, StoredSession] = {}
        self._store = SessionStore(store)
        self.client = ModelClient(provider_url)
        self._runs = Runs(self.ledger, self.client, self._save)
        self.levers = GatewayLevers(self, self._begin_stop)
        self._probe = Probe.open(board, socket, levers=self.levers, capacity=capacity)
        self._beats = Heartbeats(self._sessions, lambda: self.draining)
        self.drain_s = _DRAIN_S
        """How long what runs may go on once the gateway drains, in seconds."""
        self._services: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._probe.__aenter__()
        for stored in self._store.load_all():
            self._restore(stored)
        self._services = [
            asyncio.create_task(self._beats.run(), name="heartbeats"),
            asyncio.create_task(self._watch_store(), name="store-watch"),
        ]
        self._probe.ready()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.draining = True
        self._probe.draining()
        await self._drain()
        for task in self._services:
            task.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        await self._probe.__aexit__(None, None, None)

    def send(self, key: str, text: str, *, fault: Fault | None = None) -> str:
        """Accept one message for a session, creating the session if it is new, and return the message's id.

        Raises:
            DrainingError: when the gateway is about to end; nothing was accepted.
        """
        if self.draining:
            raise DrainingError("the gateway is draining and accepts nothing any more")
        session = self._sessions.get(key) or self._admit(key)
        message_id = self.ledger.accept(key)
        session.lane.put(Turn(TurnKind.MESSAGE, time.monotonic_ns(), text, message_id, fault))
        return message_id

    def inject(self, fault: Fault, key: str, *, seconds: float = 0.0) -> str | None:
        """Bring about one fault; return the id of the message that carries it (none for a blocked loop)."""
        if fault is Fault.BLOCKED_LOOP:
            asyncio.get_running_loop().call_soon(_summarise_all_histories_at_once, seconds)
            return None
        message_id = self.send(key, fault_text(fault), fault=fault)
        if fault is Fault.GHOST_SESSION:
            self._store.delete(key)  # as another process's clean-up does
        return message_id

    def approve(self, key: str) -> bool:
        """Give the approval that a session waits for; return whether there is such a session."""
        session = self._sessions.get(key)
        if session is not None:
            session.approved.set()
        return session is not None

    def beat(self, key: str) -> None:
        """Queue a heartbeat now, besides the regular ones."""
        self._beats.beat(key)

    def stats(self) -> dict[str, Any]:
        """Return the books, and how many sessions and heartbeats there are."""
        dropped: Counter[str] = Counter()
        for tally in self._tallies.values():
            dropped.update(tally.dropped)
        books = self.ledger
        return {
            "sessions": len(self._sessions),
            "accepted": books.accepted,
            "answered": books.answered,
            "unanswered": books.unanswered,
            "duplicated": books.duplicated,
            "suppressed": books.suppressed,
            "turns": sum(tally.turns for tally in self._tallies.values()),
            "heartbeats": sum(tally.heartbeats for tally in self._tallies.values()),
            "heartbeats_dropped": dict(dropped),
        }

    def describe(self, key: str) -> dict[str, Any] | None:
        """Return what is known about one session, or ``None``."""
        session, tally = self._sessions.get(key), self._tallies.get(key)
        if session is None or tally is None:
            return None
        return {
            "id": session.id,
            "in_store": key in self._store.keys(),  # noqa: SIM118 -- a store is no mapping
            "active": session.lane.active is not None,
            "queued": len(session.lane.queue),
            "turns": tally.turns,
            "heartbeats": tally.heartbeats,
            "heartbeats_dropped": dict(tally.dropped),
        }

    def session(self, key: str) -> GatewaySession | None:
        """Return the session in memory, if there is one."""
        return self._sessions.get(key)

    def settle(self, turn: Turn, status: AnswerStatus, text: str) -> None:
        """Answer a turn's message once."""
        self._runs.settle(turn, status, text)

    def replace(self, old: GatewaySession) -> int:
        """Drop an incarnation and move what waits to a fresh one; return how many turns were moved."""
        waiting = old.lane.close()
        del self._sessions[old.key]
        old.watch.close()
        fresh = self._admit(old.key)
        for turn in waiting:
            fresh.lane.put(turn)
        return len(waiting)

    def mark_idle(self, session: GatewaySession) -> None:
        """Write into the store that nothing runs."""
        self._save(session, running=False)

    def _admit(self, key: str, session_id: str | None = None) -> GatewaySession:
        session_id = session_id or uuid4().hex[:12]
        watch = self._probe.session(key, lane="session", session_id=session_id)
        tally = self._tallies.setdefault(key, Tally())
        session = GatewaySession(key, session_id, watch, tally, self._runs.start)
        self._sessions[key] = session
        self._stored[key] = StoredSession(key, session_id)
        self._save(session, running=False)
        watch.in_store(True)  # noqa: FBT003 -- the probe's tri-state
        return session

    def _restore(self, stored: StoredSession) -> None:
        session = self._admit(stored.key, stored.id)
        session.tally.turns = stored.turns
        for message_id, text in stored.pending:
            self.ledger.accept(stored.key, message_id)
            session.lane.put(Turn(TurnKind.MESSAGE, time.monotonic_ns(), text, message_id))

    def _save(self, session: GatewaySession, running: bool) -> None:  # noqa: FBT001 -- the store's marker
        record = replace(self._stored[session.key], id=session.id, running=running, turns=session.tally.turns)
        self._stored[session.key] = record
        self._store.save(record)
        session.watch.store_running(running)

    async def _watch_store(self) -> None:
        """Tell the probe which sessions are really in the store, as the folder says."""
        while True:
            await asyncio.sleep(_STORE_LOOK_S)
            stored = self._store.keys()
            for key, session in self._sessions.items():
                session.watch.in_store(key in stored)

    def _begin_stop(self, timeout_s: float) -> None:
        self.drain_s = timeout_s
        self.draining = True
        self.stopping.set()

    async def _drain(self) -> None:
        """Keep unstarted messages in the store, let what runs finish, clear what outlived its time, end the rest."""
        tasks: list[asyncio.Task[None]] = []
        for session in self._sessions.values():
            waiting = session.lane.close()  # before the probe stops admission: a turn it refuses would be answered so
            pending = tuple((t.message_id, t.text) for t in waiting if t.message_id is not None)
            self._stored[session.key] = replace(self._stored[session.key], pending=pending)
            tasks.extend(_running(session))
            self._save(session, running=session.lane.active is not None)
        await asyncio.sleep(0)  # turns whose task was only just created begin their runs, or they would be lost
        await self._probe.drain(self.drain_s)
        for session in self._sessions.values():
            self._save(session, running=False)
        for task in tasks:
            task.cancel()
        self.client.abort_all()  # a run that ignores its cancellation sees its connection end
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)


def _running(session: GatewaySession) -> Iterator[asyncio.Task[None]]:
    turn = session.lane.active
    if turn is not None and turn.task is not None:
        yield turn.task


def _summarise_all_histories_at_once(seconds: float) -> None:
    """Stand in for a handler that does long synchronous work on the loop."""
    time.sleep(seconds)
