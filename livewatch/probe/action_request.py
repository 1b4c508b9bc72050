"""One action as a gateway is asked for it, read strictly from JSON; standard library only.

What is not of its type is refused with the member's name before anything is done, and so is a member that is not known:
it may be a condition of whoever sent it, and an action must not be carried out without one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from livewatch.guard.request_head import BadRequest

TEXT_CHARACTERS_MAX = 4096
KEY_CHARACTERS_MAX = 256
WHOLE_NUMBER_MAX = 2**63 - 1
SECONDS_MAX = 3650 * 86400.0
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Kind:
    """What a member of a request must be."""

    words: str
    fits: Callable[[object], bool]


def _text(least: int, most: int) -> Kind:
    def fits(value: object) -> bool:
        return isinstance(value, str) and least <= len(value) <= most and _is_whole(value)

    return Kind(f"a text of {least} to {most} characters", fits)


def _whole_number(least: int) -> Kind:
    def fits(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= WHOLE_NUMBER_MAX

    return Kind(f"a whole number from {least} to {WHOLE_NUMBER_MAX}", fits)


def _seconds() -> Kind:
    def fits(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= SECONDS_MAX

    return Kind("a positive number of seconds, at most ten years", fits)


def _is_whole(text: str) -> bool:
    """Return whether a text holds no half of a pair of surrogates, which nobody could write down."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_ANY_TEXT = _text(0, TEXT_CHARACTERS_MAX)
MEMBERS: Mapping[str, Kind] = {
    "kind": _text(1, KEY_CHARACTERS_MAX),
    "idempotency_key": _text(1, KEY_CHARACTERS_MAX),
    "session": _ANY_TEXT,
    "session_id": _ANY_TEXT,
    "generation": _whole_number(0),
    "run_id": _ANY_TEXT,
    "handle": _ANY_TEXT,
    "progress_ns": _whole_number(0),
    "repeats": _whole_number(1),
    "cause": _ANY_TEXT,
    "reason": _ANY_TEXT,
    "traceparent": _ANY_TEXT,
    "timeout_s": _seconds(),
    "discards": _whole_number(1),
}
"""Every member of a request; ``docs/api/control.openapi.yaml`` says the same."""
REQUIRED = ("kind", "idempotency_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """One action that a gateway is asked for; what was left out is ``None``."""

    kind: str
    """An action's name; one that this gateway does not know is answered with `unsupported`."""
    idempotency_key: str
    session: str = ""
    session_id: str | None = None
    generation: int | None = None
    run_id: str | None = None
    handle: str | None = None
    progress_ns: int | None = None
    repeats: int | None = None
    cause: str = ""
    reason: str = ""
    traceparent: str | None = None
    timeout_s: float | None = None
    discards: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the request that a JSON object holds.

        Raises:
            BadRequest: naming the member that is unknown, missing, or not of its type.
        """
        for name in REQUIRED:
            if name not in document:
                raise BadRequest(f"{name}: not given; expected {MEMBERS[name].words}")
        for name, value in document.items():
            expected = MEMBERS.get(name)
            if expected is None:
                raise BadRequest(f"there is no member {_shown(name)} here; known: {', '.join(MEMBERS)}")
            if not expected.fits(value):
                raise BadRequest(f"{name}: expected {expected.words}; got {_shown(value)}")
        return cls(**document)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
