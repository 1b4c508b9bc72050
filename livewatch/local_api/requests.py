"""What may be asked of a running agent: one type for each operation, from which the OpenAPI document is checked.

A parameter that may be left out is `UNSET` then; ``null`` is no value of any of them. Nothing here is decoded
leniently: see `livewatch.local_api.decoding`.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from livewatch.durations import parse_duration
from livewatch.local_api.session_order import SessionOrder
from livewatch.recovery.holds import EVERY_SESSION
from livewatch.recovery.journal.feed import PAGE_ITEMS
from livewatch_classifiers.vocabulary import ActionKind, Attention

TEXT_CHARACTERS_MAX = 4096
ROWS_MAX = 1_000_000
_FAR_WALL_S = 1e12
DURATION_S_MAX = 3650 * 86400.0
DURATION_CHARACTERS_MAX = 64
DRAIN_S = 30.0
REASON_CHARACTERS_MAX = 200


class Duration:
    """A positive length of time, written as ``30m`` or ``1h30m``; at most ten years."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Return the duration that this text says.

        Raises:
            ValueError: when it is none.
        """
        if not isinstance(text, str) or len(text) > DURATION_CHARACTERS_MAX:
            raise ValueError("expected a duration as text, like 30s or 1h30m")
        seconds = parse_duration(text)
        if not 0 < seconds <= DURATION_S_MAX:
            raise ValueError("expected a duration above 0 and of at most ten years")
        return cls(seconds)


class Request(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parameters of one operation."""


Key = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX, description="Key of the session.")]
Glob = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX, description="Glob over session keys.")]


class Nothing(Request, frozen=True):
    """An operation without parameters."""


class SessionsRequest(Request, frozen=True):
    """Parameters of ``GET /v1/sessions``."""

    attention: Annotated[
        tuple[Attention, ...],
        Meta(min_length=1, description="Only sessions with one of these labels, with commas between."),
    ] = tuple(Attention)
    match: Glob = "*"
    sort: SessionOrder = SessionOrder.ATTENTION
    reverse: Annotated[bool, Meta(description="The other way round.")] = False
    limit: Annotated[int, Meta(ge=0, le=ROWS_MAX, description="So many rows, the first ones.")] | UnsetType = UNSET


class SessionRequest(Request, frozen=True):
    """Parameters of ``GET /v1/session`` and ``GET /v1/explain``."""

    session: Key


class EventsRequest(Request, frozen=True):
    """Parameters of ``GET /v1/events``."""

    after: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=TEXT_CHARACTERS_MAX,
                description="Cursor of the last page. One of another journal counts as none.",
            ),
        ]
        | UnsetType
    ) = UNSET
    since: Annotated[
        float, Meta(ge=-_FAR_WALL_S, le=_FAR_WALL_S, description="Unix seconds; where no valid cursor is given.")
    ] = 0.0
    limit: Annotated[int, Meta(ge=1, le=PAGE_ITEMS, description="At most so many entries.")] = PAGE_ITEMS
    wait: Annotated[
        bool,
        Meta(
            description="Whether the answer may wait 2 s for an entry. At most 4 callers wait; `waited` says whether."
        ),
    ] = False


class HoldRequest(Request, frozen=True):
    """Body of ``POST /v1/hold``."""

    session: Glob = EVERY_SESSION
    duration: Annotated[Duration, Meta(description="How long; without it until resumed.")] | UnsetType = field(
        default=UNSET, name="for"
    )
    reason: Annotated[
        str, Meta(min_length=0, max_length=REASON_CHARACTERS_MAX, description="Why, in the operator's words.")
    ] = ""


class ResumeRequest(Request, frozen=True):
    """Body of ``POST /v1/resume``."""

    session: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=TEXT_CHARACTERS_MAX,
                description="The glob as it was given to hold; without it every hold ends.",
            ),
        ]
        | UnsetType
    ) = UNSET


class RecoverRequest(Request, frozen=True):
    """Body of ``POST /v1/recover``."""

    session: Key
    action: Annotated[ActionKind, Meta(description="Without it, the next rung.")] | UnsetType = UNSET
    dry_run: Annotated[bool, Meta(description="Only say what would be done and which gates hold.")] = False


class DrainRequest(Request, frozen=True):
    """Body of ``POST /v1/drain``."""

    timeout: Annotated[Duration, Meta(description="How long the gateway may take; 30 s by default.")] | UnsetType = (
        UNSET
    )

    @property
    def timeout_s(self) -> float:
        """Seconds that the gateway may take."""
        return DRAIN_S if isinstance(self.timeout, UnsetType) else self.timeout.seconds


class OutcomeRequest(Request, frozen=True):
    """Parameters of ``GET /v1/outcome``."""

    key: Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX, description="As recover answered.")]
