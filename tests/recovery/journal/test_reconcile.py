"""What a new agent says about intents that nobody saw the end of."""

import dataclasses

import pytest

from livewatch.recovery.journal.reconcile import reconcile
from livewatch.recovery.journal.records import Settlement, StoredIntent
from livewatch_classifiers import GatewayIdentity, Run, Session
from livewatch_classifiers.vocabulary import ActionKind, Outcome, Presence
from tests.recovery.journal.facts import IDENTITY, NOW_S, a_session, a_snapshot, an_act, sick

HERE = "agent:main:main"


def an_intent(kind: ActionKind = ActionKind.ABORT_RUN, identity: GatewayIdentity | None = IDENTITY) -> StoredIntent:
    return StoredIntent(1, "gw", 0.0, 0.0, an_act(kind=kind).action, sick(), identity)


def look(intent: StoredIntent, *sessions: Session, identity: GatewayIdentity | None = IDENTITY) -> Outcome | None:
    snapshot = a_snapshot(*(sessions or (a_session("somebody else"),)), identity=identity)
    (result,) = reconcile([intent], snapshot)
    assert result.intent is intent
    assert "whether the action was sent is not known" in result.detail
    expected = Settlement.JUDGED_AGAIN if result.outcome is None else Settlement.AFTER_CRASH
    assert result.how is expected
    return result.outcome


@pytest.mark.parametrize("kind", list(ActionKind))
def test_everything_as_it_was_claims_no_outcome_and_is_judged_again(kind: ActionKind) -> None:
    assert look(an_intent(kind), a_session()) is None


@pytest.mark.parametrize("kind", list(ActionKind))
def test_another_process_supersedes_every_intent(kind: ActionKind) -> None:
    assert look(an_intent(kind), a_session(), identity=GatewayIdentity(4242, "boot:100")) is Outcome.SUPERSEDED


def test_an_unknown_process_identity_neither_permits_nor_exempts() -> None:
    assert look(an_intent(identity=None), a_session()) is None
    assert look(an_intent(), a_session(), identity=None) is None


ENDED: dict[str, object] = {"run": None, "owner": Presence.ABSENT, "activity": None}


def test_a_run_that_is_gone_has_recovered_only_where_what_waited_has_begun_or_nothing_waits() -> None:
    assert look(an_intent(), a_session(**ENDED, queued=0)) is Outcome.RECOVERED
    assert look(an_intent(), a_session(run=Run("r2", handle="h2"))) is Outcome.RECOVERED


@pytest.mark.parametrize("queued", [None, 1, 5])
def test_a_run_that_is_gone_while_messages_may_wait_claims_no_outcome(queued: int | None) -> None:
    assert look(an_intent(), a_session(**ENDED, queued=queued)) is None
    assert look(an_intent()) is None  # the session is gone, and nobody knows what waited in it


def test_an_abort_that_was_noted_without_effect_is_seen_to_fail_and_is_not_asked_again() -> None:
    """The note itself moves the generation; taken for life, it led to a second abort of the same run."""
    noted = Run("r1", handle="h1", abort_requested_s=NOW_S)

    assert look(an_intent(), a_session(generation=99, run=noted)) is Outcome.INEFFECTIVE


def test_a_handle_that_is_gone_is_what_a_force_clear_was_for() -> None:
    assert look(an_intent(ActionKind.FORCE_CLEAR), a_session(run=Run("r1", handle="h2"))) is Outcome.RECOVERED


def test_a_lane_that_serves_another_run_was_released() -> None:
    assert look(an_intent(ActionKind.RELEASE_LANE), a_session(run=Run("r2"))) is Outcome.RECOVERED


def test_a_session_that_is_gone_was_evicted_but_not_released() -> None:
    empty = an_intent(ActionKind.EVICT_SESSION)
    empty = dataclasses.replace(empty, action=dataclasses.replace(empty.action, queued=0))

    assert look(empty) is Outcome.RECOVERED
    assert look(an_intent(ActionKind.EVICT_SESSION)) is None
    assert look(an_intent(ActionKind.RELEASE_LANE)) is None


def test_a_store_that_no_longer_says_running_was_corrected() -> None:
    corrected = a_session(store_says_running=Presence.ABSENT)
    assert look(an_intent(ActionKind.CORRECT_STORE), corrected) is Outcome.RECOVERED


@pytest.mark.parametrize("change", [{"generation": 8}, {"id": "s2"}, {"progress_s": NOW_S - 1}])
def test_a_session_that_moved_by_itself_superseded_the_intent(change: dict[str, object]) -> None:
    assert look(an_intent(), a_session(**change)) is Outcome.SUPERSEDED


def test_what_was_not_known_when_it_was_judged_is_not_a_change() -> None:
    intent = an_intent()
    unknown = dataclasses.replace(intent.action, generation=None, run_id=None, handle=None, progress_s=None)
    assert look(dataclasses.replace(intent, action=unknown), a_session()) is None
