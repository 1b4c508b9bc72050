"""Runs: one turn each, with a timeout, model calls over real sockets and tools that are real processes."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from livewatch.demo.fault import Fault
from livewatch.demo.gateway_session import GatewaySession
from livewatch.demo.lanes import Turn, TurnKind
from livewatch.demo.ledger import AnswerStatus, Ledger
from livewatch.demo.model_client import ModelClient, ProviderError
from livewatch.demo.scale import ZOMBIE_TIMEOUT_S
from livewatch.demo.script import Step, StepKind, parse_script
from livewatch.demo.tools import run_tool
from livewatch.probe import Run

_TIMEOUT_S = 300.0
_MODEL = "demo"


class OwnerDiedError(Exception):
    """The owner of an activity ended without ending it."""


class Runs:
    """Carries out turns and settles each message exactly once."""

    def __init__(self, ledger: Ledger, client: ModelClient, save: Callable[[GatewaySession, bool], None]) -> None:
        self._ledger = ledger
        self._client = client
        self._save = save
        self._numbers = itertools.count(1)

    def start(self, session: GatewaySession, turn: Turn) -> asyncio.Task[None] | None:
        """Start a turn in a task of its own. The ghost's turn has no owner, so nothing is started."""
        if turn.fault is Fault.GHOST_SESSION:
            session.watch.state("processing")
            return None
        turn.run_id = f"{session.key}.{next(self._numbers)}"
        return asyncio.create_task(self._turn(session, turn), name=turn.run_id)

    def settle(self, turn: Turn, status: AnswerStatus, text: str) -> None:
        """Answer the turn's message unless it was answered before; heartbeats have nobody to answer."""
        if turn.message_id is None:
            return
        if turn.settled:
            self._ledger.suppressed += 1
            return
        turn.settled = True
        self._ledger.answer(turn.message_id, status, text)

    async def _turn(self, session: GatewaySession, turn: Turn) -> None:
        try:
            text = await self._execute(session, turn)
        except TimeoutError:
            self.settle(turn, AnswerStatus.FAILED, "the run took longer than its timeout")
        except asyncio.CancelledError:
            self.settle(turn, AnswerStatus.FAILED, turn.abort_cause or "the gateway shut down")
        except Exception as error:  # noqa: BLE001 -- whatever a turn dies of, its message is answered
            self.settle(turn, AnswerStatus.FAILED, f"{type(error).__name__}: {error}")
        else:
            self.settle(turn, AnswerStatus.OK, text)
        finally:
            if session.lane.active is turn:  # a cleared run must not write over its successor's record
                self._save(session, False)  # noqa: FBT003 -- the store's running marker

    async def _execute(self, session: GatewaySession, turn: Turn) -> str:
        assert turn.run_id is not None
        timeout_s = ZOMBIE_TIMEOUT_S if turn.fault is Fault.ZOMBIE_RUN else _TIMEOUT_S
        async with session.watch.run(turn.run_id, timeout=timeout_s) as run:
            turn.run = run
            if turn.kind is TurnKind.HEARTBEAT:
                run.progress("status")
                session.tally.heartbeats += 1
                run.turn_ended()
                return ""
            self._save(session, True)  # noqa: FBT003 -- the store's running marker
            said = [await self._step(session, turn, run, step) for step in parse_script(turn.text)]
            session.tally.turns += 1
            run.turn_ended()
        return " ".join(said)

    async def _step(self, session: GatewaySession, turn: Turn, run: Run, step: Step) -> str:
        orphaned = turn.fault in (Fault.ORPHANED_MODEL_CALL, Fault.ORPHANED_TOOL_CALL)
        match step.kind:
            case StepKind.MODEL:
                activity = run.model_call(_MODEL)
                with _left_open(session, activity) if orphaned else _tracked(session, activity):
                    return await self._model(turn, run, step)
            case StepKind.TOOL:
                call = run.tool_call(step.argv[0], allowance=step.allowance_s)
                with _left_open(session, call) if orphaned else _tracked(session, call):
                    code = await run_tool(
                        step.argv, started=call.child, output=lambda _line: run.progress("tool_output")
                    )
                    if orphaned:
                        raise OwnerDiedError("the run died before it could note the end of its tool call")
                    return f"[exit {code}]"
            case StepKind.APPROVAL:
                session.approved.clear()
                with run.waiting("approval", delivered=True, deadline=step.deadline_s):
                    await session.approved.wait()
                return "[approved]"

    async def _model(self, turn: Turn, run: Run, step: Step) -> str:
        words: list[str] = []
        async with self._client.call(step.prompt) as call:
            if turn.fault is Fault.ZOMBIE_RUN:
                await _never_settle(call.line)
                raise ProviderError("the call ended without an answer")
            async for token in call.tokens():
                run.progress("token")
                words.append(token)
                if turn.fault is Fault.ORPHANED_MODEL_CALL and len(words) == 3:  # noqa: PLR2004 -- any small number
                    raise OwnerDiedError("the run died before it could note the end of its model call")
        return "".join(words).strip()


@contextmanager
def _tracked(session: GatewaySession, activity: AbstractContextManager[object]) -> Generator[None]:
    """Track an activity as it should be: it ends however the block ends."""
    with session.activities.during(activity), activity:
        yield


@contextmanager
def _left_open(session: GatewaySession, activity: AbstractContextManager[object]) -> Generator[None]:
    """Track an activity as in the incidents: begun by hand, and nobody ends it when the owner dies."""
    session.activities.begin(activity)
    activity.__enter__()
    yield
    activity.__exit__(None, None, None)
    session.activities.end(activity)


async def _never_settle(read: Callable[[], Awaitable[bytes]]) -> None:
    """Wait for a byte and swallow every cancellation, as an HTTP client with a broken abort path does."""
    while True:
        try:
            await read()
        except asyncio.CancelledError:
            continue
        return
