"""The example gateway as a process: opens everything, serves until told to stop, drains, closes everything."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from livewatch.demo.desk import LocalDesk
from livewatch.demo.gateway import Gateway
from livewatch.demo.inbound import Inbound
from livewatch.demo.parent import end_with_parent
from livewatch.demo.provider_process import provider_process
from livewatch.demo.visitors import Visitors

_VISITORS_LEAVE_S = 3.0


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where a gateway lives and how much goes on in it."""

    board: Path
    socket: Path
    inbound: Path
    store: Path
    provider_url: str | None = None
    """``None`` starts a provider for this gateway."""
    sessions: int = 0
    """How many visitors are simulated."""
    end_with_stdin: bool = False


async def serve_gateway(settings: GatewaySettings, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM, SIGINT or a drain over the control socket; ``announce`` gets one line once ready."""
    for path in (settings.board, settings.socket, settings.inbound):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with contextlib.AsyncExitStack() as stack:
        url = settings.provider_url
        if url is None:
            url = await stack.enter_async_context(provider_process())
        gateway = Gateway(settings.board, settings.socket, settings.store, url)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, gateway.stopping.set)
        await stack.enter_async_context(gateway)
        inbound = Inbound(gateway, settings.inbound)
        stack.push_async_callback(inbound.close)
        await inbound.start()
        if settings.end_with_stdin:
            end_with_parent(sys.stdin.fileno())
        announce(f"attach with: livewatch run --board {settings.board} --socket {settings.socket}")
        async with _visitors(gateway, settings.sessions):
            await gateway.stopping.wait()


@contextlib.asynccontextmanager
async def _visitors(gateway: Gateway, count: int) -> AsyncGenerator[None]:
    desk = LocalDesk(gateway)
    handing_out = asyncio.create_task(desk.run(), name="desk")
    visitors = Visitors(desk, count)
    visitors.start()
    try:
        yield
    finally:
        await visitors.finish(_VISITORS_LEAVE_S)
        handing_out.cancel()
        await asyncio.gather(handing_out, return_exceptions=True)
