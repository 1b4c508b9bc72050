import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.watcher import Watcher
from livewatch_classifiers.decision import Act, Action, Completed, Reply, ReplyStatus
from livewatch_classifiers.model import BlockedStack, Snapshot, Vitals
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Outcome, Reason, VitalsState

GHOST = Verdict("ghost_session", Attention.STUCK, Reason.GHOST_SESSION, "6")
SLOW = Verdict("slow_stream", Attention.LONG_RUNNING, Reason.ACTIVE_WORK, "14")


@pytest.fixture
def records() -> dict[Fault, FaultRecord]:
    return {f: FaultRecord(f, None if f is Fault.BLOCKED_LOOP else f.value) for f in Fault}


@pytest.fixture
def watcher(records: dict[Fault, FaultRecord]) -> Watcher:
    return Watcher(list(records.values()))


def _report(now_s: float, *verdicts: Verdict, act: Action | None = None, done: Completed | None = None) -> TickReport:
    return TickReport(
        target="t",
        now_s=now_s,
        wall_s=0.0,
        snapshot=None,
        problem="",
        vitals=VitalsVerdict(VitalsState.RESPONSIVE),
        vitals_before=None,
        verdicts={verdict.key: verdict for verdict in verdicts},
        decisions=() if act is None else (Act(act, GHOST),),
        completed=() if done is None else (done,),
    )


def _action(kind: ActionKind, session: str) -> Action:
    return Action(kind, session, "key", "cause", Reason.GHOST_SESSION)


def _done(kind: ActionKind, session: str, outcome: Outcome) -> Completed:
    return Completed(_action(kind, session), GHOST, Reply(ReplyStatus.DONE), outcome, 0.0, 0.0, 0.0)


def test_a_fault_is_detected_at_the_first_tick_with_the_expected_judgement(
    watcher: Watcher, records: dict[Fault, FaultRecord]
) -> None:
    record = records[Fault.GHOST_SESSION]
    record.injected_s = 10.0
    watcher.on_tick(
        _report(11.0, Verdict("ghost_session", Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS, "13"))
    )
    assert record.detected_s is None
    watcher.on_tick(_report(12.0, GHOST))
    watcher.on_tick(_report(13.0, GHOST))
    watcher.on_tick(_report(13.5, done=_done(ActionKind.EVICT_SESSION, "ghost_session", Outcome.RECOVERED)))
    record.recovered_s = 14.0
    document = record.as_json()
    assert (document["attention"], document["reason"]) == ("stuck", "ghost_session")
    assert (document["detected_after_s"], document["recovered_after_s"]) == (2.0, 4.0)
    assert (document["action"], document["outcome"]) == ("evict_session", "recovered")
    assert not watcher.false_actions
    assert not watcher.false_blames


@pytest.mark.parametrize(
    "action",
    [
        _action(ActionKind.ABORT_RUN, "visitor-001"),
        _action(ActionKind.ABORT_RUN, "ghost_session"),  # not what a ghost calls for
        _action(ActionKind.ABORT_RUN, "slow_stream"),
        _action(ActionKind.ABORT_RUN, "hung_tool"),  # not injected yet
    ],
)
def test_an_action_that_nothing_calls_for_is_false(
    watcher: Watcher, records: dict[Fault, FaultRecord], action: Action
) -> None:
    records[Fault.GHOST_SESSION].injected_s = records[Fault.SLOW_STREAM].injected_s = 10.0
    watcher.on_tick(_report(12.0, act=action))
    assert len(watcher.false_actions) == 1


def test_a_healthy_or_recovered_session_that_is_called_sick_is_a_false_blame(
    watcher: Watcher, records: dict[Fault, FaultRecord]
) -> None:
    record = records[Fault.GHOST_SESSION]
    record.injected_s, record.recovered_s = 10.0, 12.0
    watcher.on_tick(_report(12.0, GHOST))
    assert not watcher.false_blames
    watcher.on_tick(_report(12.5, GHOST, Verdict("visitor-001", Attention.STALLED, Reason.BLOCKED_TOOL_CALL, "9")))
    assert watcher.false_blames == {"ghost_session: stuck/ghost_session", "visitor-001: stalled/blocked_tool_call"}


def test_slow_work_keeps_the_worst_label_it_got(watcher: Watcher, records: dict[Fault, FaultRecord]) -> None:
    record = records[Fault.SLOW_STREAM]
    record.injected_s = 10.0
    watcher.on_tick(_report(12.0, SLOW))
    watcher.on_tick(_report(13.0, Verdict("slow_stream", Attention.NONE, Reason.ACTIVE, "17")))
    assert (record.attention, record.reason, record.detected_s) == ("long_running", "active_work", 12.0)
    assert (record.action, record.outcome) == ("none", "left_alone")


def test_a_blocked_loop_is_seen_with_the_stack_of_this_block_only(
    watcher: Watcher, records: dict[Fault, FaultRecord]
) -> None:
    record = records[Fault.BLOCKED_LOOP]
    record.injected_s = 10.0
    for now_s, captured_s, text in ((11.5, 9.0, "old.py:1 f"), (12.0, 11.8, "a.py:1 main\n/x/new.py:7 g")):
        vitals = Vitals(now_s=now_s, stack=BlockedStack(captured_s, 1, text))
        blocked = _report(now_s)
        watcher.on_tick(
            TickReport(
                target="t",
                now_s=now_s,
                wall_s=0.0,
                snapshot=Snapshot(vitals, {}),
                problem="",
                vitals=VitalsVerdict(VitalsState.UNRESPONSIVE),
                vitals_before=blocked.vitals.state,
            )
        )
    assert record.as_json()["detected_after_s"] == 1.5
    assert record.culprit == "new.py:7"
