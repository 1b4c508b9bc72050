"""Starts the model provider in a process of its own and ends it again."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from livewatch.demo.child import end_child, start_child


@asynccontextmanager
async def provider_process() -> AsyncGenerator[str]:
    """Run a provider for the length of the block and yield its base address."""
    process = await start_child([sys.executable, "-m", "livewatch.demo.provider"])
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20.0):
            url = str(json.loads(await process.stdout.readline())["url"])
        yield url
    finally:
        await end_child(process)
