"""Takes up a configuration that changed: at SIGHUP at once, and when one of its files is another one than before.

Files are looked at and read in a thread: a folder on a network may hang, and the deciding thread must not.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

LOOK_EVERY_S = 2.0
_LOG = logging.getLogger("livewatch.config")

Stamp = tuple[int, int, int, int]
"""Device, inode, change in nanoseconds, size: another file under the same name has another stamp."""


class FileWatch:
    """Says when files changed. A change counts once it was the same in two looks: nobody writes a file at once."""

    def __init__(self, stamps: Mapping[Path, Stamp | None]) -> None:
        self._known = dict(stamps)
        self._seen = dict(stamps)

    def changed(self, stamps: Mapping[Path, Stamp | None]) -> bool:
        """Return whether these are settled and other than those known before, and know them from now on."""
        settled = stamps == self._seen
        self._seen = dict(stamps)
        if not settled or stamps == self._known:
            return False
        self._known = dict(stamps)
        return True


class Reloader:
    """Calls ``reload`` whenever it is asked to, or one of the files changed; one call at a time, until `close`."""

    def __init__(
        self,
        reload: Callable[[], Awaitable[None]],
        files: Callable[[], list[Path]],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._reload = reload
        self._files = files
        self._look_every_s = look_every_s
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Read the configuration again soon, changed or not; for SIGHUP."""
        self._asked.set()

    def start(self) -> None:
        """Begin to look. Only from the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="livewatch.config")

    async def close(self) -> None:
        """Look no more. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        watch = FileWatch(await asyncio.to_thread(self._stamps))
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self._look_every_s)
            asked = self._asked.is_set()
            self._asked.clear()
            try:
                stamps = await asyncio.to_thread(self._stamps)
                if asked:
                    watch = FileWatch(stamps)
                if asked or watch.changed(stamps):
                    await self._reload()
            except Exception:  # noqa: BLE001 -- whatever it is, the next change must be seen
                _LOG.exception("the configuration could not be read again; the old one stays")

    def _stamps(self) -> dict[Path, Stamp | None]:
        return {path: _stamp(path) for path in self._files()}


def _stamp(path: Path) -> Stamp | None:
    """Return what tells this file from the one that was there before; ``None`` when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
