"""What a running agent answers to those who act, and every refusal: types that the OpenAPI document follows."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, to_builtins

from livewatch_classifiers.vocabulary import ActionKind, Gate


class Answer(Struct, frozen=True, kw_only=True):
    """What every answer begins with."""

    schema_version: Literal[1] = 1
    ok: Literal[True] = True


class HoldReply(Answer, frozen=True):
    """Answer of ``POST /v1/hold``."""

    held: str
    problem: str


class ResumeReply(Answer, frozen=True):
    """Answer of ``POST /v1/resume``."""

    ended: int
    problem: str


class DrainReply(Answer, frozen=True):
    """Answer of ``POST /v1/drain``."""

    timeout_s: float


class OutcomeReply(Answer, frozen=True):
    """Answer of ``GET /v1/outcome``; ``action`` is ``None`` while nothing was seen."""

    settled: bool
    action: Mapping[str, Any] | None


class GateReply(Struct, frozen=True, kw_only=True):
    """What one gate says of an action."""

    gate: Gate
    holds: bool
    detail: str


class RecoverReply(Answer, frozen=True):
    """Answer of ``POST /v1/recover``; ``sent`` says whether anything was done."""

    key: str
    session: str
    action: ActionKind
    cause: str
    run: str | None
    gates: tuple[GateReply, ...]
    sent: bool


class Problem(Struct, frozen=True, kw_only=True):
    """Why a request was refused: ``type`` and ``gate`` are for programs, ``message`` is for people."""

    type: str
    message: str
    gate: Gate | UnsetType = UNSET


class ErrorReply(Struct, frozen=True, kw_only=True):
    """Answer to every request that was refused."""

    error: Problem
    schema_version: Literal[1] = 1
    ok: Literal[False] = False


def document(reply: Struct | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a reply ready for JSON."""
    if isinstance(reply, Mapping):
        return reply
    made: dict[str, Any] = to_builtins(reply)
    return made
