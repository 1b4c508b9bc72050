"""What an action did is what is seen afterwards; the gateway's word is only a hint."""

from dataclasses import replace

import pytest

from livewatch.recovery.outcome import Sent, look_again
from livewatch_classifiers import BlindTime, Run, Session, Snapshot, Vitals, classify_session
from livewatch_classifiers.decision import Act, Completed, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import Outcome, Presence, SessionState
from tests.recovery.clinic import POLICY, START_S, THRESHOLDS, clinic, ghost, hung, orphaned, the_act, zombie

DONE = Reply(ReplyStatus.DONE)


def look(
    act: Act, session: Session | None, reply: Reply = DONE, *, after_s: float = 1.0, blind: float = 0
) -> Completed | None:
    sent_s = START_S + 10
    vitals = Vitals(sent_s + after_s, BlindTime.of([(sent_s, sent_s + blind)]))
    sessions = {} if session is None else {session.key: session}
    verdicts = {key: classify_session(one, vitals, THRESHOLDS) for key, one in sessions.items()}
    sent = Sent(act, reply, sent_s, sent_s)
    return look_again(sent, Snapshot(vitals, sessions), verdicts, POLICY, vitals.now_s)


def outcome(*arguments: object, **named: object) -> Outcome | None:
    done = look(*arguments, **named)  # type: ignore[arg-type]  # test shorthand
    return None if done is None else done.outcome


def act_on(session: Session) -> Act:
    return the_act(clinic(session).until_confirmed())


def test_an_abort_has_recovered_when_the_run_is_gone() -> None:
    ended = hung(state=SessionState.IDLE, run=None, owner=Presence.ABSENT, activity=None, queued=0)

    assert outcome(act_on(hung()), ended) is Outcome.RECOVERED
    assert outcome(act_on(hung()), hung(run=Run("r2", START_S + 10, handle="h2"))) is Outcome.RECOVERED


@pytest.mark.invariant(2)
def test_an_abort_that_was_answered_with_done_and_changed_nothing_is_ineffective() -> None:
    """OpenClaw 92270: eleven aborts reported, nothing released, wedged for 14 h."""
    assert outcome(act_on(hung()), hung()) is None
    assert outcome(act_on(hung()), hung(), after_s=16) is Outcome.INEFFECTIVE


def test_time_in_which_the_gateway_could_not_obey_does_not_count() -> None:
    assert outcome(act_on(hung()), hung(), after_s=16, blind=10) is None


def test_a_force_clear_has_recovered_when_another_handle_or_none_is_registered() -> None:
    other = zombie(run=Run("r1", START_S - 500, handle="h2"))

    assert outcome(act_on(zombie()), other) is Outcome.RECOVERED
    assert outcome(act_on(zombie()), zombie()) is None


@pytest.mark.invariant(15)
@pytest.mark.invariant(16)
def test_a_release_has_recovered_when_the_lane_is_served_again() -> None:
    served = orphaned(
        state=SessionState.PROCESSING, owner=Presence.PRESENT, run=Run("r2", START_S + 10, handle="h2"), activity=None
    )

    assert outcome(act_on(orphaned()), served) is Outcome.RECOVERED
    assert outcome(act_on(orphaned()), orphaned()) is None


def test_an_eviction_has_recovered_when_the_session_is_gone() -> None:
    assert outcome(act_on(ghost()), None) is Outcome.RECOVERED


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(ReplyStatus.REFUSED, "progress: the run moved since it was judged"), Outcome.SUPERSEDED),
        (Reply(ReplyStatus.REFUSED, "generation: is 9 now"), Outcome.SUPERSEDED),
        (Reply(ReplyStatus.REFUSED, "owner: a run of this session is alive"), Outcome.REFUSED),
        (Reply(ReplyStatus.UNSUPPORTED, "no"), Outcome.REFUSED),
    ],
)
def test_a_refusal_is_settled_at_once(reply: Reply, expected: Outcome) -> None:
    assert outcome(act_on(hung()), hung(), reply) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(ReplyStatus.TIMED_OUT, Outcome.TIMED_OUT), (ReplyStatus.FAILED, Outcome.FAILED)],
)
def test_no_answer_may_still_have_worked_and_is_judged_by_looking(status: ReplyStatus, expected: Outcome) -> None:
    reply = Reply(status, "no answer")
    ended = replace(hung(), run=None, owner=Presence.ABSENT, activity=None)

    assert outcome(act_on(hung()), ended, reply) is Outcome.RECOVERED
    assert outcome(act_on(hung()), hung(), reply) is None
    assert outcome(act_on(hung()), hung(), reply, after_s=16) is expected
