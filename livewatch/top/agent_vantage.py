"""Looking through a running agent, and asking it to act, over the same local API as `status`, `hold` and `recover`."""

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.top.background import in_background
from livewatch.top.vantage import Hands, Look, LostError, RefusedError
from livewatch.top.view import View


class AgentVantage:
    """A `Vantage` over an agent's socket, with `Hands`."""

    who = "the agent"

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    @property
    def hands(self) -> Hands:
        """The agent takes requests, too."""
        return self

    async def look(self, view: View) -> Look:
        """Return status and sessions; two requests, of which the second may be one round later."""
        status = await self._ask("GET", "/v1/status")
        sessions = await self._ask("GET", "/v1/sessions", **view.query())
        if "matching" not in sessions:
            raise LostError(f"livewatch {status['version']} runs there, which this one cannot show; restart it")
        return Look(status, sessions)

    async def explain(self, key: str) -> Mapping[str, Any]:
        """Return why the session has its label, and what happens next."""
        return await self._ask("GET", "/v1/explain", session=key)

    async def hold(self, key: str, duration: str | None) -> str:
        """Have the agent leave one session alone."""
        answer = await self._ask("POST", "/v1/hold", session=glob.escape(key), **{"for": duration})
        return str(answer["problem"])

    async def resume(self, key: str) -> int:
        """End the hold on this session."""
        return int((await self._ask("POST", "/v1/resume", session=glob.escape(key)))["ended"])

    async def plan(self, key: str) -> Mapping[str, Any]:
        """Return what the next rung would be."""
        return await self._ask("POST", "/v1/recover", session=key, dry_run=True)

    async def recover(self, key: str, action: str) -> str:
        """Send what the plan said; the agent judges the gates again."""
        return str((await self._ask("POST", "/v1/recover", session=key, action=action, dry_run=False))["key"])

    async def outcome(self, key: str) -> Mapping[str, Any] | None:
        """Return what was seen."""
        answer = await self._ask("GET", "/v1/outcome", key=key)
        return answer["action"] if answer["settled"] else None

    async def close(self) -> None:
        """Nothing is kept open between requests."""

    async def _ask(self, method: str, target: str, **parameters: object) -> dict[str, Any]:
        try:
            return await in_background(ask, self._socket, method, target, **parameters)
        except AgentUnreachable as error:
            raise LostError(str(error)) from error
        except AgentRefused as error:
            raise RefusedError(str(error)) from error
