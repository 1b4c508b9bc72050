"""Documents as an agent gives them, in short."""

from typing import Any

from livewatch.top.row import Row
from livewatch.top.vantage import Look

VITALS: dict[str, Any] = {
    "state": "responsive", "reasons": [], "cause": "unknown", "loop_delay_max_s": 0.004, "loop_heartbeat_age_s": 0.01
}  # fmt: skip
STATUS: dict[str, Any] = {
    "target": "gw",
    "mode": "abort",
    "acts": True,
    "actor": "",
    "time": 1_795_247_944.6,
    "problem": "",
    "vitals": VITALS,
    "sessions": {"total": 4, "stuck": 1, "stalled": 1, "long_running": 1, "none": 1},
    "health_penalty": 0,
    "held": [],
    "holds": [],
    "last_actions": [],
}
ROW: dict[str, Any] = {
    "session": "s",
    "state": "processing",
    "attention": "none",
    "reason": "active",
    "rule": "17",
    "queued": 0,
    "activity": "model_call",
    "activity_name": "m",
    "waiting_for": None,
    "silence_s": 1.0,
    "state_age_s": 2.0,
    "due_in_s": None,
    "doing": "",
    "held": None,
}
FOUR = [
    ROW | {"session": "agent:one", "attention": "stuck", "reason": "zombie_run", "queued": 2, "state_age_s": 9.0},
    ROW | {"session": "agent:two", "attention": "stalled", "reason": "active_work_without_progress", "silence_s": 70.0},
    ROW | {"session": "cron:three", "attention": "long_running", "reason": "active_work", "queued": None},
    ROW | {"session": "well", "silence_s": None, "state_age_s": 100.0},
]  # fmt: skip


def row(**changes: object) -> Row:
    return Row.of(ROW | changes)


def look(*rows: dict[str, Any], **status: object) -> Look:
    rows = rows or tuple(FOUR)
    return Look(STATUS | status, {"sessions": list(rows), "matching": len(rows)})
