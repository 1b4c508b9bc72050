"""What the tests of the example gateway share: bounded waiting, and a gateway on real sockets in this loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from livewatch.demo.gateway import Gateway
from livewatch.demo.ledger import Answer
from livewatch.demo.provider import Provider

DEADLINE_S = 10.0
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, bounded."""

    async def wait(condition: Callable[[], bool]) -> None:
        end_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end_s, "the condition did not come true in time"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    await provider.start()
    yield provider
    await provider.close()


@pytest.fixture
async def gateway(tmp_path: Path, provider: Provider) -> AsyncIterator[Gateway]:
    gateway = Gateway(tmp_path / "b", tmp_path / "s", tmp_path / "store", provider.url)
    gateway.drain_s = 0.2
    async with gateway:
        yield gateway


@pytest.fixture
def answers(gateway: Gateway) -> Callable[[], dict[str, Answer]]:
    """Return all answers so far, by message."""
    return lambda: {answer.id: answer for answer in gateway.ledger.answers(0)[1]}
