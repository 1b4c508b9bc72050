"""What is written into the journal and read back: frozen records, wall time for people, monotonic time for order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from livewatch_classifiers.decision import Action, Person, Reply
from livewatch_classifiers.model import GatewayIdentity, Snapshot
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Outcome


class EventKind(StrEnum):
    """The kinds of event in a timeline."""

    TRANSITION = "transition"
    HOLD_BEGAN = "hold_began"
    HOLD_ENDED = "hold_ended"
    HOLD_OVERDUE = "hold_overdue"
    HOLD_OVERDUE_ENDED = "hold_overdue_ended"
    VITALS = "vitals"
    CLOCK_JUMP = "clock_jump"
    GATEWAY_RESTARTED = "gateway_restarted"
    OPERATOR = "operator"


class Settlement(StrEnum):
    """How an intent came to be settled."""

    SEEN = "seen"  # the agent that sent it saw its outcome
    AFTER_CRASH = "after_crash"  # a later agent looked; whether it was sent is not known
    JUDGED_AGAIN = "judged_again"  # a later agent found everything as it was; no outcome is claimed


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed."""

    wall_s: float
    monotonic_s: float
    kind: EventKind
    session: str | None = None
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that a person asked of the agent, for the timeline and for the audit."""

    by: Person
    verb: str
    """One word for it, such as ``hold`` or ``abort_run``."""
    what: str
    """In words."""
    session: str | None = None
    """Key or glob of what it is about."""
    run: str | None = None
    outcome: str = ""
    """What came of it at once; empty while that is not known."""
    key: str = ""
    """Joins a question and its later answer; empty where there is only one note."""
    settles: bool = False
    """Whether this is the answer to the note with the same key."""


@dataclass(frozen=True, slots=True)
class IntentNote:
    """An action about to be sent."""

    wall_s: float
    monotonic_s: float
    action: Action
    verdict: Verdict
    identity: GatewayIdentity | None = None
    """The gateway process that was judged."""


@dataclass(frozen=True, slots=True)
class SettlementNote:
    """What became of an intent. Without ``intent_id`` it settles the newest open intent with the key."""

    wall_s: float
    monotonic_s: float
    idempotency_key: str
    how: Settlement
    outcome: Outcome | None
    detail: str
    reply: Reply | None = None
    intent_id: int | None = None


@dataclass(frozen=True, slots=True)
class FrameNote:
    """A look at the gateway, cut down to the sessions of an incident."""

    wall_s: float
    snapshot: Snapshot


Note = Event | IntentNote | SettlementNote | FrameNote


@dataclass(frozen=True, slots=True)
class Life:
    """One run of the agent, from start to end."""

    token: str
    """Unique; a journal that was moved aside gets the same life again in its successor."""
    wall_s: float
    monotonic_s: float
    pid: int
    version: str
    ended_wall_s: float | None = None
    """``None`` while it runs, and for ever when it was killed."""


@dataclass(frozen=True, slots=True)
class StoredIntent:
    """An intent as read back, with its outcome if it has one."""

    id: int
    target: str
    wall_s: float
    monotonic_s: float
    action: Action
    verdict: Verdict
    identity: GatewayIdentity | None = None
    how: Settlement | None = None
    """``None`` while the intent is open."""
    outcome: Outcome | None = None
    detail: str = ""
    reply: Reply | None = None
    settled_wall_s: float | None = None
    settled_monotonic_s: float | None = None
    settled_life: int | None = None
    life: int = 0
    """Number of the agent's life that wrote it; grows with time."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as read back."""

    id: int
    life: int
    target: str
    event: Event


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A look at the gateway as read back."""

    life: int
    wall_s: float
    target: str
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class StoredLife:
    """A run of the agent as read back."""

    id: int
    target: str
    life: Life


@dataclass(frozen=True, slots=True)
class History:
    """What a journal holds, each part in the order in which it was written."""

    lives: tuple[StoredLife, ...] = ()
    events: tuple[StoredEvent, ...] = ()
    intents: tuple[StoredIntent, ...] = ()
    frames: tuple[StoredFrame, ...] = ()
    unreadable: int = 0
    """Rows that this version cannot read, left out of the rest."""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier agents did on one gateway, as far as it still matters."""

    intents: tuple[StoredIntent, ...] = ()
    """In the order in which they were written."""
    well_wall_s: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Unix times at which a session that had been acted on was seen well again, in order."""

    @property
    def open_intents(self) -> tuple[StoredIntent, ...]:
        """Those whose end nobody has seen."""
        return tuple(intent for intent in self.intents if intent.how is None)
