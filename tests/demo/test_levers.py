from collections.abc import Awaitable, Callable

import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.gateway import Gateway
from livewatch.demo.gateway_session import GatewaySession
from livewatch.demo.lanes import Turn
from livewatch.demo.ledger import Answer, AnswerStatus
from livewatch.probe import Refused

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Answers = Callable[[], dict[str, Answer]]
CAUSE = "silent for too long"


def _session(gateway: Gateway) -> GatewaySession:
    session = gateway.session("s")
    assert session is not None
    return session


def _active(gateway: Gateway) -> Turn:
    turn = _session(gateway).lane.active
    assert turn is not None
    return turn


def _identity(gateway: Gateway) -> tuple[str, str]:
    turn = _active(gateway)
    assert turn.run_id is not None
    assert turn.run is not None
    return turn.run_id, turn.run.handle


def _release(gateway: Gateway) -> None:
    gateway.levers.release_lane("s", CAUSE)


def _abort(gateway: Gateway) -> None:
    gateway.levers.abort_run("s", _identity(gateway)[0], CAUSE)


def _force(gateway: Gateway) -> None:
    gateway.levers.force_clear("s", *_identity(gateway), CAUSE)


def _evict(gateway: Gateway) -> None:
    gateway.levers.evict_session("s", CAUSE)


def _orphaned(gateway: Gateway) -> bool:
    session = _session(gateway)
    return session.lane.active is None and session.activities.active


def _in_a_call(gateway: Gateway) -> bool:
    return _session(gateway).activities.active


def _ownerless(gateway: Gateway) -> bool:
    return _active(gateway).task is None


@pytest.mark.parametrize(
    "case",
    [
        (Fault.ORPHANED_MODEL_CALL, _orphaned, _release),
        (Fault.ORPHANED_TOOL_CALL, _orphaned, _release),
        (Fault.ORPHANED_TOOL_CALL, _orphaned, _evict),
        (Fault.HUNG_MODEL_CALL, _in_a_call, _abort),
        (Fault.HUNG_MODEL_CALL, _in_a_call, _force),
        (Fault.HUNG_TOOL, _in_a_call, _abort),
        (Fault.ZOMBIE_RUN, _in_a_call, _force),
        (Fault.GHOST_SESSION, _ownerless, _release),
        (Fault.GHOST_SESSION, _ownerless, _evict),
    ],
)
async def test_every_message_is_answered_exactly_once_and_in_order_under_the_lever(
    gateway: Gateway,
    eventually: Eventually,
    answers: Answers,
    case: tuple[Fault, Callable[[Gateway], bool], Callable[[Gateway], None]],
) -> None:
    fault, broken, lever = case
    carrier = gateway.inject(fault, "s")
    behind = [gateway.send("s", f"answer {number} 0") for number in (1, 2, 3)]
    await eventually(lambda: broken(gateway))
    assert not answers().keys() & set(behind)

    lever(gateway)

    await eventually(lambda: gateway.ledger.unanswered == 0)
    assert gateway.ledger.duplicated == 0
    assert list(answers()) == [carrier, *behind]
    assert [answers()[message].status for message in behind] == [AnswerStatus.OK] * 3
    assert answers()[str(carrier)].status is AnswerStatus.FAILED


async def test_a_zombie_ignores_its_abort_and_its_late_end_answers_nobody(
    gateway: Gateway, eventually: Eventually, answers: Answers
) -> None:
    carrier = str(gateway.inject(Fault.ZOMBIE_RUN, "s"))
    behind = gateway.send("s", "answer 1 0")
    await eventually(lambda: _in_a_call(gateway))
    zombie = _active(gateway)
    _abort(gateway)
    await eventually(lambda: zombie.task is not None and zombie.task.cancelling() > 0)
    assert zombie.task is not None
    assert not zombie.task.done()

    _force(gateway)

    await eventually(lambda: behind in answers())
    assert answers()[carrier].text == CAUSE
    assert not zombie.task.done()
    gateway.client.abort_all()  # the HTTP call settles at last
    await eventually(zombie.task.done)
    assert (gateway.ledger.suppressed, gateway.ledger.duplicated) == (1, 0)
    assert _session(gateway).lane.idle


async def test_the_cause_travels_to_the_answer(gateway: Gateway, eventually: Eventually, answers: Answers) -> None:
    carrier = str(gateway.inject(Fault.HUNG_TOOL, "s"))
    await eventually(lambda: _in_a_call(gateway))
    _abort(gateway)
    await eventually(lambda: carrier in answers())
    assert answers()[carrier].text == CAUSE


async def test_levers_that_need_no_owner_are_refused_while_a_run_is_alive(
    gateway: Gateway, eventually: Eventually
) -> None:
    gateway.inject(Fault.HUNG_MODEL_CALL, "s")
    await eventually(lambda: _in_a_call(gateway))
    turn = _active(gateway)
    for lever in (_release, _evict):
        with pytest.raises(Refused, match="alive"):
            lever(gateway)
    assert _active(gateway) is turn


async def test_levers_that_name_another_run_or_handle_are_refused(gateway: Gateway, eventually: Eventually) -> None:
    gateway.inject(Fault.HUNG_MODEL_CALL, "s")
    await eventually(lambda: _in_a_call(gateway))
    run_id, handle = _identity(gateway)
    with pytest.raises(Refused, match="handle"):
        gateway.levers.force_clear("s", run_id, handle + "x", CAUSE)
    with pytest.raises(Refused, match="run"):
        gateway.levers.force_clear("s", run_id + "x", handle, CAUSE)
    with pytest.raises(Refused, match="run"):
        gateway.levers.abort_run("s", run_id + "x", CAUSE)
    with pytest.raises(Refused, match="session"):
        gateway.levers.evict_session("nobody", CAUSE)
    assert _identity(gateway) == (run_id, handle)


async def test_an_evicted_session_comes_back_with_a_new_id_and_a_place_in_the_store(
    gateway: Gateway, eventually: Eventually
) -> None:
    gateway.inject(Fault.GHOST_SESSION, "s")
    before = gateway.describe("s")
    assert before is not None
    assert not before["in_store"]
    _evict(gateway)
    after = gateway.describe("s")
    assert after is not None
    assert after["in_store"]
    assert after["id"] != before["id"]
    message = gateway.send("s", "answer 1 0")
    await eventually(lambda: gateway.ledger.unanswered == 0)
    assert message
