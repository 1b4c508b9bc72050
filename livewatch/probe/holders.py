"""One active prompt holder per session file: a second one waits, bounded, or is told who holds it.

Two runs on one file lose answers without a word (OpenClaw 85913: 122 errors in 3 days on 37 files). A fence beside it
notices writers that asked nobody.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from livewatch.probe.layout import LANES
from livewatch.probe.session import Session

OUTSIDE = "outside"
"""Stands for the lane of a writer that never asked the registry."""
OnContention = Literal["wait", "raise"]
Fingerprint = tuple[int, int, int, int, int] | None
"""Device, inode, size, mtime_ns and ctime_ns; ``None`` for a file that does not exist."""


class SessionContendedError(Exception):
    """Somebody else holds the session file; the text names both sides."""

    def __init__(self, path: Path, holder: "Holding", waiter_lane: str) -> None:
        self.path = path
        self.holder_lane = holder.lane
        self.waiter_lane = waiter_lane
        self.held_s = holder.held_s
        by = f"run {holder.run_id} of lane {holder.lane}" if holder.run_id else f"lane {holder.lane}"
        super().__init__(f"{path} is held by {by} for {self.held_s:.3f} s; wanted by lane {waiter_lane}")


class SessionFileChangedError(Exception):
    """The file was written by somebody else while this holder had it; the text names both sides."""

    def __init__(self, path: Path, holder_lane: str, writer_lane: str) -> None:
        self.path = path
        self.holder_lane = holder_lane
        self.writer_lane = writer_lane
        super().__init__(f"{path} was changed by {writer_lane} while lane {holder_lane} held it")


class Holding:
    """The right to write one session file; ``async with`` it. Get it from `Probe.acquire`."""

    def __init__(
        self,
        registry: "HolderRegistry",
        path: Path,
        *,
        lane: str,
        run_id: str,
        session: Session | None,
        on_contention: OnContention,
        timeout_s: float | None,
    ) -> None:
        self.path = path
        self.lane = lane
        self.run_id = run_id
        self.session = session
        self.since_ns = 0
        self._registry = registry
        self._raises = on_contention == "raise"
        self._timeout_s = timeout_s
        self._seen: Fingerprint = None
        self._task: asyncio.Task[object] | None = None

    @property
    def held_s(self) -> float:
        """Return for how long it is held, in seconds."""
        return (time.monotonic_ns() - self.since_ns) / 1e9

    def wrote(self) -> None:
        """Report that this holder has written the file; the fence stands there from now on."""
        self._seen = fingerprint(self.path)
        self._registry.written(self.path, self.lane, self._seen)

    def check(self) -> None:
        """Look whether the file is as this holder left it.

        Raises:
            SessionFileChangedError: when somebody else wrote it.
        """
        now = fingerprint(self.path)
        if now != self._seen:
            raise SessionFileChangedError(self.path, self.lane, self._registry.writer_of(self.path, now))

    async def __aenter__(self) -> Self:
        await self._registry.take(self, raises=self._raises, timeout_s=self._timeout_s)
        self._task = asyncio.current_task()
        if self._task is not None:
            self._task.add_done_callback(self._owner_ended)
        self._seen = fingerprint(self.path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.remove_done_callback(self._owner_ended)
        self._registry.give_back(self)

    def _owner_ended(self, _task: "asyncio.Task[object]") -> None:
        """Give back what a task left behind that ended without leaving its block."""
        self._registry.give_back(self)


class HolderRegistry:
    """Who holds which session file, and who waits for it, first come first served. Used on the loop's thread only."""

    def __init__(self, contended: Callable[[str, str], None]) -> None:
        """Take note of each contention with ``contended(waiter_lane, holder_lane)``."""
        self._contended = contended
        self._holders: dict[Path, Holding] = {}
        self._waiters: dict[Path, deque[tuple[Holding, asyncio.Future[None]]]] = {}
        self._writers: dict[Path, tuple[str, Fingerprint]] = {}

    def acquire(
        self,
        session_file: Path | str,
        *,
        lane: str,
        run_id: str = "",
        session: Session | None = None,
        on_contention: OnContention = "wait",
        timeout: float | None = None,
    ) -> Holding:
        """Return the right to a file, not yet taken; see `Probe.acquire`."""
        if lane not in LANES:
            raise ValueError(f"{lane!r} is no lane kind; known: {', '.join(LANES)}")
        path = Path(os.path.realpath(session_file))
        return Holding(
            self, path, lane=lane, run_id=run_id, session=session, on_contention=on_contention, timeout_s=timeout
        )

    async def take(self, holding: Holding, *, raises: bool, timeout_s: float | None) -> None:
        """Make it the holder, now or when its turn comes.

        Raises:
            SessionContendedError: when it would have to wait and must not, or has waited for ``timeout_s`` seconds.
        """
        holder = self._holders.get(holding.path)
        if holder is None:
            self._give(holding)
            return
        self._contended(holding.lane, holder.lane)
        if raises:
            raise SessionContendedError(holding.path, holder, holding.lane)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(holding.path, deque()).append((holding, turn))
        try:
            async with asyncio.timeout(timeout_s):
                await turn
        except TimeoutError:
            self._withdraw(holding, turn)
            holder = self._holders.get(holding.path)
            if holder is None:  # given back while the time was running out, and nobody else waits
                self._give(holding)
            elif holder is not holding:  # else its turn came in the same moment
                raise SessionContendedError(holding.path, holder, holding.lane) from None
        except asyncio.CancelledError:
            if not self._withdraw(holding, turn):
                self.give_back(holding)
            raise

    def give_back(self, holding: Holding) -> None:
        """End a holding, if it still is one, and let the next in line have the file."""
        if self._holders.get(holding.path) is not holding:
            return
        del self._holders[holding.path]
        if holding.session is not None:
            holding.session.holder(known=False)
        line = self._waiters.get(holding.path)
        while line:
            following, turn = line.popleft()
            if not turn.done():
                self._give(following)
                turn.set_result(None)
                break
        if not line:
            self._waiters.pop(holding.path, None)

    def follow(self, session: Session) -> None:
        """Show on a fresh incarnation of a session that its file still has the holder of the one before."""
        for holding in self._holders.values():
            if holding.session is not None and holding.session.key == session.key:
                holding.session = session
                session.holder(known=True)

    def written(self, path: Path, lane: str, seen: Fingerprint) -> None:
        """Remember who wrote a file last, as far as writers say so."""
        self._writers[path] = (lane, seen)

    def writer_of(self, path: Path, seen: Fingerprint) -> str:
        """Return the lane of whoever left the file like this, or `OUTSIDE`."""
        lane, left = self._writers.get(path, (OUTSIDE, None))
        return lane if left == seen else OUTSIDE

    def _give(self, holding: Holding) -> None:
        holding.since_ns = time.monotonic_ns()
        self._holders[holding.path] = holding
        if holding.session is not None:
            holding.session.holder(known=True)

    def _withdraw(self, holding: Holding, turn: "asyncio.Future[None]") -> bool:
        """Leave the line; return False when the turn has come already."""
        line = self._waiters.get(holding.path)
        if line is None or (holding, turn) not in line:
            return False
        line.remove((holding, turn))
        return True


def fingerprint(path: Path) -> Fingerprint:
    """Return what changes when a file is written or replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
