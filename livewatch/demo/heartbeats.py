"""Heartbeats: every session gets one now and then, through its own lane; one that cannot start in time is dropped."""

import asyncio
import time
from collections.abc import Callable, Mapping

from livewatch.demo.gateway_session import GatewaySession
from livewatch.demo.lanes import Turn, TurnKind
from livewatch.demo.scale import HEARTBEAT_EVERY_S, HEARTBEAT_PATIENCE_S
from livewatch.probe import DropReason


class Heartbeats:
    """Queues heartbeats round robin, evenly spread over the interval."""

    def __init__(self, sessions: Mapping[str, GatewaySession], draining: Callable[[], bool]) -> None:
        self._sessions = sessions
        self._draining = draining

    async def run(self) -> None:
        """Go round for ever."""
        while True:
            keys = list(self._sessions)
            pause_s = HEARTBEAT_EVERY_S / max(1, len(keys))
            for key in keys:
                await asyncio.sleep(pause_s)
                self.beat(key)
            if not keys:
                await asyncio.sleep(pause_s)

    def beat(self, key: str) -> None:
        """Queue one heartbeat; it starts within its patience or is dropped with a recorded reason."""
        session = self._sessions.get(key)
        if session is None:
            return
        if self._draining():
            _drop(session, DropReason.DRAINING)
            return
        turn = Turn(TurnKind.HEARTBEAT, time.monotonic_ns())
        session.lane.put(turn)
        if turn.task is None:
            asyncio.get_running_loop().call_later(HEARTBEAT_PATIENCE_S, self._expire, key, turn)

    def _expire(self, key: str, turn: Turn) -> None:
        session = self._sessions.get(key)  # the present incarnation: an eviction may have moved the turn
        if session is not None and session.lane.remove(turn):
            _drop(session, DropReason.LANE_BUSY)


def _drop(session: GatewaySession, reason: DropReason) -> None:
    session.tally.dropped[reason.value] += 1
    session.watch.heartbeat_dropped(reason)
