"""What stands above the table: the gateway, the counts, the loop, and the one thing that must be told now. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from livewatch.cli.gateway_words import action_line
from livewatch.cli.printable import moment, printable
from livewatch.durations import format_duration
from livewatch.top.tones import Line, Piece, Tone, cut, spread
from livewatch.top.trend import Trend, sparkline
from livewatch.top.view import Show, View

_STATES = {
    "responsive": Tone.WELL,
    "starting": Tone.LONG,
    "draining": Tone.LONG,
    "degraded": Tone.STALLED,
    "saturated": Tone.STALLED,
}
_COUNTS = (("stuck", Tone.STUCK), ("stalled", Tone.STALLED), ("long_running", Tone.LONG))
_LOOP = "loop delay "


def gateway_line(status: Mapping[str, Any], width: int, *, fresh: bool) -> Line:
    """Return the gateway's name, its label with reasons, how far recovery may go, and the time of the look (UTC)."""
    vitals = status["vitals"]
    state = vitals["state"] if vitals else "not seen yet"
    reasons = ", ".join([*vitals["reasons"], *_cause(vitals)]) if vitals else ""
    left = [
        Piece(f"{printable(status['target'])} ", Tone.STRONG),
        Piece(state, _STATES.get(state, Tone.BAD)) if fresh else Piece(f"was {state}", Tone.FAINT),
        Piece(f" ({reasons})" if reasons else ""),
    ]
    at = moment(status["time"])[11:] if "time" in status else ""
    mode = f"mode {status['mode']}" if "acts" in status else status["mode"]
    return spread(left, [Piece(f"{mode}  {at}Z" if at else mode)], width)


def counts_line(status: Mapping[str, Any], view: View, shown: int, matching: int, width: int) -> Line:
    """Return how many sessions there are of each label, and which of them are shown in which order."""
    counts = status["sessions"]
    visible = status.get("sessions_visible", True)
    unknown = not visible or (bool(status["problem"]) and not counts.get("total"))
    unseen = "sessions unknown" if visible else "sessions cannot be seen"
    left = [Piece(unseen if unknown else f"{counts.get('total', 0)} sessions")]
    for label, tone in () if unknown else _COUNTS:
        count = counts.get(label, 0)
        left.append(Piece(f"  {count} {label.replace('_', ' ')}", tone if count else Tone.PLAIN))
    right = [f"by {view.order.value}{' reversed' if view.reverse else ''}"]
    if view.show is not Show.ALL:
        right.append(f"only {view.show.value}")
    if view.find:
        right.append(f"find {printable(view.find)}")
    if shown < matching:
        right.append(f"first {shown} of {matching}")
    return spread(left, [Piece("  ".join(right))], width)


def loop_line(trend: Trend, width: int) -> Line:
    """Return the delay of the gateway's loop as a line of bars, with the latest and the worst that is drawn."""
    room = max(0, width - len(_LOOP) - len(" now 00m00s, worst 00m00s"))
    latest_s, worst_s = trend.latest_s, trend.worst_s(room)
    numbers = "" if worst_s is None else f" now {_duration(latest_s)}, worst {_duration(worst_s)}"
    return cut((Piece(_LOOP, Tone.FAINT), Piece(sparkline(trend.delays_s, room)), Piece(numbers)), width)


def notices(status: Mapping[str, Any]) -> Iterator[Piece]:
    """Yield what a person should know, the most important first; the last one is what was done last."""
    if status["problem"]:
        yield Piece(printable(status["problem"]), Tone.BAD)
    for held in status.get("held", ()):
        what = f"{held['action']} on {held['session']} blocked by {held['gate']} for {_duration(round(held['held_s']))}"
        yield Piece(printable(f"a person should look: {what}: {held['detail']}"), Tone.STALLED)
    if not status.get("acts", True):
        yield Piece(printable(f"observes only: {status['actor']}"), Tone.LONG)
    if status.get("health_penalty"):
        yield Piece("livewatch itself is slow: its readings are suspect, and it waits longer", Tone.LONG)
    for hold in status.get("holds", ()):
        left = "until resumed" if hold["left_s"] is None else f"for {_duration(hold['left_s'])} more"
        yield Piece(printable(f"paused by {hold['by']} {left}: {hold['session']}"), Tone.LONG)
    for action in tuple(status.get("last_actions", ()))[-1:]:
        yield Piece(printable(f"last done: {action_line(dict(status), action)}"))


def notice_line(told: list[Piece], width: int) -> Line:
    """Return the most important notice, and how many more there are."""
    if not told:
        return ()
    more = [Piece(f"+{len(told) - 1} more")] if len(told) > 1 else []
    return spread(told[:1], more, width)


def _cause(vitals: Mapping[str, Any]) -> list[str]:
    return [] if vitals["cause"] == "unknown" else [f"cause: {vitals['cause']}"]


def _duration(seconds: float | None) -> str:
    return "?" if seconds is None else format_duration(seconds)
