"""The contract between the agent and a gateway: look, act, close."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.vocabulary import ActionKind, Reason


@dataclass(frozen=True, slots=True)
class Action:
    """One thing asked of a gateway, bound to exactly what was judged.

    The gateway refuses it when any of ``generation``, ``run_id``, ``handle`` or ``progress_s`` is no longer true;
    the check happens inside the gateway's own write, never before it (River 1302, OpenClaw 145152).
    """

    kind: ActionKind
    session: str
    idempotency_key: str
    """A repeat with the same key does nothing and gets the first reply."""
    cause: str
    """Short and truthful; shown to operator and user."""
    reason: Reason
    session_id: str | None = None
    generation: int | None = None
    run_id: str | None = None
    handle: str | None = None
    progress_s: float | None = None
    """Stamp of the last progress that was judged (monotonic seconds): a run that moved since is alive."""
    traceparent: str | None = None


class ReplyStatus(StrEnum):
    """What the gateway said about an action; the outcome is what is seen afterwards."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Reply:
    """The gateway's answer to an action."""

    status: ReplyStatus
    detail: str = ""
    """One line in the gateway's words, for example which check refused."""
    released: int | None = None
    """How many lane slots were freed, where the gateway counts them."""


class SourceError(Exception):
    """A source cannot be read now. ``hint`` says in one line what to do."""

    def __init__(self, problem: str, hint: str, *, gone: bool = False) -> None:
        super().__init__(f"{problem}: {hint}")
        self.problem = problem
        self.hint = hint
        self.gone = gone
        """True when the gateway process is known to have ended."""


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
