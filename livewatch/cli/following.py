"""Following a running agent's events, over its restarts: nothing twice, nothing left out."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask

_AGAIN_S = 0.5
"""How long to leave an agent alone that did not answer."""


class Follower:
    """Asks one agent again and again for what came after the last event it gave."""

    def __init__(self, socket: Path, since_wall_s: float, cursor: str, tell: Callable[[str], None]) -> None:
        """Tell people through ``tell`` when the agent is away, and when it is back."""
        self._socket = socket
        self._since_wall_s = since_wall_s
        self._cursor = cursor
        self._tell = tell
        self._away = False
        self._problem = ""

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield events for ever; ends when whoever reads our output has gone."""
        while not reader_is_gone():
            try:
                page = ask(
                    self._socket,
                    "GET",
                    "/v1/events",
                    after=self._cursor or None,
                    since=self._since_wall_s,
                    wait=True,
                )
            except (AgentUnreachable, AgentRefused) as error:
                self._missing(error)
                time.sleep(_AGAIN_S)
                continue
            self._back(page)
            yield from page["events"]
            self._cursor = page["cursor"]
            if not page["events"] and not page["waited"]:
                time.sleep(_AGAIN_S)

    def _missing(self, error: Exception) -> None:
        if not self._away:
            self._tell(f"{error}; waiting for it")
        self._away = True

    def _back(self, page: dict[str, Any]) -> None:
        if self._away:
            self._tell("the agent answers again")
        self._away = False
        if page["problem"] != self._problem:
            self._tell(page["problem"] or "the journal can be written again")
        self._problem = page["problem"]


def reader_is_gone() -> bool:
    """Return whether standard output is a pipe that nobody reads any more; writing alone would tell too late."""
    try:
        descriptor = sys.stdout.fileno()
        os.fstat(descriptor)
    except (OSError, ValueError):  # not a file, as under a test runner
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
