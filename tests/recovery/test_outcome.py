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


ENDED: dict[str, object] = {
    "state": SessionState.IDLE, "run": None, "owner": Presence.ABSENT, "activity": None,
}  # fmt: skip


def test_an_abort_has_recovered_when_the_run_is_gone_and_nothing_waits_or_another_run_began() -> None:
    assert outcome(act_on(hung()), hung(**ENDED, queued=0)) is Outcome.RECOVERED
    assert outcome(act_on(hung()), hung(run=Run("r2", START_S + 10, handle="h2"))) is Outcome.RECOVERED


@pytest.mark.parametrize(("queued", "oldest_s"), [(1, START_S - 400), (7, None), (1, START_S + 5)])
def test_a_lane_that_is_held_after_its_run_is_gone_is_not_recovered_until_what_waits_begins(
    queued: int, oldest_s: float | None
) -> None:
    """A real OpenClaw holds the lane of an aborted run for 30 s more (D3): "recovered after 0.5 s" was not true."""
    held = hung(**ENDED, queued=queued, oldest_queued_s=oldest_s)
    served = hung(run=Run("r2", START_S + 41, handle="h2"))

    assert outcome(act_on(hung()), held, after_s=0.5) is None
    assert outcome(act_on(hung()), held, after_s=31) is None
    assert outcome(act_on(hung()), served, after_s=31.5) is Outcome.RECOVERED


def test_what_never_begins_after_its_run_is_gone_is_ineffective_and_says_so() -> None:
    done = look(act_on(hung()), hung(**ENDED, queued=3, oldest_queued_s=START_S), after_s=46)

    assert done is not None
    assert (done.outcome, done.detail) == (
        Outcome.INEFFECTIVE, "the run is gone, and no run began for what waits (3 queued)"
    )  # fmt: skip


def test_a_queue_that_cannot_be_seen_never_proves_a_recovery() -> None:
    unseen = hung(**ENDED, queued=None)
    act = act_on(hung(queued=None))
    done = look(act, unseen, after_s=46)

    assert outcome(act, unseen, after_s=1) is None
    assert done is not None
    assert done.outcome is Outcome.TIMED_OUT
    assert "could not be seen" in done.detail


def test_a_queue_that_was_known_to_be_empty_at_the_action_counts_where_it_cannot_be_seen_any_more() -> None:
    assert outcome(act_on(hung(queued=0)), hung(**ENDED, queued=None)) is Outcome.RECOVERED
    assert outcome(act_on(hung(queued=0)), None) is Outcome.RECOVERED


def test_a_message_that_came_since_the_action_must_be_served_too() -> None:
    assert outcome(act_on(hung(queued=0)), hung(**ENDED, queued=1, oldest_queued_s=START_S + 10.2)) is None


def test_a_run_that_cannot_be_seen_is_not_gone() -> None:
    hidden = hung(run=None, owner=Presence.PRESENT, queued=0)
    unknown = hung(run=None, owner=Presence.UNKNOWN, queued=0)

    assert outcome(act_on(hung()), hidden) is None
    assert outcome(act_on(hung()), unknown) is None
    assert outcome(act_on(hung()), unknown, after_s=16) is Outcome.INEFFECTIVE


def test_that_a_session_is_gone_proves_nothing_about_what_waited_in_it() -> None:
    assert outcome(act_on(hung(queued=2)), None, after_s=1) is None
    assert outcome(act_on(hung(queued=2)), None, after_s=46) is Outcome.TIMED_OUT


def test_an_abort_that_was_answered_with_done_and_changed_nothing_is_ineffective() -> None:
    """OpenClaw 92270: eleven aborts reported, nothing released, wedged for 14 h."""
    assert outcome(act_on(hung()), hung()) is None
    assert outcome(act_on(hung()), hung(), after_s=16) is Outcome.INEFFECTIVE


def test_time_in_which_the_gateway_could_not_obey_does_not_count() -> None:
    assert outcome(act_on(hung()), hung(), after_s=16, blind=10) is None


def test_a_force_clear_has_recovered_when_another_handle_or_none_is_registered() -> None:
    other = zombie(run=Run("r1", START_S - 500, handle="h2"))

    cleared = zombie(run=None, owner=Presence.ABSENT, activity=None, queued=1, oldest_queued_s=START_S)

    assert outcome(act_on(zombie()), other) is Outcome.RECOVERED
    assert outcome(act_on(zombie()), zombie()) is None
    assert outcome(act_on(zombie()), cleared) is None


def test_a_release_has_recovered_when_the_lane_is_served_again() -> None:
    served = orphaned(
        state=SessionState.PROCESSING, owner=Presence.PRESENT, run=Run("r2", START_S + 10, handle="h2"), activity=None
    )

    touched = orphaned(activity=None, state_since_s=START_S + 10)  # the state was written anew, and nobody is served

    assert outcome(act_on(orphaned()), served) is Outcome.RECOVERED
    assert outcome(act_on(orphaned()), orphaned()) is None
    assert outcome(act_on(orphaned()), touched) is None
    assert outcome(act_on(orphaned()), touched, after_s=16) is Outcome.INEFFECTIVE


def test_an_eviction_has_recovered_when_the_session_is_gone() -> None:
    assert outcome(act_on(ghost()), None) is Outcome.RECOVERED


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(ReplyStatus.REFUSED, "owner: a run of this session is alive"), Outcome.REFUSED),
        (Reply(ReplyStatus.UNSUPPORTED, "no"), Outcome.REFUSED),
    ],
)
def test_a_refusal_is_settled_at_once(reply: Reply, expected: Outcome) -> None:
    assert outcome(act_on(hung()), hung(), reply) is expected


@pytest.mark.parametrize(
    ("detail", "moved"),
    [
        ("progress: the run moved since it was judged", {"progress_s": START_S + 9}),
        ("generation: is 9 now", {"generation": 9}),
        ("run: r2 is registered now", {"run": Run("r2", START_S + 9, handle="h2")}),
        ("run: none is registered now", ENDED),
    ],
)
def test_a_refusal_is_superseded_only_where_it_is_seen_that_the_session_moved(
    detail: str, moved: dict[str, object]
) -> None:
    """OpenClaw refused with "another run is active now, or none", of which livewatch knew neither (D5)."""
    refusal = Reply(ReplyStatus.REFUSED, detail)

    assert outcome(act_on(hung()), hung(**moved), refusal) is Outcome.SUPERSEDED
    assert outcome(act_on(hung()), hung(), refusal) is None
    assert outcome(act_on(hung()), hung(), refusal, after_s=16) is Outcome.REFUSED


@pytest.mark.parametrize(
    ("status", "expected"),
    [(ReplyStatus.TIMED_OUT, Outcome.TIMED_OUT), (ReplyStatus.FAILED, Outcome.FAILED)],
)
def test_no_answer_may_still_have_worked_and_is_judged_by_looking(status: ReplyStatus, expected: Outcome) -> None:
    reply = Reply(status, "no answer")
    ended = replace(hung(), run=None, owner=Presence.ABSENT, activity=None, queued=0)

    assert outcome(act_on(hung()), ended, reply) is Outcome.RECOVERED
    assert outcome(act_on(hung()), hung(), reply) is None
    assert outcome(act_on(hung()), hung(), reply, after_s=16) is expected
