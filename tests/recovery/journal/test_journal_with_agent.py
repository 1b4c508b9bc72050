"""The agent and its journal together, on a real file."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from livewatch.agent import Agent
from livewatch.clock import SystemClock
from livewatch.recovery.incident import Ending, build_incidents
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.reader import read_journal
from livewatch.recovery.settings import Policy
from livewatch_classifiers import GatewayIdentity, Run, Session, Snapshot, Vitals
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Mode, Presence, SessionState

POLICY = Policy(mode=Mode.ABORT, healthy_for_s=0.0, startup_grace_s=0.0, resume_grace_s=0.0)


class ZombieGateway:
    """Holds one zombie run until it is told to force-clear it; notes what the journal held at that moment."""

    name = "gw"
    capabilities = frozenset(ActionKind)

    def __init__(self, path: Path) -> None:
        self.now_s = 1_000.0
        self.cleared = False
        self.on_disk: list[tuple[str, str | None]] = []
        self._path = path

    async def sample(self) -> Snapshot:
        self.now_s += 1.0
        run = Run("r1", 100.0, handle="h1", abort_requested_s=200.0)
        session = Session("s", "s1", 7, SessionState.PROCESSING, 100.0, owner=Presence.PRESENT, run=run, queued=1)
        if self.cleared:
            session = Session("s", "s1", 8, SessionState.IDLE, self.now_s, owner=Presence.ABSENT, queued=0)
        vitals = Vitals(self.now_s, loop_heartbeat_s=self.now_s, ready_s=1.0)
        return Snapshot(vitals, MappingProxyType({"s": session}), identity=GatewayIdentity(1, "b:1"))

    async def act(self, action: Action) -> Reply:
        connection = sqlite3.connect(self._path)
        self.on_disk = connection.execute("SELECT idempotency_key, how FROM intents").fetchall()
        connection.close()
        assert (action.idempotency_key, None) in self.on_disk
        self.cleared = action.kind is ActionKind.FORCE_CLEAR
        return Reply(ReplyStatus.DONE, released=1)

    async def close(self) -> None:
        return


class GatewayClock(SystemClock):
    """Lets a second pass with each look at the gateway."""

    def __init__(self, gateway: ZombieGateway) -> None:
        self._gateway = gateway

    def monotonic_s(self) -> float:
        return self._gateway.now_s


async def test_nothing_is_sent_before_its_intent_is_on_disk_and_the_story_ends_well(
    keep: Callable[..., Journal], path: Path
) -> None:
    gateway = ZombieGateway(path)
    clock = GatewayClock(gateway)
    journal = keep(clock=clock)
    assert await journal.open_intents() == []
    agent = Agent(gateway, clock=clock, intents=journal, policy=POLICY, listeners=[journal])
    async with asyncio.timeout(20):
        completed = 0
        while not completed:
            report = await agent.tick()
            completed = len(report.completed)
            await asyncio.sleep(0.001)  # a flood of ticks, that still leaves the interpreter to other threads
    await agent.close()
    assert journal.close(10.0)
    assert journal.health.late_intents == 0
    assert len(gateway.on_disk) == 1
    (incident,) = build_incidents(read_journal(path))
    assert incident.labels == ("stuck/zombie_run",)
    assert incident.actions == ("force_clear: recovered",)
    assert incident.ending is Ending.RESOLVED
