"""First, do no harm: over generated event streams of the protocol, nobody who waits or was not heard is ever aborted.

The real tracker, the real rules, the real policy; the gateway's truth is `protocol_model`. This is what finds a
message that waits for a slot and is aborted (D1), one behind a held lane (D2), and a zombie "recovered" (D3).
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.recovery.judging import judge_snapshot
from livewatch.recovery.memory import Memory
from livewatch.recovery.outcome import Sent, look_again
from livewatch.recovery.policy import decide
from livewatch.recovery.request import Situation
from livewatch.recovery.settings import Policy
from livewatch.sources.openclaw.history import read_history
from livewatch.sources.openclaw.tracker import Tracker
from livewatch_classifiers.decision import Act, Reply, ReplyStatus
from livewatch_classifiers.model import Snapshot, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActionKind, Mode, Outcome
from tests.sources.openclaw.protocol_model import Gateway

ABORT_S = 15.0
THRESHOLDS = Thresholds(warn_after_s=5.0, abort_after_s=ABORT_S)
POLICY = Policy(mode=Mode.ABORT, startup_grace_s=0.0, resume_grace_s=0.0, budget_actions=1000)
KEYS = [f"agent:main:s{number}" for number in range(4)]
CAN = frozenset({ActionKind.ABORT_RUN})


@dataclass
class Watch:
    """The tracker and the policy beside the model, one second at a time."""

    cap: int = 2
    tracker: Tracker = field(default_factory=Tracker)
    deaf: bool = False
    """The connection is lost until `hear`: no event comes, and nothing is decided."""
    memory: Memory = field(default_factory=Memory)
    sent: list[Sent] = field(default_factory=list[Sent])
    aborted: list[str] = field(default_factory=list[str])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    def __post_init__(self) -> None:
        self.gateway = Gateway(self._say, self.cap)

    def _say(self, event: str, payload: dict[str, Any]) -> None:
        if not self.deaf:
            self.tracker.on_event(event, payload, self.gateway.now_s)

    def hear(self) -> None:
        if self.deaf:
            self.deaf = False
            self.tracker.gap(self.gateway.now_s)
            self.poll()

    def poll(self) -> None:
        self.tracker.on_list(self.gateway.rows(), self.gateway.now_s, complete=True)
        self.tracker.on_lanes(*self.gateway.lanes())

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.gateway.advance(1.0)
            now_s = self.gateway.now_s
            if self.deaf:
                continue
            if int(now_s) % 5 == 0:
                self.poll()
            for key in self.tracker.to_read(now_s, 4):
                self.tracker.on_history(key, self.gateway.history(key), now_s)
            self._tick(now_s)

    def _tick(self, now_s: float) -> None:
        snapshot = Snapshot(Vitals(now_s, loop_heartbeat_s=now_s, ready_s=0.0), self.tracker.sessions())
        judged = judge_snapshot(snapshot, THRESHOLDS, None)
        for sent in list(self.sent):
            done = look_again(sent, snapshot, judged.verdicts, POLICY, now_s)
            if done is not None:
                self.sent.remove(sent)
                self.memory = self.memory.completed(done, POLICY, now_s)
                self.outcomes.append(done.outcome)
                self._check_outcome(sent, done.outcome)
        self.memory = self.memory.observed(snapshot, judged.verdicts, judged.vitals, POLICY, now_s)
        situation = Situation(snapshot, judged.verdicts, judged.vitals, CAN)
        for act in decide(situation, self.memory, POLICY, now_s):
            if isinstance(act, Act):
                self.memory = self.memory.sent(act.action, now_s)
                self.sent.append(Sent(act, self._act(act, now_s), now_s, now_s))

    def _act(self, act: Act, now_s: float) -> Reply:
        """Do as `OpenClawSource.act` does, and check the action against the truth."""
        key, run_id = act.action.session, act.action.run_id
        turn = self.gateway.active(key)
        mark = "" if run_id is None else self.tracker.mark_of(key, run_id)
        read = read_history(self.gateway.history(key))
        if mark and (read is None or read.mark != mark):
            return Reply(ReplyStatus.REFUSED, "progress: it moved")
        assert run_id is not None
        assert not self.gateway.waits(key), f"{key} waits, and was to be aborted"
        if turn is None or turn.id != run_id:
            return Reply(ReplyStatus.REFUSED, "run_id: no-active-run")
        assert turn.said_s is not None
        assert now_s - turn.said_s >= ABORT_S, "it was at work"
        if not self.gateway.abort(key, run_id):
            return Reply(ReplyStatus.REFUSED, "run_id: no-active-run")
        self.tracker.abort_asked(key, run_id, now_s)
        self.aborted.append(run_id)
        return Reply(ReplyStatus.DONE)

    def _check_outcome(self, sent: Sent, outcome: Outcome) -> None:
        if outcome is not Outcome.RECOVERED:
            return
        room = self.gateway.rooms[sent.act.action.session]
        assert sent.act.action.run_id not in [turn.id for turn in room.turns[:1] if turn.aborted_s is None]
        lane_moves = not room.turns[1:] or room.turns[0].aborted_s is None
        assert lane_moves, "recovered, and the message behind it still waits for a dead run"


WISHES = st.sampled_from(["answer", "slow", "hang", "half", "zombie"])
STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(KEYS), WISHES),
    st.tuples(st.just("hold"), st.sampled_from(KEYS), st.booleans()),
    st.tuples(st.just("gap"), st.integers(1, 20), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
    st.tuples(st.just("heartbeat"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 50), st.none()),
)


def play(watch: Watch, steps: list[tuple[Any, Any, Any]]) -> None:
    for what, one, two in steps:
        if what == "send":
            watch.gateway.send(one, two)
        elif what == "hold":
            watch.gateway.hold_lane(one, held=two)
        elif what == "gap":
            watch.deaf = True
            watch.run(one)
            watch.hear()
        elif what == "restart":
            watch.gateway.restart()
            watch.tracker.restarted()
            watch.poll()
        elif what == "heartbeat":
            watch.tracker.on_event("heartbeat", {"status": "skipped", "reason": "lane-busy"}, watch.gateway.now_s)
        watch.run(one if what == "wait" else 1)
    watch.run(90)


@settings(deadline=None, max_examples=100)
@given(st.lists(STEPS, max_size=14), st.integers(1, 3))
def test_nobody_who_waits_works_or_was_not_heard_is_aborted_and_recovered_means_that_it_moves(
    steps: list[tuple[Any, Any, Any]], cap: int
) -> None:
    play(Watch(cap), steps)


@pytest.mark.invariant(3)
def test_a_message_that_waits_for_a_slot_is_answered_however_long_it_waits() -> None:
    watch = Watch(cap=2)
    play(watch, [("send", KEYS[0], "slow"), ("send", KEYS[1], "slow"), ("send", KEYS[2], "answer")])
    assert watch.aborted == []
    assert watch.gateway.rooms[KEYS[2]].turns == []


@pytest.mark.invariant(3)
def test_a_message_behind_a_held_lane_is_left_alone() -> None:
    watch = Watch()
    play(watch, [("hold", KEYS[0], True), ("send", KEYS[0], "answer"), ("wait", 60, None)])
    assert watch.aborted == []
    assert watch.gateway.waits(KEYS[0])


def test_a_hung_run_is_ended_and_what_waits_behind_it_answered() -> None:
    watch = Watch()
    play(watch, [("send", KEYS[0], "hang"), ("send", KEYS[0], "answer")])
    assert watch.outcomes == [Outcome.RECOVERED]
    assert watch.gateway.rooms[KEYS[0]].turns == []


def test_a_hung_run_is_ended_after_a_restart_and_after_a_gap_too() -> None:
    for interruption in (("restart", None, None), ("gap", 3, None)):
        watch = Watch()
        play(watch, [("send", KEYS[0], "half"), ("wait", 3, None), interruption, ("wait", 45, None)])
        assert watch.aborted == ["lw-1"]


@pytest.mark.invariant(2)
def test_a_zombie_is_recovered_only_when_the_message_behind_it_begins() -> None:
    watch = Watch()
    play(watch, [("send", KEYS[0], "zombie"), ("send", KEYS[0], "slow"), ("wait", 30, None)])
    assert watch.aborted == ["lw-1"]
    assert watch.outcomes == [Outcome.RECOVERED]  # 30 s later; `_check_outcome` has seen that the lane moves
