"""Queued messages are not thrown away unless the operator said so, and then it is said how many."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest

from livewatch.configuration.load import load_settings
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.reader import read_journal
from livewatch.recovery.policy import judge
from livewatch.recovery.request import Request
from livewatch.sources.base import Discarding
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers import GatewayIdentity, Snapshot, Vitals
from livewatch_classifiers.decision import Act, Action, Hold
from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Reason
from tests.recovery.clinic import POLICY
from tests.recovery.fake_gateway import NOW_S, request, session, situation
from tests.test_agent import Stage

EVICTS = frozenset({ActionKind.ABORT_RUN})


def asked(queued: int | None, *, allow: bool = False, kind: ActionKind = ActionKind.ABORT_RUN) -> Request:
    given = session(queued=queued)
    other = session("other", queued=5)
    look = Snapshot(
        Vitals(NOW_S, ready_s=1.0),
        MappingProxyType({"s": given, "other": other}),
        identity=GatewayIdentity(1, "b:1"),
    )
    base = request(kind, session=given)
    discarding = replace(situation(look, {}), discards=EVICTS | {ActionKind.RESTART_TARGET})
    policy = replace(base.policy, allow_discard=allow, mode=Mode.RESTART)
    return replace(base, situation=discarding, policy=policy)


@pytest.mark.invariant(3)
@pytest.mark.parametrize("queued", [1, 7, None])
def test_discard_holds_alone_what_would_throw_messages_away(queued: int | None) -> None:
    """OpenClaw 89208, 130911: what was queued behind a wedge was lost with it."""
    held = judge(asked(queued))

    assert isinstance(held, Hold)
    assert held.gate is Gate.DISCARD
    assert ("unknown" if queued is None else str(queued)) in held.detail


def test_discard_lets_pass_what_has_nothing_to_throw_away() -> None:
    act = judge(asked(0))

    assert isinstance(act, Act)
    assert act.action.discards == 0


def test_with_permission_the_action_says_how_many_beforehand() -> None:
    act = judge(asked(3, allow=True))

    assert isinstance(act, Act)
    assert act.action.discards == 3
    assert "discards 3 queued" in act.action.cause


def test_an_action_that_keeps_the_queue_is_not_held_by_its_length() -> None:
    kept = asked(7)

    assert isinstance(judge(replace(kept, situation=replace(kept.situation, discards=frozenset()))), Act)


def test_a_restart_counts_what_is_queued_anywhere() -> None:
    assert asked(2, kind=ActionKind.RESTART_TARGET).discards == 7
    assert asked(None, kind=ActionKind.RESTART_TARGET).discards is None


def test_permission_is_a_flag_and_off_by_default() -> None:
    assert not load_settings(environ={}).recovery.allow_discard
    assert load_settings(environ={}, flags={"allow_discard": True}).recovery.allow_discard


class LossySource(FakeGateway):
    discards = frozenset({ActionKind.FORCE_CLEAR})


async def test_the_agent_asks_the_source_what_it_throws_away() -> None:
    stage = Stage()
    lossy = LossySource(stage.clock)
    lossy.sessions = stage.source.sessions
    stage.agent.source = lossy
    assert isinstance(lossy, Discarding)
    (held,) = (await stage.tick()).decisions

    assert isinstance(held, Hold)
    assert held.gate is Gate.DISCARD


async def test_the_number_is_in_the_journal_before_the_action_is_sent(tmp_path: Path) -> None:
    act = judge(asked(3, allow=True))
    assert isinstance(act, Act)
    journal = Journal(tmp_path / "j.sqlite", "gw", clock=FakeClock())
    journal.start()
    await journal.intent(act)
    (intent,) = read_journal(tmp_path / "j.sqlite").intents
    journal.close(10.0)

    assert intent.action.discards == 3


def test_an_intent_written_before_there_was_a_number_is_still_read() -> None:
    old = b'{"kind": "abort_run", "session": "s", "idempotency_key": "k", "cause": "c", "reason": "zombie_run"}'

    assert msgspec.json.decode(old, type=Action) == Action(ActionKind.ABORT_RUN, "s", "k", "c", Reason.ZOMBIE_RUN)
    assert POLICY.allow_discard is False
