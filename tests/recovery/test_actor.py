"""What becomes of what was sent to a gateway that ends."""

import asyncio

import pytest

from livewatch.recovery.actor import Actor
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers.decision import GATEWAY, Act, Action
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Outcome, Reason
from tests.recovery.fake_gateway import FakeIntents


def act(kind: ActionKind, session: str) -> Act:
    action = Action(kind, session, f"key of {session}", "because", Reason.ZOMBIE_RUN)
    return Act(action, Verdict(session, Attention.STUCK, Reason.ZOMBIE_RUN, "5"))


@pytest.mark.parametrize("answered", [True, False])
async def test_a_restart_has_worked_only_when_another_process_is_seen(*, answered: bool) -> None:
    clock = FakeClock()
    source = FakeGateway(clock)
    actor = Actor(source, clock, FakeIntents(source.log))
    if not answered:
        source.answering.clear()
    actor.send(act(ActionKind.ABORT_RUN, "s"), clock.now_s)
    actor.send(act(ActionKind.RESTART_TARGET, GATEWAY), clock.now_s)
    for _ in range(5):
        await asyncio.sleep(0)  # lets what was started run; no time passes

    ended = actor.forget(clock.now_s, restarted=False)
    back = actor.forget(clock.now_s, restarted=True)

    assert [(done.action.session, done.outcome, done.detail) for done in ended] == [
        ("s", Outcome.SUPERSEDED, "the gateway ended")
    ]
    assert [(done.action.session, done.outcome) for done in back] == [(GATEWAY, Outcome.RECOVERED)]
    assert actor.forget(clock.now_s, restarted=True) == []
