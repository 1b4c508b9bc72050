import asyncio
import sys

import pytest

from livewatch.demo.behaviour import Behaviour, Manner, parse_behaviour
from livewatch.demo.child import start_child
from livewatch.demo.model_client import ModelClient, ProviderError
from livewatch.demo.provider import Provider

DEADLINE_S = 10.0


@pytest.mark.parametrize(
    ("prompt", "behaviour"),
    [
        ("answer 3 0.5", Behaviour(Manner.ANSWER, 3, 0.5)),
        ("answer", Behaviour(Manner.ANSWER, 8, 0.02)),
        ("drip 1.5 4", Behaviour(Manner.DRIP, 4, 1.5)),
        ("silence", Behaviour(Manner.SILENCE)),
        ("half 2", Behaviour(Manner.HALF, 2)),
        ("what is the weather", Behaviour(Manner.ANSWER)),
        ("answer many", Behaviour(Manner.ANSWER)),
        ("", Behaviour(Manner.ANSWER)),
    ],
)
def test_the_prompt_chooses_the_behaviour(prompt: str, behaviour: Behaviour) -> None:
    assert parse_behaviour(prompt) == behaviour


async def _collect(client: ModelClient, prompt: str) -> list[str]:
    async with client.call(prompt) as call:
        return [token async for token in call.tokens()]


async def test_an_answer_streams_every_token_in_order(provider: Provider) -> None:
    assert await _collect(ModelClient(provider.url), "answer 4 0") == ["tok0 ", "tok1 ", "tok2 ", "tok3 "]


async def test_a_silent_provider_accepts_and_sends_no_byte_while_others_are_answered(provider: Provider) -> None:
    client = ModelClient(provider.url)
    async with client.call("silence") as silent:
        reading = asyncio.create_task(silent.line())
        while provider.requests < 1:  # bounded by the test's own timeout
            await _collect(client, "answer 1 0")
        assert len(await _collect(client, "answer 5 0.01")) == 5
        assert not reading.done()
        silent.abort()
        assert await reading == b""


async def test_half_an_answer_hangs_after_its_tokens(provider: Provider) -> None:
    client = ModelClient(provider.url)
    async with client.call("half 2") as call:
        tokens = call.tokens()
        assert [await anext(tokens), await anext(tokens)] == ["tok0 ", "tok1 "]
        third = asyncio.ensure_future(anext(tokens))
        assert len(await _collect(client, "answer 5 0.01")) == 5
        assert not third.done()
        client.abort_all()
        with pytest.raises(ProviderError, match="before it was complete"):
            await third


@pytest.mark.parametrize(
    "request_bytes", [b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n[]"]
)
async def test_a_request_that_is_none_is_dropped_and_the_next_is_served(
    provider: Provider, request_bytes: bytes
) -> None:
    host, port = provider.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_bytes)
    assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
    writer.close()
    await writer.wait_closed()
    assert len(await _collect(ModelClient(provider.url), "answer 1 0")) == 1


async def test_the_provider_process_ends_when_its_parent_lets_go_of_the_pipe() -> None:
    process = await start_child([sys.executable, "-m", "livewatch.demo.provider"])
    assert process.stdout is not None
    assert process.stdin is not None
    assert b"http://127.0.0.1:" in await asyncio.wait_for(process.stdout.readline(), DEADLINE_S)
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), DEADLINE_S) == 0
