"""Sick sessions for the tests of recovery, built from facts and judged by the real classifier."""

from dataclasses import dataclass, field, replace
from typing import Any

from livewatch.recovery.memory import Memory
from livewatch.recovery.policy import decide
from livewatch.recovery.request import Situation
from livewatch.recovery.settings import Policy
from livewatch_classifiers import (
    Activity,
    GatewayIdentity,
    Run,
    Session,
    Snapshot,
    Thresholds,
    Verdict,
    Vitals,
    VitalsVerdict,
    classify_session,
    classify_vitals,
)
from livewatch_classifiers.decision import Act, Completed, Decision, Hold, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, ActivityKind, Gate, Mode, Outcome, Presence, SessionState

THRESHOLDS = Thresholds(warn_after_s=30.0, abort_after_s=90.0, tool_abort_after_s=90.0, ghost_after_s=30.0)
POLICY = Policy(mode=Mode.ABORT, startup_grace_s=0.0, healthy_for_s=0.0, resume_grace_s=0.0, backoff_jitter=0.0)
EVERYTHING = frozenset(ActionKind)
START_S = 100_000.0


def hung(key: str = "hung", **facts: Any) -> Session:
    """An owned model call, silent far beyond every limit."""
    base = Session(
        key=key,
        id="i1",
        generation=7,
        state=SessionState.PROCESSING,
        state_since_s=START_S - 500,
        queued=1,
        owner=Presence.PRESENT,
        run=Run("r1", START_S - 500, handle="h1"),
        activity=Activity(ActivityKind.MODEL_CALL, Presence.PRESENT, "r1", START_S - 500),
        progress_s=START_S - 500,
    )
    return replace(base, **facts)


def orphaned(key: str = "orphaned", **facts: Any) -> Session:
    """Idle and queued behind a model call that nobody owns."""
    activity = Activity(ActivityKind.MODEL_CALL, Presence.ABSENT, "r1", START_S - 500)
    idle = {"state": SessionState.IDLE, "owner": Presence.ABSENT, "run": None, "oldest_queued_s": START_S - 400}
    return hung(key, **{**idle, "activity": activity, **facts})


def zombie(key: str = "zombie", **facts: Any) -> Session:
    """A run that ignored its abort."""
    run = Run("r1", START_S - 500, handle="h1", abort_requested_s=START_S - 400)
    return hung(key, **{"run": run, **facts})


def ghost(key: str = "ghost", **facts: Any) -> Session:
    """In memory, not in the store, nobody owns it."""
    gone = {"owner": Presence.ABSENT, "run": None, "activity": None, "in_store": Presence.ABSENT, "queued": 0}
    return hung(key, **{**gone, **facts})


def well(key: str = "well") -> Session:
    """A session that works."""
    return hung(key, progress_s=START_S + 1e6, state_since_s=START_S + 1e6, activity=None, run=None)


@dataclass
class Clinic:
    """One gateway under recovery, on a clock that the test moves."""

    sessions: dict[str, Session]
    policy: Policy = POLICY
    capabilities: frozenset[ActionKind] = EVERYTHING
    vitals: Vitals = field(default_factory=lambda: Vitals(START_S, ready_s=START_S - 1e6))
    memory: Memory = field(default_factory=Memory)
    held: frozenset[str] = frozenset()
    may_act: bool = True
    penalty: int = 0
    pid: int = 1

    def tick(self, seconds: float = 1.0) -> list[Decision]:
        """Let time pass, look, and decide; sent actions are remembered."""
        self.vitals = replace(self.vitals, now_s=self.vitals.now_s + seconds)
        snapshot = Snapshot(self.vitals, self.sessions, identity=GatewayIdentity(self.pid, "s"))
        verdicts = self.verdicts()
        health = self.health()
        self.memory = self.memory.observed(snapshot, verdicts, health, self.policy, self.now_s)
        situation = Situation(
            snapshot,
            verdicts,
            health,
            self.capabilities,
            lambda key: "by somebody" if key in self.held else None,
            may_act=self.may_act,
            penalty=self.penalty,
        )
        decisions = decide(situation, self.memory, self.policy, self.now_s)
        for decision in decisions:
            if isinstance(decision, Act):
                self.memory = self.memory.sent(decision.action, self.now_s)
        return decisions

    def until_confirmed(self) -> list[Decision]:
        """Tick until something is done, or the evidence has been seen often enough for any verdict."""
        decisions: list[Decision] = []
        for _ in range(self.policy.confirm_silence):
            decisions = self.tick()
            if any(isinstance(decision, Act) for decision in decisions):
                break
        return decisions

    def settle(self, act: Act, outcome: Outcome) -> None:
        """Say what was seen after an action."""
        now_s = self.now_s
        done = Completed(act.action, act.verdict, Reply(ReplyStatus.DONE), outcome, now_s, now_s, now_s)
        self.memory = self.memory.completed(done, self.policy, now_s)

    def verdicts(self) -> dict[str, Verdict]:
        """Judge every session."""
        return {key: classify_session(s, self.vitals, THRESHOLDS) for key, s in self.sessions.items()}

    def health(self) -> VitalsVerdict:
        """Judge the gateway."""
        return classify_vitals(self.vitals, THRESHOLDS)

    @property
    def now_s(self) -> float:
        """This moment."""
        return self.vitals.now_s


def clinic(*sessions: Session, **settings: Any) -> Clinic:
    """Return a clinic for these sessions."""
    return Clinic({session.key: session for session in sessions}, **settings)


def the_act(decisions: list[Decision]) -> Act:
    """Return the one action among the decisions."""
    acts = [decision for decision in decisions if isinstance(decision, Act)]
    assert len(acts) == 1, decisions
    return acts[0]


def the_gate(decisions: list[Decision]) -> Gate:
    """Return the gate of the one hold."""
    assert len(decisions) == 1, decisions
    assert isinstance(decisions[0], Hold), decisions
    return decisions[0].gate
