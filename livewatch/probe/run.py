"""A run and what happens in it, as the gateway reports it."""

import asyncio
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from livewatch.probe.layout import ACTIVITIES, NS_MAX, TERMINALS, to_ns
from livewatch.probe.levers import DrainingError

if TYPE_CHECKING:
    from livewatch.probe.session import Session


class Activity:
    """Something the session is doing; a context manager. ``since_ns`` is CLOCK_MONOTONIC."""

    def __init__(self, run: "Run", kind: str, name: str, allowance: float | None) -> None:
        if kind not in ACTIVITIES:
            raise ValueError(f"{kind!r} is no activity; known: {', '.join(ACTIVITIES)}")
        self.run = run
        self.kind = kind
        self.name = name
        self.allowance_ns = to_ns(allowance)
        self.since_ns = 0
        self.child_pid = 0

    def child(self, pid: int) -> None:
        """Name the child process that does the work; its CPU time and I/O then count as signs of life."""
        self.child_pid = pid
        self.run.session.show_activity()

    def end(self) -> None:
        """End the activity; safe to call twice, and after its run is over."""
        self.run.session.activity_ended(self)

    def __enter__(self) -> Self:
        self.since_ns = time.monotonic_ns()
        self.run.session.activity_began(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


class Run:
    """One agent turn: ``async with session.run(run_id, timeout=...) as run``.

    When the timeout passes, the abort request is stamped on the board and the body's task is cancelled, as by
    `asyncio.timeout`: ``TimeoutError`` leaves the block. A body that ignores its cancellation keeps the handle
    registered, which is what the agent calls a zombie.
    """

    progress: Callable[..., None]
    """``run.progress("token")``: one 8-byte store. For *new content of this run* only, never for keepalives."""

    def __init__(self, session: "Session", run_id: str, timeout: float | None) -> None:
        self.session = session
        self.id = run_id
        self.handle = secrets.token_hex(6)
        self.timeout_s = timeout
        self.started_ns = 0
        self._asked_ns = 0
        self._asked_of: tuple[str, int] = ("", 0)
        self.terminal = 0
        self.repeats = 0
        self.repeating_since_ns = 0
        self.progress = session.progress_function
        self._last_step: object = None
        self._deadline: asyncio.Timeout | None = None
        self._stamp: asyncio.TimerHandle | None = None

    def model_call(self, name: str, allowance: float | None = None) -> Activity:
        """Open a call to a model; ``allowance`` is the provider's own timeout in seconds, if it has one."""
        return Activity(self, "model_call", name, allowance)

    def tool_call(self, name: str, allowance: float | None = None) -> Activity:
        """Open a tool call; ``allowance`` in seconds is what the tool itself declares, and wins over thresholds."""
        return Activity(self, "tool_call", name, allowance)

    def activity(self, kind: str, name: str = "", allowance: float | None = None) -> Activity:
        """Open any other kind of activity: compaction, preparation, delivery, maintenance."""
        return Activity(self, kind, name, allowance)

    def step(self, digest: object) -> None:
        """Report a finished step by a digest without ids or contents; equal ones in a row count as repetition."""
        if digest == self._last_step:
            self.repeats += 1
        else:
            self._last_step, self.repeats, self.repeating_since_ns = digest, 0, time.monotonic_ns()
        self.session.show_run(self)

    def item_ended(self) -> None:
        """Report that one item of the turn ended; the turn goes on."""
        self._mark("item_end")

    def turn_ended(self) -> None:
        """Report that the turn ended and its answer was delivered."""
        self._mark("turn_end")

    @property
    def abort_requested_ns(self) -> int:
        """Return when this very run (its id and its start) was asked to end, 0 for never.

        An adapter may serve a follow-up turn under the same object: that turn was asked nothing.
        """
        return self._asked_ns if self._asked_of == (self.id, self.started_ns) else 0

    def abort_requested(self) -> None:
        """Stamp the moment at which the run was asked to end; the first one counts."""
        if not self.abort_requested_ns:
            self._asked_of, self._asked_ns = (self.id, self.started_ns), time.monotonic_ns()
            self.session.show_run(self)

    def waiting(self, kind: str, *, delivered: bool | None = None, deadline: float | None = None) -> "Waiting":
        """Declare a wait inside this run; see `Session.waiting`."""
        return self.session.waiting(kind, delivered=delivered, deadline=deadline)

    async def __aenter__(self) -> Self:
        if not self.session.admits():
            raise DrainingError(f"the gateway is draining; run {self.id} of {self.session.key} was not begun")
        self.started_ns = time.monotonic_ns()
        self.session.run_began(self)
        loop = asyncio.get_running_loop()
        when = None if self.timeout_s is None else loop.time() + self.timeout_s
        if when is not None:
            self._stamp = loop.call_at(when, self.abort_requested)
        self._deadline = asyncio.timeout_at(when)
        await self._deadline.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stamp is not None:
            self._stamp.cancel()
        self.session.run_ended(self)
        assert self._deadline is not None
        await self._deadline.__aexit__(kind, error, trace)  # raises TimeoutError when the deadline cancelled the body

    def _mark(self, terminal: str) -> None:
        self.terminal = TERMINALS.index(terminal)
        self.progress()
        self.session.show_run(self)


class Waiting:
    """A declared wait; a context manager. ``delivered()`` may be called once the question reached somebody."""

    def __init__(self, session: "Session", kind: int, *, delivered: bool | None, deadline: float | None) -> None:
        self._session = session
        self.kind = kind
        self.was_delivered = delivered
        self.since_ns = 0
        self.deadline_s = deadline
        self.deadline_ns = 0

    def delivered(self) -> None:
        """Report that the question or request reached a person."""
        self.was_delivered = True
        self._session.show_wait()

    def __enter__(self) -> Self:
        self.since_ns = time.monotonic_ns()
        self.deadline_ns = 0 if self.deadline_s is None else min(NS_MAX, self.since_ns + to_ns(self.deadline_s))
        self._session.wait_began(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.wait_ended(self)
