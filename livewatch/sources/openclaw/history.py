"""What one answer to `chat.history` says about a run that was not heard, and about what waits. Pure; keeps no content.

Checked against OpenClaw 2026.9.6: ``inFlightRun`` is the newest run that was *accepted*, whether it has begun or not.
One that waits for a slot or behind a held lane has neither ``events`` nor text; ``sessionAbortable`` marks a run that
the gateway itself took up again after a restart.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from livewatch.sources.openclaw.shapes import number, table, tables

PARAMS = {"limit": 1}
_MAX_ID = 256


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the run that the answer repeats: stream and data."""

    stream: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ColdRead:
    """One answer, checked."""

    active: bool
    """Whether the gateway says that a run is active."""
    waits_for_slot: bool
    """Its row says ``queued``."""
    run_id: str | None
    """The run in flight; ``None`` where the gateway names none."""
    begun: bool
    """Whether that run is known to have begun: it said something, or the gateway took it up again."""
    started_ms: float | None
    """The gateway's Unix time."""
    mark: str
    """Digest of how far the run has come; differs when it moved."""
    steps: tuple[Step, ...]
    queued: int
    """Messages that are seen to wait behind the run in flight; one at most is shown."""
    queued_at_most: int
    """With those that were not shown, some of which may have been interrupted by a restart and wait no longer."""
    queued_since_ms: float | None


def read_history(payload: dict[str, Any]) -> ColdRead | None:
    """Return what an answer says; ``None`` when it is not of the shape that is known."""
    row, pending = table(payload.get("sessionInfo")), payload.get("pendingInputs")
    active, total = row.get("hasActiveRun"), table(pending).get("total")
    if not isinstance(active, bool) or not isinstance(total, int) or isinstance(total, bool) or total < 0:
        return None
    told = payload.get("inFlightRun")
    if told is not None and not _is_run(told):
        return None
    run = table(told)
    run_id = run.get("runId")
    items = tables(table(pending).get("items"))
    waiting = [item for item in items if item.get("state") == "queued" and item.get("runId") != run_id]
    accepted = [at for item in waiting if (at := number(item.get("acceptedAt"))) is not None]
    events = tables(run.get("events"))
    steps = _steps(events) or _last_step(tables(payload.get("messages")))
    is_own_input = any(item.get("runId") == run_id and item.get("state") == "queued" for item in items)
    return ColdRead(
        active=active,
        waits_for_slot=row.get("status") == "queued",
        run_id=run_id,
        begun=bool(events or run.get("text") or run.get("sessionAbortable") is True) and not is_own_input,
        started_ms=number(run.get("startedAt")),
        mark=_mark(run, events, payload.get("totalMessages")),
        steps=steps,
        queued=len(waiting),
        queued_at_most=max(len(waiting), total - (len(items) - len(waiting))),
        queued_since_ms=min(accepted, default=None),
    )


def _is_run(told: object) -> bool:
    run = table(told)
    run_id = run.get("runId")
    return isinstance(run_id, str) and 0 < len(run_id) <= _MAX_ID and isinstance(run.get("text"), str)


def _steps(events: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(
        Step(event["stream"], table(event.get("data"))) for event in events if isinstance(event.get("stream"), str)
    )


def _last_step(messages: list[dict[str, Any]]) -> tuple[Step, ...]:
    """Return the tool calls of a last message that asks for them: their results have not come."""
    if not messages or messages[-1].get("role") != "assistant":
        return ()
    calls = [part for part in tables(messages[-1].get("content")) if part.get("type") == "toolCall"]
    return tuple(
        Step(
            "tool",
            {
                "phase": "start",
                "toolCallId": call.get("id"),
                "name": call.get("name"),
                "args": call.get("arguments"),
            },
        )
        for call in calls
    )


def _mark(run: dict[str, Any], events: list[dict[str, Any]], messages: object) -> str:
    """A message that joins the queue changes none of these: arrivals are no progress."""
    facts = (run.get("runId"), run.get("text"), [(event.get("seq"), event.get("ts")) for event in events], messages)
    return blake2b(repr(facts).encode("utf-8", "replace"), digest_size=16).hexdigest()
