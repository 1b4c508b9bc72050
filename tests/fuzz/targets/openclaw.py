"""OpenClaw's frames, as recorded from a real gateway, and what it answers when it is asked."""

import json
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from livewatch.sources.openclaw.opinions import Opinions
from livewatch.sources.openclaw.shapes import table, tables
from livewatch.sources.openclaw.source import OpenClawSource
from livewatch.sources.openclaw.tracker import Tracker
from livewatch.sources.openclaw.wire import Wire, _answer
from livewatch_classifiers.model import Snapshot, Vitals
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.rounds import Patience, round_of

RECORDED = Path(__file__).parents[2] / "data" / "openclaw"
_ROW = {
    "key": "agent:main:s",
    "sessionId": "s1",
    "hasActiveRun": True,
    "activeRunIds": ["r1"],
    "status": "running",
    "updatedAt": 1,
    "startedAt": 1,
    "model": "m",
    "lane": "main",
}
_ANSWERS = {
    "sessions.list": {"sessions": [_ROW], "hasMore": False, "ts": 1795241668473},
    "diagnostics.lanes": {"lanes": [{"lane": "main", "activeCount": 1, "queuedCount": 2, "maxConcurrent": 4}]},
    "diagnostics.stability": {"lastSeq": 9, "events": [{"seq": 9, "type": "session.stuck", "reason": "x"}]},
    "system.info": {
        "pid": 4,
        "processInstanceId": "one",
        "uptimeMs": 60_000,
        "eventLoop": {"delayP99Ms": 3.0, "delayMaxMs": 9, "utilization": 0.2, "cpuCoreRatio": 0.1},
    },
}
_LINES_MAX = 400


class OpenClawTarget(Target):
    """One frame a line; answers are written as ``{"type": "res", "method": ..., "ok": ..., "payload": ...}``."""

    name = "openclaw"
    tokens = (
        b'{"type":"event","event":"agent","payload":',
        b"\\ud800",
        b'"runId":"r1",',
        b'"phase":"end",',
        b"null",
        b"1e999",
        b"\xff",
    )
    brief = 250

    def seeds(self) -> list[bytes]:
        """Return the recordings as frames, in pieces, with answers between them."""
        answers = [
            json.dumps({"type": "res", "id": "1", "method": m, "ok": True, "payload": p}) for m, p in _ANSWERS.items()
        ]
        refused = json.dumps(
            {"type": "res", "id": "1", "ok": False, "error": {"code": "UNAVAILABLE", "message": "m", "retryAfterMs": 5}}
        )
        found: list[bytes] = []
        for path in sorted(RECORDED.glob("*.jsonl")):
            frames = [_frame(number, line) for number, line in enumerate(path.read_text().splitlines(), start=1)]
            found += [
                "\n".join([*answers, *frames[at : at + 20], *answers, refused]).encode()
                for at in range(0, min(60, len(frames)), 20)
            ]
        return found

    def run(self, data: bytes) -> str:
        """Hear every frame, then judge what is known."""
        tracker, opinions = Tracker(), Opinions()
        wire = Wire(cast("Any", None), tracker)
        source = OpenClawSource(Patience(), name="gw")
        for number, line in enumerate(data.split(b"\n")[:_LINES_MAX]):
            at_s = 100.0 + number
            wire._waiting = {
                "1": cast("Any", _Future(lambda frame, at_s=at_s: _take(frame, tracker, opinions, source, at_s)))
            }
            wire._frame(line, at_s)
        wire.pulse.waiting_s = 0.0
        vitals = source._vitals(wire, None, 1000.0)
        sessions, lanes = tracker.sessions(), tracker.lanes
        for key, session in sessions.items():
            if session.key != key or tracker.run_of(key) != session:
                raise Finding("a session under another name")
            key.encode()
        snapshot = Snapshot(
            vitals, sessions, lanes, counters=MappingProxyType({"n": wire.unreadable}), opinions=opinions.latest
        )
        judged = sessions and zlib.crc32(data) % 4 == 0  # most of the time would go into it
        state = round_of(Snapshot(Vitals(900.0), MappingProxyType({})), snapshot) if judged else ""
        return f"{len(sessions)} {len(lanes)} {wire.gaps > 0} {wire.unreadable > 0} {state}"


class _Future:
    def __init__(self, take: Any) -> None:
        self.set_result = take

    def done(self) -> bool:
        return False


def _frame(number: int, line: str) -> str:
    _at, event, payload = json.loads(line)
    return json.dumps({"type": "event", "event": event, "payload": payload, "seq": number})


def _take(frame: dict[str, Any], tracker: Tracker, opinions: Opinions, source: OpenClawSource, at_s: float) -> None:
    """Do with an answer what the source does."""
    payload = _answer(frame).payload or {}
    match str(frame.get("method")):
        case "sessions.list":
            if isinstance(payload.get("sessions"), list):
                rows = [{"ts": payload.get("ts"), **row} for row in tables(payload["sessions"])]
                tracker.on_list(rows, at_s, complete=payload.get("hasMore") is False)
        case "diagnostics.lanes":
            tracker.on_lanes(tables(payload.get("lanes")))
        case "diagnostics.stability":
            opinions.on_ring(payload, at_s)
        case _:
            source._info = table(payload)
