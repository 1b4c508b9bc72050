from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.gateway import DrainingError, Gateway
from livewatch.demo.ledger import Answer, AnswerStatus
from livewatch.demo.provider import Provider

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
Answers = Callable[[], dict[str, Answer]]


async def test_a_turn_streams_from_the_model_and_runs_its_tools(
    gateway: Gateway, eventually: Eventually, answers: Answers
) -> None:
    message = gateway.send("s", "answer 2 0; tool 0; answer 1 0")
    await eventually(lambda: message in answers())
    assert answers()[message] == Answer(message, "s", AnswerStatus.OK, "tok0 tok1 [exit 0] tok0")


async def test_a_provider_that_is_gone_fails_the_turn_and_not_the_lane(
    gateway: Gateway, provider: Provider, eventually: Eventually, answers: Answers
) -> None:
    await provider.close()
    failing, after = gateway.send("s", "answer 1"), gateway.send("s", "tool 0")
    await eventually(lambda: after in answers())
    assert answers()[failing].status is AnswerStatus.FAILED
    assert answers()[after].status is AnswerStatus.OK


async def test_an_approval_ends_the_wait(gateway: Gateway, eventually: Eventually, answers: Answers) -> None:
    message = gateway.send("s", "approval; answer 1 0")
    await eventually(lambda: (gateway.describe("s") or {})["active"])
    beside = gateway.send("t", "answer 3 0")
    await eventually(lambda: beside in answers())
    assert message not in answers()
    assert gateway.approve("s")
    assert not gateway.approve("nobody")
    await eventually(lambda: message in answers())


async def test_a_heartbeat_that_finds_the_lane_busy_is_dropped_and_counted_by_reason(
    gateway: Gateway, eventually: Eventually
) -> None:
    gateway.inject(Fault.HUNG_MODEL_CALL, "s")
    gateway.beat("s")
    await eventually(lambda: "lane_busy" in gateway.stats()["heartbeats_dropped"])
    described = gateway.describe("s")
    assert described is not None
    assert described["queued"] == 0
    assert described["heartbeats"] == 0


async def test_a_heartbeat_of_an_idle_session_runs_in_its_lane(gateway: Gateway, eventually: Eventually) -> None:
    gateway.send("s", "answer 1 0")
    await eventually(lambda: gateway.ledger.unanswered == 0)
    gateway.beat("s")
    await eventually(lambda: gateway.stats()["heartbeats"] >= 1)


@pytest.mark.invariant(3)
async def test_what_a_draining_gateway_had_accepted_is_answered_by_the_next_one(
    tmp_path: Path, provider: Provider, eventually: Eventually
) -> None:
    store = tmp_path / "store"
    first = Gateway(tmp_path / "b", tmp_path / "s", store, provider.url)
    first.drain_s = 0.1
    async with first:
        hung = first.inject(Fault.ZOMBIE_RUN, "s")
        waiting = [first.send("s", f"answer {number} 0") for number in (1, 2)]
    assert [(a.id, a.status) for a in first.ledger.answers(0)[1]] == [(hung, AnswerStatus.FAILED)]
    with pytest.raises(DrainingError):
        first.send("s", "answer 1")

    second = Gateway(tmp_path / "b", tmp_path / "s", store, provider.url)
    second.drain_s = 0.1
    async with second:
        await eventually(lambda: second.ledger.answered == 2)
        assert [a.id for a in second.ledger.answers(0)[1]] == waiting
    third = Gateway(tmp_path / "b", tmp_path / "s", store, provider.url)
    third.drain_s = 0.1
    async with third:
        assert third.ledger.accepted == 0
