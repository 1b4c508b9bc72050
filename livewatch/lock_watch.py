"""Watches the session write-locks of a gateway beside the agent: in a thread, in its own time, and only to tell."""

import asyncio
import logging
from typing import Any

from livewatch.locks import LockInspector
from livewatch_classifiers.lock import LockCondition, LockVerdict

LOOK_EVERY_S = 5.0
_LOG = logging.getLogger("livewatch.locks")


class LockWatch:
    """Looks at every lock each 5 s; a change of a lock's condition is logged once. Nothing is ever removed."""

    def __init__(self, inspector: LockInspector, *, every_s: float = LOOK_EVERY_S) -> None:
        self._inspector = inspector
        self._every_s = every_s
        self._verdicts: dict[str, LockVerdict] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="livewatch.locks")

    async def close(self) -> None:
        """Stop looking; safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def listed(self) -> list[dict[str, Any]]:
        """Return every lock that is not simply held, for `status`."""
        return [described(v) for v in self._verdicts.values() if v.condition is not LockCondition.HELD]

    async def look(self) -> None:
        """Look once, and tell what changed."""
        before, now = self._verdicts, {v.path: v for v in await self._inspector.inspect()}
        self._verdicts = now
        for path, verdict in now.items():
            condition = before[path].condition if path in before else LockCondition.HELD
            if verdict.condition is not condition:
                _LOG.warning("lock %s is %s (was %s)", path, verdict.condition.value, condition.value)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except OSError as error:
                _LOG.warning("locks cannot be looked at: %s", error)
            await asyncio.sleep(self._every_s)


def described(verdict: LockVerdict) -> dict[str, Any]:
    """Return a verdict as a JSON-ready document."""
    return {
        "path": verdict.path,
        "condition": verdict.condition.value,
        "reclaimable": verdict.reclaimable,
        "evidence_class": verdict.evidence_class.value,
        "evidence": dict(verdict.evidence),
    }
