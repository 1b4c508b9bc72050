"""Agents that are wrong on purpose, each in one way; random worlds must notice every one of them."""

from dataclasses import replace
from typing import Any

from livewatch.agent import Agent, Controls
from livewatch.sources.base import Source
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Action, Reply
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.vocabulary import ActionKind


class Spectacles:
    """A source that is looked at through something; as it stands it changes nothing."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        return self.source.capabilities

    async def sample(self) -> Snapshot:
        return await self.source.sample()

    async def act(self, action: Action) -> Reply:
        return await self.source.act(action)

    async def close(self) -> None:
        await self.source.close()


class _NoBlindTime(Spectacles):
    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        return replace(snapshot, vitals=replace(snapshot.vitals, blind=BlindTime()))


class BlamesAges(Agent):
    """Blames sessions for time in which nothing could run."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_NoBlindTime(source), **rest)


class NeverActs(Agent):
    """Sees everything and does nothing."""

    def __init__(self, source: Source, *, controls: Controls, **rest: Any) -> None:
        super().__init__(source, controls=Controls(holds=controls.holds, may_act=lambda: False), **rest)
