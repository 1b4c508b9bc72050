"""What tests of an agent need instead of a gateway and a clock: both are plain facts that the test sets.

Public and stable; `docs/testing.md` has an example.
"""

import asyncio
from dataclasses import replace
from types import MappingProxyType

from livewatch.sources.base import SourceError
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import GatewayIdentity, Run, Session, Snapshot, Vitals
from livewatch_classifiers.vocabulary import ActionKind, Presence

__all__ = ["START_S", "FakeClock", "FakeGateway"]

START_S = 10_000.0
"""The monotonic second at which a `FakeClock` begins unless it is given another."""


class FakeClock:
    """A clock that moves only when it is set, or when somebody sleeps on it."""

    def __init__(self, now_s: float = START_S) -> None:
        self.now_s = now_s
        """The reading of all three clocks, in seconds; set it to let time pass."""

    def monotonic_s(self) -> float:
        """Return the reading."""
        return self.now_s

    def boottime_s(self) -> float:
        """Return the reading: this host never sleeps."""
        return self.now_s

    def wall_s(self) -> float:
        """Return the reading, as Unix time."""
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Move the clock by ``seconds`` and let every other task take one step; no real time passes."""
        self.now_s += seconds
        await asyncio.sleep(0)


class FakeGateway:
    """A source whose gateway responds, and whose sessions, identity and answers are attributes that a test sets."""

    name = "gw"
    capabilities: frozenset[ActionKind] = frozenset(ActionKind)
    """The actions that this gateway understands: all of them, until a test says otherwise."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sessions: dict[str, Session] = {}
        """What the next sample shows, by key."""
        self.counters: dict[str, int] = {}
        """What the gateway has counted so far, by name."""
        self.identity: GatewayIdentity | None = GatewayIdentity(1, "b:1")
        """The gateway's process; another identity is a restart."""
        self.problem: SourceError | None = None
        """Raised by each sample while it is set: a gateway that cannot be read."""
        self.reply: Reply | Exception = Reply(ReplyStatus.DONE)
        """What each action is answered, or what it raises."""
        self.answering = asyncio.Event()
        """Cleared for as long as the gateway does not answer actions."""
        self.answering.set()
        self.obeys = False
        """True when every action ends its run at once, and what waited begins."""
        self.becomes: Session | None = None
        """What the session of an action is after it, whatever was answered."""
        self.acted: list[Action] = []
        """Every action that arrived, in order."""
        self.log: list[str] = []
        """``act`` and ``close`` in the order in which they came; a test may add lines of its own."""

    async def sample(self) -> Snapshot:
        """Return the facts as they are set, at the clock's time.

        Raises:
            SourceError: the ``problem``, while there is one.
        """
        if self.problem is not None:
            raise self.problem
        now_s = self.clock.now_s
        vitals = Vitals(now_s, loop_heartbeat_s=now_s, ready_s=1.0)
        sessions = MappingProxyType({session.key: session for session in self.sessions.values()})
        counters = MappingProxyType(dict(self.counters))
        return Snapshot(vitals, sessions, identity=self.identity, counters=counters)

    async def act(self, action: Action) -> Reply:
        """Keep the action and return the ``reply``, once ``answering`` is set.

        Raises:
            Exception: the ``reply``, where it is one.
        """
        self.log.append("act")
        self.acted.append(action)
        await self.answering.wait()
        if self.becomes is not None:
            self.sessions = {action.session: replace(self.becomes, key=action.session)}
        if self.obeys:
            now_s = self.clock.now_s
            began = Run("next", now_s, handle="next")
            self.sessions = {
                key: replace(session, run=began, owner=Presence.PRESENT, progress_s=now_s)
                for key, session in self.sessions.items()
            }
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def close(self) -> None:
        """Note it in the log."""
        self.log.append("close")
