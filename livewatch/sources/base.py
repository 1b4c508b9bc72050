"""The contract between the agent and a gateway: look, act, close."""

from typing import Protocol, runtime_checkable

from livewatch_classifiers.decision import Action, Reply
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.vocabulary import ActionKind


class SourceError(Exception):
    """A source cannot be read now. ``hint`` says in one line what to do."""

    def __init__(self, problem: str, hint: str, *, gone: bool = False) -> None:
        super().__init__(f"{problem}: {hint}")
        self.problem = problem
        self.hint = hint
        self.gone = gone
        """True when the gateway process is known to have ended."""


@runtime_checkable
class Discarding(Protocol):
    """A source that says which of its actions throw queued messages away; without it none is said to."""

    @property
    def discards(self) -> frozenset[ActionKind]:
        """The actions after which what was queued in the session (for a restart: anywhere) is lost."""
        ...


class Source(Protocol):
    """A live gateway (or a simulated one). All times are monotonic seconds of the agent's clock."""

    @property
    def name(self) -> str:
        """Configured name of the gateway; at most 32 of them per agent."""
        ...

    @property
    def capabilities(self) -> frozenset[ActionKind]:
        """The actions this gateway understands; `decide` never asks for another."""
        ...

    async def sample(self) -> Snapshot:
        """Look once.

        Raises:
            SourceError: when nothing can be read; the agent keeps trying.
        """
        ...

    async def act(self, action: Action) -> Reply:
        """Ask for one action; bounded in time, never raises for a refusing, silent or garbled gateway."""
        ...

    async def close(self) -> None:
        """Let go of files and sockets; safe to call twice."""
        ...
