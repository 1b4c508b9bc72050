"""The simulated gateway behind the `Source` protocol: the production agent cannot tell it from a real one."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType

from livewatch.simulation.gateway import Gateway
from livewatch.simulation.levers import Levers
from livewatch.sources.base import SourceError
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import Lane, Session, Snapshot
from livewatch_classifiers.vocabulary import ActionKind

ACT_TIMEOUT_S = 5.0
LEASE = "only the agent that holds the lease acts"
EVERYTHING = frozenset(ActionKind) - {ActionKind.RESTART_TARGET}


class Cut(StrEnum):
    """Where a socket hangs half-way; the agent waits for the answer until its own limit."""

    REQUEST = "request"  # what is asked never arrives
    REPLY = "reply"  # it is done, and the answer never comes
    LATE = "late"  # it arrives when nobody waits for the answer any more
    LOOK = "look"  # nothing can be read


class Dying(StrEnum):
    """Where an agent dies in the middle of an action."""

    BEFORE_ACT = "before_act"  # the intent is written, nothing was sent
    AFTER_ACT = "after_act"  # it is done, and nobody takes note of the answer


class SimulatedSource:
    """Looks at the world and pulls its levers, as `livewatch.sources.base.Source` says."""

    def __init__(
        self,
        gateway: Gateway,
        levers: Levers,
        *,
        capabilities: frozenset[ActionKind] = EVERYTHING,
        by: str = "livewatch",
    ) -> None:
        self._gateway = gateway
        self._levers = levers
        self._capabilities = capabilities
        self._by = by
        self.inflight = 0
        """Actions whose reply has not come yet."""
        self.pause_after_sample_s = 0.0
        """The agent itself is stopped for so long between looking and judging; used once."""
        self.pause_before_act_s = 0.0
        """The agent itself is stopped for so long between deciding and acting; used once."""
        self.on_act: Callable[[Action], None] | None = None
        """Told about each action when it leaves the agent, before it reaches the gateway."""
        self.may_act: Callable[[], bool] = lambda: True
        """Whether whoever acts through this source holds the lease; acting without it breaks an invariant."""
        self.dying: Dying | None = None
        """Where the agent dies at its next action; used once."""
        self.died = False
        self.cut: Cut | None = None
        """How the socket hangs at the moment."""
        self.late_by_s = 0.0
        """How long a late request takes."""

    @property
    def name(self) -> str:
        """Name of the gateway."""
        return "simulated"

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """The actions that this gateway understands."""
        return self._capabilities

    async def sample(self) -> Snapshot:
        """Look once.

        Raises:
            SourceError: when the gateway process is gone.
        """
        snapshot = self.look()
        if self.pause_after_sample_s:
            seconds, self.pause_after_sample_s = self.pause_after_sample_s, 0.0
            await self._gateway.host.clock.sleep(seconds)
        return snapshot

    def look(self) -> Snapshot:
        """Return what can be seen now.

        Raises:
            SourceError: when the gateway process is gone.
        """
        gateway = self._gateway
        host = gateway.host
        if host.gone:
            raise SourceError("the gateway process has ended", "start it", gone=True)
        if self.cut is Cut.LOOK:
            raise SourceError("the gateway does not answer", "wait")
        now_s = host.clock.monotonic_s()
        sessions: dict[str, Session] = {
            key: session.view(now_s) for key, session in gateway.sessions.items() if not session.without_slot
        }
        lanes: dict[str, Lane] = {name: lane.view() for name, lane in gateway.lanes.items()}
        return Snapshot(
            vitals=host.vitals(gateway.phase, gateway.ready_s),
            sessions=MappingProxyType(sessions),
            lanes=MappingProxyType(lanes),
            identity=gateway.identity,
            counters=MappingProxyType(dict(gateway.counters)),
        )

    async def act(self, action: Action) -> Reply:
        """Pull one lever; a gateway whose loop stands answers when it runs again, or too late."""
        self.inflight += 1
        try:
            if not self.may_act():
                self._gateway.violations.append((self._gateway.now_s, action.session, LEASE))
            if self.dying is not None:
                await self._die(action)
            if self.on_act is not None:
                self.on_act(action)
            if self.pause_before_act_s:
                seconds, self.pause_before_act_s = self.pause_before_act_s, 0.0
                await self._gateway.host.clock.sleep(seconds)
            return await self._ask(action)
        finally:
            self.inflight -= 1

    async def _die(self, action: Action) -> None:
        dying, self.dying, self.died = self.dying, None, True
        if dying is Dying.AFTER_ACT:
            self._gateway.host.do(lambda: _forget(self._levers.pull(action, self._by)))
        await asyncio.Event().wait()  # until the agent is torn off

    async def _ask(self, action: Action) -> Reply:
        host, cut = self._gateway.host, self.cut
        if host.gone:
            return Reply(ReplyStatus.FAILED, "the gateway process has ended")
        if host.running and cut is None:
            return self._levers.pull(action, self._by)
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            reply = self._levers.pull(action, self._by)
            if cut is None:
                _answer(answer, reply)

        if cut is Cut.LATE:
            host.timeline.after(self.late_by_s, lambda: host.do(arrive))
        elif cut is not Cut.REQUEST:
            host.do(arrive)
        late = Reply(ReplyStatus.TIMED_OUT, f"no answer in {ACT_TIMEOUT_S:g} s")
        host.timeline.after(ACT_TIMEOUT_S, lambda: _answer(answer, late))
        return await answer

    async def close(self) -> None:
        """Let go of nothing: there is nothing to hold."""


def _forget(_reply: Reply) -> None:
    """Take no note."""


def _answer(answer: "asyncio.Future[Reply]", reply: Reply) -> None:
    if not answer.done():
        answer.set_result(reply)
