"""The agents of one world: one, or two of which one acts; they die, come back, and read what was done before."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from livewatch.agent import Agent, Controls
from livewatch.recovery.journal.reconcile import Reconciled
from livewatch.recovery.journal.records import Past, Settlement, StoredIntent
from livewatch.recovery.settings import Policy
from livewatch.recovery.tenure import Tenure
from livewatch.simulation.source import SimulatedSource
from livewatch.simulation.world import World
from livewatch_classifiers.decision import Act, Completed


class SimulatedJournal:
    """What agents wrote down; it outlives them, as the journal's file does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.intents: list[StoredIntent] = []
        self._well_wall_s: dict[str, tuple[float, ...]] = {}

    async def intent(self, act: Act) -> None:
        """Take note at once."""
        clock, number = self._world.clock, len(self.intents)
        identity = self._world.gateway.identity
        self.intents.append(
            StoredIntent(number, "simulated", clock.wall_s(), clock.monotonic_s(), act.action, act.verdict, identity)
        )

    def completed(self, done: Completed) -> None:
        """Settle the newest open intent with the same key."""
        for number in range(len(self.intents) - 1, -1, -1):
            intent = self.intents[number]
            if intent.how is None and intent.action.idempotency_key == done.action.idempotency_key:
                settled = replace(
                    intent, how=Settlement.SEEN, outcome=done.outcome, detail=done.detail, reply=done.reply
                )
                self.intents[number] = replace(settled, settled_wall_s=self._world.clock.wall_s())
                return

    async def past(self) -> Past:
        """Return everything, as a successor reads it."""
        return Past(tuple(self.intents), dict(self._well_wall_s))

    def settle(self, reconciled: list[Reconciled]) -> None:
        """Write down what became of intents whose end nobody saw."""
        now_s = self._world.clock.wall_s()
        for found in reconciled:
            settled = replace(found.intent, how=found.how, outcome=found.outcome, detail=found.detail)
            self.intents[found.intent.id] = replace(settled, settled_wall_s=now_s)

    def well(self, session: str) -> None:
        """Note that a session is seen well, if it ever was acted on."""
        if any(intent.action.session == session for intent in self.intents):
            moments = self._well_wall_s.get(session, ())
            self._well_wall_s[session] = (*moments, self._world.clock.wall_s())


class SimulatedLease:
    """A lock that one agent holds; it dies with its holder."""

    def __init__(self) -> None:
        self.holder: int | None = None

    def look(self, number: int) -> None:
        """Take the lease if nobody has it."""
        if self.holder is None:
            self.holder = number


@dataclass(frozen=True, slots=True)
class _Claim:
    lease: SimulatedLease
    number: int

    @property
    def held(self) -> bool:
        return self.lease.holder == self.number

    def held_now(self) -> bool:
        return self.held

    @property
    def other(self) -> str:
        return "" if self.held else "the other agent holds the lease"


class Seat:
    """The place of one agent: its source, and whether it lives."""

    def __init__(self, number: int, source: SimulatedSource) -> None:
        self.number = number
        self.source = source
        self.agent: Agent
        self.tenure: Tenure | None = None
        self.back_s = 0.0
        """Moment of the scenario from which on it runs again."""

    @property
    def taking_up(self) -> bool:
        """Whether it waits to read what was done before."""
        return self.tenure is not None and not self.tenure.may_act()


Build = Callable[["Crew", Seat], Agent]


class Crew:
    """All seats of one world, in the order in which they tick."""

    def __init__(self, world: World, count: int, build: Build, *, remembers: bool) -> None:
        """Fill ``count`` seats with agents made by ``build``; the journal is read if the agent ``remembers``."""
        self.world = world
        self.remembers = remembers or count > 1
        self.lease = SimulatedLease()
        self.journal = SimulatedJournal(world)
        self._build = build
        more = range(1, count)
        self.seats = [Seat(0, world.source), *(Seat(n, world.another_source(f"livewatch-{n + 1}")) for n in more)]
        self.lease.look(0)
        for seat in self.seats:
            seat.source.may_act = self._claim(seat).held_now
            seat.agent = build(self, seat)

    @property
    def acting(self) -> Seat:
        """The seat that acts; the first one while nobody does."""
        return self.seats[self.lease.holder or 0]

    @property
    def awake(self) -> list[Seat]:
        """The seats whose agents live."""
        return [seat for seat in self.seats if seat.back_s <= self.world.now_s]

    @property
    def inflight(self) -> bool:
        """Whether any action is on its way."""
        return any(seat.source.inflight for seat in self.seats)

    def controls(self, seat: Seat, policy: Policy) -> Controls:
        """Return what a new agent is given: the holds, and with a journal the lease and what was done before."""
        holds = self.world.agent.holds
        if not self.remembers:
            return Controls(holds=holds)
        seat.tenure = tenure = Tenure(self._claim(seat), self.journal, policy)
        return Controls(holds=holds, may_act=tenure.may_act, actor=tenure.other, take_up=tenure.take_up)

    def _claim(self, seat: Seat) -> _Claim:
        return _Claim(self.lease, seat.number)

    async def restart(self, seat: Seat) -> None:
        """End an agent and start the next one at once."""
        await self._end(seat)
        seat.agent = self._build(self, seat)

    async def kill(self, seat: Seat, down_s: float) -> None:
        """Let an agent die for ``down_s`` seconds: what it was sending is torn off, and its lease is free."""
        await self._end(seat)
        if self.lease.holder == seat.number:
            self.lease.holder = None
        seat.back_s = self.world.now_s + down_s
        seat.agent = self._build(self, seat)
        if not self.awake:
            self.world.agent.pauses.append((self.world.now_s, min(s.back_s for s in self.seats)))

    async def close(self) -> None:
        """End every agent."""
        for seat in self.seats:
            await self._end(seat)

    @staticmethod
    async def _end(seat: Seat) -> None:
        await seat.agent.close(0.0)
        if seat.tenure is not None:
            seat.tenure.close()
