"""The gateway's own state in words: since when, what its loop does now, and what its own detector said. Pure."""

from typing import Any

from livewatch.durations import format_duration

_BLOCKED_S = 1.0
"""An older heartbeat is a loop that stands still: what was measured before it says nothing about now."""
_GONE = ("gone", "suspended")


def duration(seconds: float) -> str:
    """Return a duration without the milliseconds that nobody needs of something long past."""
    return format_duration(round(seconds, 1) if seconds >= 1 else seconds)


def ago(document: dict[str, Any], wall_s: float) -> str:
    """Return how long before the document's own time something was: ``12m05s ago``."""
    past_s = round(document["time"] - wall_s)
    return f"{duration(past_s)} ago" if past_s >= 1 else "just now"


def why(vitals: dict[str, Any]) -> str:
    """Return reasons and cause of the gateway's label, in brackets; nothing where there are none."""
    cause = [f"cause: {vitals['cause']}"] if vitals["cause"] != "unknown" else []
    words = [*vitals["reasons"], *cause]
    return f" ({', '.join(words)})" if words else ""


def since(document: dict[str, Any]) -> str:
    """Return for how long the gateway has had its label; empty where that is not known."""
    began = document["vitals"].get("since")
    if began is None or "time" not in document:
        return ""
    lasts_s = round(document["time"] - began)
    return f" for {duration(lasts_s)}" if lasts_s >= 1 else ""


def loop_words(vitals: dict[str, Any]) -> str:
    """Return what the loop does now: how late it is, or for how long it has stood still; empty where unknown."""
    if vitals["state"] in _GONE:
        return ""
    beat_s, delay_s = vitals.get("loop_heartbeat_age_s"), vitals.get("loop_delay_max_s")
    if beat_s is not None and beat_s > _BLOCKED_S:
        return f"its loop has stood still for {duration(beat_s)}"
    overdue_s = vitals.get("round_trip_overdue_s")
    if vitals["state"] == "unresponsive" and overdue_s is not None:
        return f"a request has waited {duration(overdue_s)} for its answer"
    return "" if delay_s is None else f"loop delay {format_duration(delay_s)} max"


def opinions(document: dict[str, Any]) -> list[str]:
    """Return what the gateway's own detector said lately, as lines; it does not say of which session."""
    return [
        f"  the gateway's own detector, which names no session, said: {said['attention']}, {said['reason']}"
        f" ({_often(said.get('count', 1))}{format_duration(said['age_s'])} ago)"
        for said in document.get("gateway_says", [])
    ]


def action_line(document: dict[str, Any], action: dict[str, Any]) -> str:
    """Return a past action with its time: ``abort_run on agent:t, 12m05s ago: recovered after 1s``."""
    when = ago(document, action["time"])
    return f"{action['action']} on {action['session']}, {when}: {action['outcome']} after {duration(action['took_s'])}"


def dropped(document: dict[str, Any]) -> str:
    """Return the heartbeats that were dropped meanwhile, ``6, run_active``; empty for none."""
    counts: dict[str, int] = document.get("heartbeats_dropped") or {}
    return "; ".join(f"{count}, {reason}" for reason, count in sorted(counts.items()))


def _often(count: int) -> str:
    return "" if count == 1 else f"{count} times, the latest "
