"""What people may look up in a running agent: sessions as rows, one session whole, and why it has its label."""

import asyncio
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from livewatch.agent import Agent
from livewatch.clock import Clock
from livewatch.local_api import views
from livewatch.local_api.history import History
from livewatch.local_api.server import ApiError, Handler
from livewatch.local_api.session_list import SessionQuery, recovery_words, session_list
from livewatch.local_api.session_page import session_page
from livewatch.recovery.holds import Holds


class Lookups:
    """Serves ``/v1/sessions``, ``/v1/session`` and ``/v1/explain``."""

    def __init__(self, agent: Agent, history: History, clock: Clock) -> None:
        self._agent = agent
        self._history = history
        self._clock = clock

    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        """Return what the local API serves."""
        return {
            ("GET", "/v1/sessions"): self.sessions,
            ("GET", "/v1/session"): self.session,
            ("GET", "/v1/explain"): self.explain,
        }

    async def sessions(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return rows; `SessionQuery` says by which parameters."""
        try:
            query = SessionQuery.of(parameters)
        except ValueError as error:
            raise ApiError(HTTPStatus.BAD_REQUEST, "usage", str(error)) from error
        report = self._agent.report
        pending = {action.session: action.kind for action in self._agent.memory.pending()}
        doing = {} if report is None else recovery_words(report, pending)
        held = partial(self._holds().why, now_s=self._clock.monotonic_s())
        # A hundred thousand sessions take a while to sort; a round and its facts are frozen.
        return await asyncio.to_thread(session_list, report, query, doing=doing, held=held)

    async def session(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return everything that is known of ``session``."""
        key = parameters.get("session", "")
        return _found(session_page(self._agent, self._history, self._holds(), self._clock.monotonic_s(), key), key)

    async def explain(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return why ``session`` has its label, and what happens next."""
        key = parameters.get("session", "")
        return _found(views.explain(self._agent, key, self._history), key)

    def _holds(self) -> Holds:
        return Holds(self._agent.controls.holds.current(self._clock.monotonic_s()))


def _found(document: dict[str, Any] | None, key: str) -> dict[str, Any]:
    if document is None:
        problem = f"no session {key!r}; `livewatch sessions list` names them"
        raise ApiError(HTTPStatus.NOT_FOUND, "no_such_session", problem)
    return document
