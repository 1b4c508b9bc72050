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
from livewatch.local_api.requests import SessionRequest, SessionsRequest
from livewatch.local_api.server import ApiError, Handler
from livewatch.local_api.session_list import SessionQuery, recovery_words, session_list
from livewatch.local_api.session_page import session_page
from livewatch.recovery.holds import Holds
from livewatch_classifiers.decision import Person


class Lookups:
    """Serves ``/v1/sessions``, ``/v1/session`` and ``/v1/explain``."""

    def __init__(self, agent: Agent, history: History, clock: Clock) -> None:
        self._agent = agent
        self._history = history
        self._clock = clock

    def handlers(self) -> Mapping[tuple[str, str], Handler[Any]]:
        """Return what the local API serves."""
        return {
            ("GET", "/v1/sessions"): Handler(SessionsRequest, self.sessions),
            ("GET", "/v1/session"): Handler(SessionRequest, self.session),
            ("GET", "/v1/explain"): Handler(SessionRequest, self.explain),
        }

    async def sessions(self, request: SessionsRequest, _caller: Person) -> dict[str, Any]:
        """Return rows; `SessionsRequest` says by which parameters."""
        query = SessionQuery.of(request)
        report = self._agent.report
        pending = {action.session: action.kind for action in self._agent.memory.pending()}
        doing = {} if report is None else recovery_words(report, pending)
        held = partial(self._holds().why, now_s=self._clock.monotonic_s())
        # A hundred thousand sessions take a while to sort; a round and its facts are frozen.
        return await asyncio.to_thread(session_list, report, query, doing=doing, held=held)

    async def session(self, request: SessionRequest, _caller: Person) -> dict[str, Any]:
        """Return everything that is known of ``session``."""
        key = request.session
        return _found(session_page(self._agent, self._history, self._holds(), self._clock.monotonic_s(), key), key)

    async def explain(self, request: SessionRequest, _caller: Person) -> dict[str, Any]:
        """Return why ``session`` has its label, and what happens next."""
        key = request.session
        return _found(views.explain(self._agent, key, self._history), key)

    def _holds(self) -> Holds:
        return Holds(self._agent.controls.holds.current(self._clock.monotonic_s()))


def _found(document: dict[str, Any] | None, key: str) -> dict[str, Any]:
    if document is None:
        problem = f"no session {key!r}; `livewatch sessions list` names them"
        raise ApiError(HTTPStatus.NOT_FOUND, "no_such_session", problem)
    return document
