"""One gateway for all proofs: a boot costs 9 s of two cores."""

import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.openclaw.gateway import SLOTS, OpenClaw
from tests.openclaw.operator import Operator
from tests.openclaw.world import World


@pytest_asyncio.fixture(name="one_world", scope="session", loop_scope="session")
async def _one_world() -> AsyncGenerator[World]:
    with tempfile.TemporaryDirectory(prefix="lwoc") as folder:
        gateway = OpenClaw(Path(folder))
        world = World(gateway, Operator(gateway.url))
        try:
            gateway.start()
            await world.serves()
            yield world
            sys.stdout.write("\n".join(["", *world.table.lines(), ""]))
        finally:
            await world.operator.close()
            gateway.close()


@pytest_asyncio.fixture(name="world", loop_scope="session")
async def _world(one_world: World) -> AsyncGenerator[World]:
    await one_world.serves()
    yield one_world
    await one_world.clear()
    if one_world.gateway.slots != SLOTS:
        await one_world.allow(SLOTS)
