"""A whole OpenClaw gateway that answers nonsense over a real WebSocket: a `SourceError` or a snapshot comes out."""

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from livewatch.sources.base import SourceError
from livewatch.sources.openclaw import source as module
from livewatch.sources.openclaw.source import OpenClawSource
from tests.fuzz.mutator import Mutator
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.config import one_line
from tests.fuzz.targets.openclaw import _ANSWERS, RECORDED, _frame
from tests.fuzz.targets.rounds import Patience
from tests.sources.openclaw.fake_gateway import FakeGateway, ok

_PATIENCE_S = 0.3
_TURNS = 50
_FRAMES_MAX = 30


class OpenClawSocketTarget(Target):
    """The first line is an object of answers by method; the others are frames that are pushed."""

    name = "openclaw-socket"
    tokens = (b'"hasMore":false', b'"pid":', b'"server":{}', b"null", b"1e999", b"\\ud800", b"\xff")
    cpu_s = 30.0
    brief = 60

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        logging.getLogger("websockets.server").setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Let the server speak again."""
        logging.getLogger("websockets.server").setLevel(logging.NOTSET)

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Change what is answered, or anything."""
        first, end, rest = data.partition(b"\n")
        try:
            answers = json.loads(first)
        except (ValueError, RecursionError):
            answers = None
        if answers is None or random.random() < 0.4:
            return super().mutated(random, data, pool)
        for _ in range(random.randint(1, 3)):
            answers = Mutator(random).json_value(answers)
        return json.dumps(answers).encode() + end + rest

    def seeds(self) -> list[bytes]:
        """Return what a real one says."""
        answers = {**_ANSWERS, "connect": {"type": "hello-ok", "server": {"version": "2026.9.6"}}}
        lines = (RECORDED / "tool.jsonl").read_text().splitlines()[:12]
        frames = [_frame(number, line) for number, line in enumerate(lines, start=1)]
        return ["\n".join([json.dumps(answers), *frames]).encode(), json.dumps(answers).encode()]

    def run(self, data: bytes) -> str:
        """Connect, listen, look twice, and let go."""
        with mock.patch.object(module, "FIRST_LOOK_WITHIN_S", _PATIENCE_S), mock.patch.object(module, "POLL_S", 0.01):
            return asyncio.run(self._run(data))

    async def _run(self, data: bytes) -> str:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        first, *frames = data.split(b"\n")
        gateway = FakeGateway()
        try:
            answers = json.loads(first)
        except (ValueError, RecursionError):
            answers = {}
        for method, payload in answers.items() if isinstance(answers, dict) else ():
            gateway.answers[method] = lambda _, payload=payload: ok(payload)
        async with gateway.serving():
            source = OpenClawSource(Patience(), name="gw", url=gateway.url)
            try:
                words = [await self._look(source)]
                for frame in frames[:_FRAMES_MAX]:
                    await gateway.send(frame.decode(errors="replace"))
                for _ in range(_TURNS):  # of the loop, in which the frames arrive
                    await asyncio.sleep(0)
                words.append(await self._look(source))
            finally:
                await source.close()
        if complaints:
            raise Finding(f"the loop complains: {complaints[0]}")
        return " ".join(words)

    @staticmethod
    async def _look(source: OpenClawSource) -> str:
        try:
            snapshot = await source.sample()
        except SourceError as error:
            return one_line(error)[:50]
        for key in snapshot.sessions:
            key.encode()
        known = [bool(part) for part in (snapshot.sessions, snapshot.lanes, snapshot.opinions, snapshot.identity)]
        return f"{known} {snapshot.vitals.phase.value} {snapshot.counters['event_gaps'] > 0}"
