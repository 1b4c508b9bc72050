"""Records what a real gateway says during each fault, for tests that need no npm: ``python -m tests.openclaw.record``.

Scrubbed: no paths, no prompts, no answers but the provider's own, no host names; Unix times are kept, for they order
events. One file per fault in ``tests/data/openclaw``: lines of [seconds since the message, event, payload].
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.openclaw.gateway import BOOTS_WITHIN_S, OpenClaw
from tests.openclaw.operator import Operator, full
from tests.waiting import until

FOLDER = Path(__file__).parents[1] / "data" / "openclaw"
FAULTS = {
    "answer": ("wish=trickle,0.3,5", 25.0),
    "hung": ("wish=hang", 25.0),
    "half": ("wish=half", 25.0),
    "errors": ("wish=error,500", 25.0),
    "tool": ("wish=tool,60,sleep_3", 25.0),
    "failing": ("wish=failing", 25.0),
    "main": ("wish=hang", 25.0),
    "agent:asker:main": ("wish=tool,60,ls", 25.0),
}
_KEPT = frozenset(
    (
        "sessionKey",
        "key",
        "sessionId",
        "runId",
        "stream",
        "data",
        "seq",
        "ts",
        "isHeartbeat",
        "state",
        "phase",
        "reason",
        "status",
        "hasActiveRun",
        "activeRunIds",
        "message",
        "id",
        "request",
        "createdAtMs",
        "expiresAtMs",
    )
)
_DATA = frozenset(
    (
        "phase",
        "provider",
        "model",
        "delta",
        "toolCallId",
        "name",
        "kind",
        "status",
        "args",
        "isError",
        "result",
        "details",
        "exitCode",
        "aborted",
        "executionSettled",
        "stopReason",
        "startedAt",
        "endedAt",
        "error",
        "retryAttempt",
        "delayMs",
        "maxRetries",
        "output",
        "approvalId",
        "command",
        "timeoutSeconds",
    )
)


def scrubbed(payload: dict[str, Any]) -> dict[str, Any]:
    """Return only what the tracker may look at."""
    kept = {name: value for name, value in payload.items() if name in _KEPT}
    if "message" in kept:
        kept["message"] = {}
    if "request" in kept:
        kept["request"] = {"sessionKey": payload["request"].get("sessionKey")}
    if isinstance(kept.get("data"), dict):
        kept["data"] = _data(kept["data"])
    return kept


def _data(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _data(item) for name, item in value.items() if name in _DATA}
    return "(text)" if isinstance(value, str) and ("/" in value or len(value) > 60) else value


async def record(folder: Path) -> None:
    """Provoke every fault at once, and write what was said of each."""
    gateway = OpenClaw(folder)
    operator = Operator(gateway.url)
    try:
        gateway.start()
        await asyncio.to_thread(until, gateway.ready, "the gateway", BOOTS_WITHIN_S)
        await operator.connect()
        began_s: dict[str, float] = {}
        for session, (wish, _) in FAULTS.items():
            began_s[full(session)] = time.monotonic()
            await operator.say(session, wish)
        await asyncio.sleep(3.0)
        await operator.say("hung", "wish=answer")
        await operator.ask("wake", mode="now", text="are you well?")
        await asyncio.sleep(3.0)
        runs = {p.get("sessionKey"): p["runId"] for _, e, p in operator.events if e == "agent" and "runId" in p}
        await operator.ask("sessions.abort", key=full("hung"), runId=runs[full("hung")])
        await asyncio.sleep(8.0)
        _write(operator, began_s)
    finally:
        await operator.close()
        gateway.close()


def _write(operator: Operator, began_s: dict[str, float]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for session, (_, seconds) in FAULTS.items():
        key = full(session)
        lines = [
            json.dumps([round(at_s - began_s[key], 3), event, scrubbed(payload)], sort_keys=True)
            for at_s, event, payload in operator.events
            if (payload.get("sessionKey") or payload.get("key")) == key or (event == "heartbeat" and session == "main")
            if session == "hung" or at_s - began_s[key] <= seconds
        ]
        name = session.replace(":", "-")
        (FOLDER / f"{name}.jsonl").write_text("\n".join(lines[:400]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="lwoc") as place:
        asyncio.run(record(Path(place)))
