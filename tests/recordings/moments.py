"""Rounds of a real agent against a gateway of facts, for the tests of recordings."""

import asyncio
from dataclasses import replace

from livewatch.agent import Agent
from livewatch.recovery.rounds import Moment, Witness
from livewatch.testing import FakeClock, FakeGateway
from tests.recovery.fake_gateway import NOW_S, POLICY, FakeIntents, session


class Kept:
    def __init__(self) -> None:
        self.moments: list[Moment] = []

    def on_moment(self, moment: Moment) -> None:
        self.moments.append(moment)


class Ward:
    """An agent whose one session makes progress whenever it is told to."""

    def __init__(self, *witnesses: Witness) -> None:
        self.clock = FakeClock()
        self.source = FakeGateway(self.clock)
        self.source.sessions = {"s": session(progress_s=NOW_S)}
        self.kept = Kept()
        self.agent = Agent(
            self.source,
            clock=self.clock,
            intents=FakeIntents(self.source.log),
            policy=POLICY,
            witnesses=[self.kept, *witnesses],
        )

    async def rounds(self, count: int, *, every_s: float = 1.0, progress: bool = True) -> list[Moment]:
        for _ in range(count):
            self.clock.now_s += every_s
            if progress:
                known = self.source.sessions["s"]
                self.source.sessions["s"] = replace(known, progress_s=self.clock.now_s)
            await self.agent.tick()
            for _ in range(5):
                await asyncio.sleep(0)  # lets what was started run; no time passes
        return self.kept.moments
