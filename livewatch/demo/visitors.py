"""Visitors: the healthy traffic. Each has one session, waits for its answers, thinks a little, and writes again."""

import asyncio
from typing import Protocol

from livewatch.demo.ledger import Answer, AnswerStatus

SCRIPTS = (
    "answer 12 0.03",
    "answer 30 0.04",
    "tool 0.3; answer 6",
    "answer 4; tool 0.1; answer 8",
    "drip 0.8 6",
    "answer 20 0.02",
)
"""What visitors ask for in turn; the slow drip is slow on purpose."""


class Desk(Protocol):
    """Where a visitor leaves a message and gets the answer."""

    async def send(self, session: str, text: str) -> str:
        """Leave one message and return its id."""
        ...

    async def answered(self, message_id: str) -> Answer:
        """Wait for the answer."""
        ...


class Visitors:
    """A number of visitors, started together and stopped together."""

    def __init__(self, desk: Desk, count: int) -> None:
        self.keys = [f"visitor-{number:03d}" for number in range(count)]
        self.turns_completed = 0
        self.turns_failed = 0
        self._desk = desk
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Let everybody begin, spread over two seconds."""
        self._tasks = [asyncio.create_task(self._visit(number), name=key) for number, key in enumerate(self.keys)]

    async def finish(self, timeout_s: float) -> None:
        """Let everybody wait for the answers still due, then go; whoever waits longer is sent home.

        Safe to call twice, and before `start`.
        """
        self._stop.set()
        if self._tasks:
            _done, pending = await asyncio.wait(self._tasks, timeout=timeout_s)
            for task in pending:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _visit(self, number: int) -> None:
        key, round_number = self.keys[number], number
        await self._pause(2.0 * number / len(self.keys))
        while not self._stop.is_set():
            burst = 2 if round_number % 5 == 0 else 1
            script = SCRIPTS[round_number % len(SCRIPTS)]
            sent = [await self._desk.send(key, script) for _ in range(burst)]
            for message_id in sent:
                answer = await self._desk.answered(message_id)
                well = answer.status is AnswerStatus.OK
                self.turns_completed += well
                self.turns_failed += not well
            round_number += 1
            await self._pause(0.6 + (number % 7) * 0.15)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
