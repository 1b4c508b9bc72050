"""What the gateway offers to recovery. Each lever really does what it says, and no lever loses a queued message."""

from collections.abc import Callable
from typing import Protocol

from livewatch.demo.gateway_session import GatewaySession
from livewatch.demo.lanes import Turn
from livewatch.demo.ledger import AnswerStatus
from livewatch.probe import Check, Levers, Refused


class Registry(Protocol):
    """The part of the gateway that the levers move."""

    def session(self, key: str) -> GatewaySession | None:
        """Return the session in memory, if there is one."""
        ...

    def settle(self, turn: Turn, status: AnswerStatus, text: str) -> None:
        """Answer a turn's message once."""
        ...

    def replace(self, old: GatewaySession) -> int:
        """Drop an incarnation and move what waits to a fresh one; return how many turns were moved."""
        ...

    def mark_idle(self, session: GatewaySession) -> None:
        """Write into the store that nothing runs."""
        ...


class GatewayLevers(Levers):
    """Called on the loop's thread after the probe has checked that the judgement still holds."""

    def __init__(self, registry: Registry, stop: Callable[[float], None]) -> None:
        self._registry = registry
        self._stop = stop

    def release_lane(self, session: str, cause: str) -> int | None:
        """Clear activity that nobody owns and let the lane go on."""
        found = self._find(session)
        turn = found.lane.active
        if turn is not None and turn.task is not None and not turn.task.done():
            raise Refused("owner: a run of this session is alive", check=Check.OWNER)
        freed = found.activities.clear()
        found.watch.clear_activity()
        if turn is not None:
            self._registry.settle(turn, AnswerStatus.FAILED, cause)
            found.lane.free(turn)
        found.lane.pump()
        return max(1, freed)

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """Cancel the run's task; what it does with that is its own affair."""
        turn = self._turn(self._find(session), run_id)
        turn.abort_cause = cause
        if turn.run is not None:
            turn.run.abort_requested()
        assert turn.task is not None
        turn.task.cancel()
        return None

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        """Abandon a run that ignored its abort, if exactly its handle is still registered."""
        found = self._find(session)
        turn = self._turn(found, run_id)
        if turn.run is None or turn.run.handle != handle:
            raise Refused("handle: another handle is registered", check=Check.HANDLE)
        self._registry.settle(turn, AnswerStatus.FAILED, cause)
        found.watch.forget_run(run_id, handle)
        found.activities.clear()
        found.watch.clear_activity()
        self._registry.mark_idle(found)
        found.lane.free(turn)
        return 1

    def evict_session(self, session: str, cause: str) -> int | None:
        """Drop the session from memory; its queued messages go to a fresh incarnation."""
        found = self._find(session)
        turn = found.lane.active
        if turn is not None and turn.task is not None and not turn.task.done():
            raise Refused("owner: a run of this session is alive", check=Check.OWNER)
        if turn is not None:
            self._registry.settle(turn, AnswerStatus.FAILED, cause)
        return self._registry.replace(found)

    def correct_store(self, session: str, cause: str) -> int | None:  # noqa: ARG002 -- the probe's signature
        """Write into the store that nothing runs."""
        self._registry.mark_idle(self._find(session))
        return None

    def drain(self, timeout_s: float) -> None:
        """Begin a clean end within ``timeout_s`` seconds."""
        self._stop(timeout_s)

    def _find(self, key: str) -> GatewaySession:
        found = self._registry.session(key)
        if found is None:
            raise Refused("session: not in memory", check=Check.SESSION)
        return found

    def _turn(self, session: GatewaySession, run_id: str) -> Turn:
        turn = session.lane.active
        if turn is None or turn.run_id != run_id or turn.task is None:
            raise Refused("run: another run holds the lane", check=Check.RUN_ID)
        return turn
