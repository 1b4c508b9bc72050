"""From where the screen looks at a gateway: a running agent, or the gateway's board."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from livewatch.top.view import View


class LostError(Exception):
    """Nobody answers now; the text says what to do. The screen goes on asking."""


class RefusedError(Exception):
    """The agent answered, and will not do it; the text says why."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the documents of ``/v1/status`` and ``/v1/sessions``, or their like."""

    status: Mapping[str, Any]
    sessions: Mapping[str, Any]


class Hands(Protocol):
    """What can be asked for, with the same rights and gates as on the command line; raises as `Vantage` does."""

    async def hold(self, key: str, duration: str | None) -> str:
        """Have one session left alone, for a duration or until resumed; return a problem in words, or nothing."""
        ...

    async def resume(self, key: str) -> int:
        """End the hold on exactly this session; return how many ended."""
        ...

    async def plan(self, key: str) -> Mapping[str, Any]:
        """Return what a repair would do, and which gates hold it."""
        ...

    async def recover(self, key: str, action: str) -> str:
        """Send a repair; return the key of its outcome."""
        ...

    async def outcome(self, key: str) -> Mapping[str, Any] | None:
        """Return what was seen after a repair, ``None`` as long as nothing was."""
        ...


class Vantage(Protocol):
    """Answers within seconds or raises; a call that is cancelled leaves nothing behind that keeps the process alive."""

    @property
    def who(self) -> str:
        """Who is asked, in words."""
        ...

    @property
    def hands(self) -> Hands | None:
        """What can be asked for here; ``None`` where one can only look."""
        ...

    async def look(self, view: View) -> Look:
        """Return what is there now.

        Raises:
            LostError: when nobody answers.
            RefusedError: when the answer is no.
        """
        ...

    async def explain(self, key: str) -> Mapping[str, Any]:
        """Return the document of ``/v1/explain``; raises as `look` does, `RefusedError` also without such a session."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
