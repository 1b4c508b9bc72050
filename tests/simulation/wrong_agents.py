"""Agents that are wrong on purpose, each in one way; random worlds must notice every one of them."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

from livewatch.agent import Agent, Controls
from livewatch.clock import Clock
from livewatch.simulation.crew import SimulatedJournal
from livewatch.sources.base import Source
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.decision import Act, Action, Reply
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.vocabulary import ActionKind, Remedy, SessionState


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


class _Everything(Spectacles):
    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        now_s = snapshot.vitals.now_s
        return _with_sessions(snapshot, {key: replace(s, progress_s=now_s) for key, s in snapshot.sessions.items()})


class TakesEverythingForProgress(Agent):
    """Believes every keepalive: whatever is there has just moved."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_Everything(source), **rest)


class _NoWaits(Spectacles):
    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        return _with_sessions(snapshot, {key: replace(s, wait=None) for key, s in snapshot.sessions.items()})


class SeesNoWaits(Agent):
    """Takes who waits for a lane or a person for one who does nothing."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_NoWaits(source), **rest)


class _Guesses(Spectacles):
    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        return _with_sessions(snapshot, {key: _guessed(s) for key, s in snapshot.sessions.items()})


def _guessed(session: Session) -> Session:
    known = replace(session, progress_known=True, wait_known=True, activity_known=True)
    if session.state is not None:
        return known
    return replace(known, state=SessionState.PROCESSING, state_since_s=session.progress_s)


class ActsOnUnknownState(Agent):
    """Takes what cannot be seen for what it would be in a dead session."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_Guesses(source), **rest)


class NeverTells(Agent):
    """Repairs what it can, and keeps the rest to itself."""

    async def tick(self, *, lateness_s: float = 0.0) -> TickReport:
        report = await super().tick(lateness_s=lateness_s)
        verdicts = {
            key: replace(v, remedy=Remedy.NONE) if v.remedy is Remedy.TELL_PERSON else v
            for key, v in report.verdicts.items()
        }
        acts = tuple(decision for decision in report.decisions if isinstance(decision, Act))
        return replace(report, verdicts=MappingProxyType(verdicts), decisions=acts, overdue=())


class _Unbound(Spectacles):
    async def act(self, action: Action) -> Reply:
        return await super().act(
            replace(action, session_id=None, generation=None, run_id=None, handle=None, progress_s=None)
        )


class NamesNoRun(Agent):
    """Acts on whatever the session does by the time at which the action arrives."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_Unbound(source), **rest)


class _Unforgiving(Spectacles):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._known: set[str] = set()
        self._left: set[str] = set()

    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        self._left |= self._known - snapshot.sessions.keys()
        self._known |= snapshot.sessions.keys()
        return _with_sessions(snapshot, {key: s for key, s in snapshot.sessions.items() if key not in self._left})


class ForgetsWhoLeft(Agent):
    """Never looks again at a session that once was not on the board."""

    def __init__(self, source: Source, **rest: Any) -> None:
        super().__init__(_Unforgiving(source), **rest)


def _with_sessions(snapshot: Snapshot, sessions: dict[str, Session]) -> Snapshot:
    return replace(snapshot, sessions=MappingProxyType(sessions))


class _WallClock(Spectacles):
    def __init__(self, source: Source, clock: Clock) -> None:
        super().__init__(source)
        self._clock = clock
        self._began_s = clock.wall_s() - clock.monotonic_s()

    async def sample(self) -> Snapshot:
        snapshot = await super().sample()
        now_s = self._clock.wall_s() - self._began_s
        return replace(snapshot, vitals=replace(snapshot.vitals, now_s=now_s, loop_heartbeat_s=now_s))


class TrustsTheWallClock(Agent):
    """Takes ages from the clock on the wall, which jumps, and goes on while the host sleeps."""

    def __init__(self, source: Source, *, clock: Clock, **rest: Any) -> None:
        super().__init__(_WallClock(source, clock), clock=clock, **rest)


class IgnoresTheLease(Agent):
    """Acts whoever holds the lease."""

    def __init__(self, source: Source, *, controls: Controls, **rest: Any) -> None:
        super().__init__(source, controls=replace(controls, may_act=lambda: True), **rest)


class RepeatsBlindly(Agent):
    """Sends again, when it starts, every action whose end its predecessor did not see."""

    def __init__(self, source: Source, *, intents: SimulatedJournal, **rest: Any) -> None:
        super().__init__(source, intents=intents, **rest)
        self._open = [intent.action for intent in intents.intents if intent.how is None]

    async def tick(self, *, lateness_s: float = 0.0) -> TickReport:
        for action in self._open:
            again = replace(action, idempotency_key=f"{action.idempotency_key} again")
            await _Unbound(self.source).act(again)
        self._open.clear()
        return await super().tick(lateness_s=lateness_s)
