"""A WebSocket gateway on FastAPI: one lane per session, one turn at a time, watched and repaired by livewatch.

    $ uvicorn --app-dir examples fastapi_gateway:app
    $ livewatch run --board run/board --socket run/control.sock --mode abort

Connect to ``ws://127.0.0.1:8000/sessions/KEY`` and send texts; each is answered in its turn. The model is a stand-in:
``hang`` is never answered, ``deaf`` ignores its cancellation too, ``drip N`` takes N tokens of 50 ms, and everything
else is echoed. What is done for livewatch, besides the levers, ends in ``# livewatch``; docs/embedding.md explains it.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import time
from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path

from fastapi import FastAPI, WebSocket

from livewatch.probe import Check, Levers, Probe, Refused, Run

RUN_DIR = Path(os.environ.get("GATEWAY_RUN_DIR", "run"))
RUN_TIMEOUT_S = 600.0
_ids = itertools.count(1)


async def model(prompt: str) -> AsyncGenerator[str]:
    """Stand in for a provider's stream of tokens."""
    word, _, number = prompt.partition(" ")
    while word in ("hang", "deaf"):
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if word == "hang":
                raise
    for token in range(int(number)) if word == "drip" else [prompt]:
        await asyncio.sleep(0.05)
        yield f"{token} "


class Turn:
    """A message on its way through a lane."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.came_ns = time.monotonic_ns()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None] | None = None
        self.run: Run | None = None

    def settle(self, text: str) -> None:
        """Answer once."""
        if not self.answer.done():
            self.answer.set_result(text)


class Lane:
    """The queue of one session."""

    def __init__(self, key: str, probe: Probe) -> None:
        self.watch = probe.session(key)  # livewatch
        self.waiting: deque[Turn] = deque()
        self.active: Turn | None = None

    def put(self, text: str) -> Turn:
        """Queue a message."""
        turn = Turn(text)
        self.waiting.append(turn)
        self._next()
        return turn

    def free(self, turn: Turn, text: str) -> None:
        """Answer a turn that did not answer itself, and go on; the late end of a cleared turn changes nothing."""
        turn.settle(text)
        if self.active is turn:
            self.active = None
            self._next()

    def _next(self) -> None:
        if self.active is None and self.waiting:
            turn = self.active = self.waiting.popleft()
            turn.task = asyncio.create_task(self._serve(turn))
            turn.task.add_done_callback(lambda task: self.free(turn, _why(task)))
        self.watch.queued(len(self.waiting), self.waiting[0].came_ns if self.waiting else None)  # livewatch

    async def _serve(self, turn: Turn) -> None:
        text = ""
        async with self.watch.run(f"run-{next(_ids)}", timeout=RUN_TIMEOUT_S) as turn.run:  # livewatch
            with turn.run.model_call("echo-1"):  # livewatch
                async for token in model(turn.text):
                    text += token
                    turn.run.progress()  # livewatch
            turn.settle(text.strip())
            turn.run.turn_ended()  # livewatch


def _why(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "error: the run was cancelled"
    return "" if task.exception() is None else f"error: {task.exception()!r}"


class GatewayLevers(Levers):
    """What livewatch may do here. Called on the loop, right after the probe has checked what was judged."""

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        """Cancel the run's task; if it listens, the lane goes on."""
        turn = _active(session, run_id)
        assert turn.run is not None
        assert turn.task is not None
        turn.run.abort_requested()
        turn.settle(f"error: aborted, {cause}")
        turn.task.cancel()
        return None

    def force_clear(self, session: str, run_id: str, handle: str, cause: str) -> int | None:
        """Leave a run behind that did not listen; its lane goes on without it."""
        turn = _active(session, run_id)
        lanes[session].watch.forget_run(run_id, handle)
        lanes[session].free(turn, f"error: cleared, {cause}")
        return 1

    def drain(self, timeout_s: float) -> None:
        """Begin no new run, wait for those that live, and end."""
        app.state.ending = asyncio.create_task(_end(app.state.probe, timeout_s))


def _active(session: str, run_id: str) -> Turn:
    turn = lanes[session].active if session in lanes else None
    if turn is None or turn.run is None or turn.run.id != run_id:
        raise Refused("run: another one holds the lane", check=Check.RUN_ID)
    return turn


async def _end(probe: Probe, timeout_s: float) -> None:
    await probe.drain(timeout_s)
    signal.raise_signal(signal.SIGTERM)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open the probe on the loop that serves, for as long as it serves."""
    async with Probe.open(RUN_DIR / "board", RUN_DIR / "control.sock", levers=GatewayLevers()) as probe:  # livewatch
        app.state.probe = probe
        probe.ready()  # livewatch
        yield


lanes: dict[str, Lane] = {}
app = FastAPI(lifespan=lifespan)


@app.websocket("/sessions/{key}")
async def talk(socket: WebSocket, key: str) -> None:
    """Take messages as they come, and answer each in its turn."""
    await socket.accept()
    if key not in lanes:  # a gateway that forgets sessions also calls `watch.close()`
        lanes[key] = Lane(key, app.state.probe)
    lane = lanes[key]
    turns: asyncio.Queue[Turn] = asyncio.Queue()

    async def answer() -> None:
        while True:
            turn = await turns.get()
            await socket.send_text(await turn.answer)

    answering = asyncio.create_task(answer())
    try:
        async for text in socket.iter_text():
            turns.put_nowait(lane.put(text))
    finally:
        answering.cancel()
