"""Ready-made ticks and actions for the journal's tests."""

import dataclasses
import time
from collections.abc import Callable
from types import MappingProxyType

from livewatch_classifiers import Activity, GatewayIdentity, Run, Session, Snapshot, Verdict, Vitals, VitalsVerdict
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.vocabulary import (
    ActionKind,
    ActivityKind,
    Attention,
    EvidenceClass,
    Outcome,
    Presence,
    Reason,
    Remedy,
    SessionState,
    VitalsState,
)

WALL_S = float(int(time.time()))
NOW_S = 5_000.0
IDENTITY = GatewayIdentity(4242, "boot:99")


def wait_until(condition: Callable[[], object], deadline_s: float = 10.0) -> None:
    ends_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < ends_s, "the condition did not come true in time"
        time.sleep(0.005)


def a_session(key: str = "agent:main:main", **facts: object) -> Session:
    base = Session(
        key=key,
        id="s1",
        generation=7,
        state=SessionState.PROCESSING,
        state_since_s=NOW_S - 400,
        owner=Presence.PRESENT,
        run=Run("r1", NOW_S - 400, handle="h1"),
        activity=Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r1", NOW_S - 390, "exec"),
        progress_s=NOW_S - 380,
    )
    return dataclasses.replace(base, **facts)  # type: ignore[arg-type]  # test shorthand


def a_snapshot(*sessions: Session, now_s: float = NOW_S, identity: GatewayIdentity | None = IDENTITY) -> Snapshot:
    chosen = sessions or (a_session(),)
    return Snapshot(Vitals(now_s), MappingProxyType({s.key: s for s in chosen}), identity=identity)


def sick(key: str = "agent:main:main") -> Verdict:
    return Verdict(
        key,
        Attention.STALLED,
        Reason.BLOCKED_TOOL_CALL,
        "9",
        evidence_class=EvidenceClass.SILENCE,
        remedy=Remedy.ABORT_RUN,
        eligible=True,
        evidence=(("silence_s", 380.0), ("limit_s", 300.0)),
    )


def well(key: str = "agent:main:main") -> Verdict:
    return Verdict(key, Attention.NONE, Reason.ACTIVE, "17")


def an_act(key: str = "agent:main:main", idempotency_key: str = "k1", kind: ActionKind = ActionKind.ABORT_RUN) -> Act:
    action = Action(
        kind,
        key,
        idempotency_key,
        "silent tool call `exec`",
        Reason.BLOCKED_TOOL_CALL,
        session_id="s1",
        generation=7,
        run_id="r1",
        handle="h1",
        progress_s=NOW_S - 380,
    )
    return Act(action, sick(key))


def completed(act: Act, outcome: Outcome = Outcome.RECOVERED, *, after_s: float = 2.0) -> Completed:
    sent_s = NOW_S + after_s - 1
    reply = Reply(ReplyStatus.DONE, released=1)
    return Completed(act.action, act.verdict, reply, outcome, sent_s, sent_s, NOW_S + after_s, "seen to work")


def a_tick(after_s: float = 0.0, **facts: object) -> TickReport:
    base = TickReport(
        target="gw",
        now_s=NOW_S + after_s,
        wall_s=WALL_S + after_s,
        snapshot=a_snapshot(now_s=NOW_S + after_s),
        problem="",
        vitals=VitalsVerdict(VitalsState.RESPONSIVE),
        vitals_before=VitalsState.RESPONSIVE,
    )
    return dataclasses.replace(base, **facts)  # type: ignore[arg-type]  # test shorthand


def falls_sick(key: str = "agent:main:main") -> Transition:
    return Transition(key, well(key), sick(key), 400.0)


def gets_well(key: str = "agent:main:main") -> Transition:
    return Transition(key, sick(key), well(key), 5.0)
