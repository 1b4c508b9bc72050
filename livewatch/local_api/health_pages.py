"""``/livez`` and ``/readyz`` on the agent's own socket, for who sits beside it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from livewatch.local_api.requests import Nothing
from livewatch.local_api.server import ApiError, Handler
from livewatch.supervision.health import PAGES, Answer
from livewatch.supervision.pulse import Pulse
from livewatch_classifiers.decision import Person


def health_pages(pulse: Pulse) -> Mapping[tuple[str, str], Handler[Nothing]]:
    """Return the handlers; they answer 503 with the local API's envelope where the page is not well."""
    return {("GET", path): _handler(page, pulse) for path, page in PAGES.items()}


def _handler(page: Callable[[Pulse], Answer], pulse: Pulse) -> Handler[Nothing]:
    async def answer(_request: Nothing, _caller: Person) -> dict[str, Any]:
        status, document = page(pulse)
        if status is not HTTPStatus.OK:
            raise ApiError(status, document["error"]["type"], document["error"]["message"])
        return document

    return Handler(Nothing, answer)
