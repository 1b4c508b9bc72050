"""Asks `chat.history` for what no event tells: a few sessions at a time, beside the look that decides."""

import asyncio

from livewatch.clock import Clock
from livewatch.sources.openclaw.history import PARAMS
from livewatch.sources.openclaw.tracker import Tracker
from livewatch.sources.openclaw.wire import Wire, WireError

AT_ONCE = 4
"""Reads in flight; each cost the gateway 15 to 45 ms (measured, 2026.9.6), so this is well below what it can answer."""
EVERY_S = 0.5


async def read_histories(wire: Wire, tracker: Tracker, clock: Clock) -> None:
    """Read what is due, as long as the connection lives. A read that fails leaves unknown what it was to show."""
    while not wire.closed:
        keys = tracker.to_read(clock.monotonic_s(), AT_ONCE)
        await asyncio.gather(*(_read(wire, tracker, clock, key) for key in keys))
        await asyncio.sleep(EVERY_S)


async def _read(wire: Wire, tracker: Tracker, clock: Clock, key: str) -> None:
    at_s, gaps = clock.monotonic_s(), wire.gaps
    try:
        answer = await wire.ask("chat.history", {"sessionKey": key, **PARAMS})
    except WireError:
        return
    if answer.payload is not None and wire.gaps == gaps:
        tracker.on_history(key, answer.payload, at_s)
