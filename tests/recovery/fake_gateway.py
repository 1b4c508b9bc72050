"""A gateway of facts and a clock that only moves when told."""

import asyncio
import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from livewatch.recovery.memory import Memory
from livewatch.recovery.patient import Patient
from livewatch.recovery.request import Request, Situation
from livewatch.recovery.settings import Policy
from livewatch.sources.base import SourceError
from livewatch_classifiers import GatewayIdentity, Run, Session, Snapshot, Verdict, Vitals, VitalsVerdict
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import (
    ActionKind,
    Attention,
    EvidenceClass,
    Mode,
    Presence,
    Reason,
    Remedy,
    SessionState,
    VitalsState,
)  # fmt: skip

NOW_S = 10_000.0
IDENTITY = GatewayIdentity(1, "b:1")
ALL = frozenset(ActionKind)
POLICY = Policy(mode=Mode.ABORT, confirm_silence=1, confirm_certain=1, startup_grace_s=0, resume_grace_s=0)
RESPONSIVE = VitalsVerdict(VitalsState.RESPONSIVE)


class FakeClock:
    def __init__(self, now_s: float = NOW_S) -> None:
        self.now_s = now_s

    def monotonic_s(self) -> float:
        return self.now_s

    def boottime_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


class FakeSource:
    name = "gw"
    capabilities: frozenset[ActionKind] = ALL

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sessions: dict[str, Session] = {}
        self.identity: GatewayIdentity | None = GatewayIdentity(1, "b:1")
        self.problem: SourceError | None = None
        self.reply: Reply | Exception = Reply(ReplyStatus.DONE)
        self.answering = asyncio.Event()
        self.answering.set()
        self.obeys = False
        """True when every action ends its run at once, and what waited begins."""
        self.becomes: Session | None = None
        """What the session of an action is after it, whatever was answered."""
        self.acted: list[Action] = []
        self.log: list[str] = []

    async def sample(self) -> Snapshot:
        if self.problem is not None:
            raise self.problem
        now_s = self.clock.now_s
        return snapshot(*self.sessions.values(), now_s=now_s, identity=self.identity)

    async def act(self, action: Action) -> Reply:
        self.log.append("act")
        self.acted.append(action)
        await self.answering.wait()
        if self.becomes is not None:
            self.sessions = {action.session: dataclasses.replace(self.becomes, key=action.session)}
        if self.obeys:
            fresh = Run("next", self.clock.now_s, handle="next")
            began = {"run": fresh, "owner": Presence.PRESENT, "progress_s": self.clock.now_s}
            self.sessions = {key: dataclasses.replace(s, **began) for key, s in self.sessions.items()}
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def close(self) -> None:
        self.log.append("close")


class FakeIntents:
    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.fault: Exception | None = None
        self.done: list[Completed] = []

    async def intent(self, act: Act) -> None:  # noqa: ARG002 -- the protocol's signature
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(0)
        self.log.append("intent")

    def completed(self, done: Completed) -> None:
        self.done.append(done)


def session(key: str = "s", **facts: object) -> Session:
    base = Session(
        key, "id", 7, SessionState.PROCESSING, NOW_S - 900, owner=Presence.PRESENT, queued=1,
        run=Run("r1", NOW_S - 900, handle="h1"), progress_s=NOW_S - 800, holder=Presence.ABSENT,
    )  # fmt: skip
    return dataclasses.replace(base, **facts)  # type: ignore[arg-type]  # test shorthand


def snapshot(*sessions: Session, now_s: float = NOW_S, identity: GatewayIdentity | None = IDENTITY) -> Snapshot:
    vitals = Vitals(now_s, loop_heartbeat_s=now_s, ready_s=1.0)
    return Snapshot(vitals, MappingProxyType({s.key: s for s in sessions}), identity=identity)


def sick(key: str = "s", remedy: Remedy = Remedy.ABORT_RUN, **facts: object) -> Verdict:
    base = Verdict(
        key, Attention.STALLED, Reason.BLOCKED_TOOL_CALL, "9",
        evidence_class=EvidenceClass.SILENCE, remedy=remedy, eligible=True,
    )  # fmt: skip
    return dataclasses.replace(base, **facts)  # type: ignore[arg-type]  # test shorthand


def well(key: str = "s") -> Verdict:
    return Verdict(key, Attention.NONE, Reason.ACTIVE, "17")


def situation(snap: Snapshot, verdicts: Mapping[str, Verdict], capabilities: frozenset[ActionKind] = ALL) -> Situation:
    return Situation(snap, verdicts, RESPONSIVE, capabilities)


def request(kind: ActionKind = ActionKind.ABORT_RUN, **parts: object) -> Request:
    """A request that every gate lets pass, with some parts replaced."""
    given = session()
    verdict = sick()
    patient = Patient("s", verdict.reason, False, NOW_S, 7, "r1", "h1", given.progress_s, samples=9)  # noqa: FBT003 -- by position, in the order of the class
    memory = Memory(MappingProxyType({"s": patient}), attached_s=0.0)
    base = Request(kind, given, verdict, patient, situation(snapshot(given), {"s": verdict}), memory, POLICY, NOW_S)
    return dataclasses.replace(base, **parts)  # type: ignore[arg-type]  # test shorthand
