"""What recovery decides and what comes of it: frozen facts that policy, actor, journal and exporters share."""

from dataclasses import dataclass
from enum import StrEnum

from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import ActionKind, Gate, Outcome, Reason

GATEWAY = "*"
"""Stands for the gateway as a whole where an action names a session."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asked for something by hand, as the operating system names the other end of the socket."""

    name: str
    uid: int | None = None

    def __str__(self) -> str:
        """Return the name as it is told to people."""
        return self.name


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
    repeats: int | None = None
    """For a run that is ended because it repeats itself: how often it had, when it was judged. Such a run changes with
    each step, so run, handle and repeats that have not become fewer bind it, and neither generation nor progress."""
    traceparent: str | None = None
    timeout_s: float | None = None
    """How long a drain may take; the gateway's own default where it is not said."""
    queued: int | None = None
    """Messages that waited in the session when it was judged; ``None`` where that cannot be seen. Not sent: it tells
    afterwards whether what waited has begun."""
    discards: int = 0
    """How many queued messages this throws away, counted before it is sent; 0 for everything that keeps them."""
    asked_by: Person | None = None
    """Who asked for it by hand; ``None`` for what livewatch decided by itself. Not sent: the cause says it too."""


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


@dataclass(frozen=True, slots=True)
class Hold:
    """An action that was not taken, and the gate that held it."""

    session: str
    kind: ActionKind
    gate: Gate
    reason: Reason
    detail: str = ""
    until_s: float | None = None
    """Monotonic moment at which the gate is expected to open; ``None`` when only the world can open it."""


@dataclass(frozen=True, slots=True)
class OverdueHold:
    """A hold that lasts longer than its gate's bound: a person must know, and nothing else follows from it."""

    session: str
    kind: ActionKind
    gate: Gate
    reason: Reason
    detail: str
    held_s: float
    """For how long the gate has held this session, in seconds."""
    bound_s: float
    overdue_since_s: float
    """Monotonic moment at which the bound was passed."""


@dataclass(frozen=True, slots=True)
class Act:
    """An action to take now, with the verdict that asked for it."""

    action: Action
    verdict: Verdict


Decision = Act | Hold


@dataclass(frozen=True, slots=True)
class Completed:
    """An executed action and what was seen after it."""

    action: Action
    verdict: Verdict
    reply: Reply
    outcome: Outcome
    decided_s: float
    sent_s: float
    observed_s: float
    detail: str = ""
