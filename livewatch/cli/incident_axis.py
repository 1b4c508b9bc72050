"""What an incident's page draws: spans of states, holds and actions, and the loop delay, on one time axis. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from livewatch.recovery.incident import Ending, Incident, Moment, MomentKind
from livewatch.recovery.journal.records import StoredFrame

LEAD_S = 30.0
"""How much of the time before and after the incident is drawn, where something is known of it."""
_TONES = {"none": "well", "long_running": "slow", "stalled": "stalled", "stuck": "stuck"}
_WELL_VITALS = frozenset({"responsive"})
_SLOW_VITALS = frozenset({"degraded", "starting", "draining"})
_WORKED = frozenset({"recovered", "superseded"})


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasted, in seconds after the incident began."""

    start_s: float
    end_s: float
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The part of time that is drawn."""

    start_s: float
    end_s: float

    def share(self, moment_s: float) -> float:
        """Return where a moment lies, in per cent of the width."""
        width_s = self.end_s - self.start_s
        return min(100.0, max(0.0, 100.0 * (moment_s - self.start_s) / width_s))


def delays(incident: Incident, frames: Iterable[StoredFrame]) -> list[tuple[float, float]]:
    """Return (offset, loop delay), both in seconds; a loop that stands still is as late as its heartbeat is old."""
    found: list[tuple[float, float]] = []
    for frame in frames:
        vitals = frame.snapshot.vitals
        offset_s = vitals.now_s - incident.began_monotonic_s
        if frame.target != incident.target or not -LEAD_S <= offset_s <= incident.duration_s + LEAD_S:
            continue
        known = [vitals.loop_delay_max_s]
        if vitals.loop_heartbeat_s is not None:
            known.append(vitals.now_s - vitals.loop_heartbeat_s)
        values = [value for value in known if value is not None]
        if values:
            found.append((offset_s, max(values)))
    return sorted(found)


def axis(incident: Incident, delays: Sequence[tuple[float, float]]) -> Axis:
    """Return the axis that shows everything that is known."""
    moments = [0.0, incident.duration_s, *(m.offset_s for m in incident.timeline), *(at for at, _ in delays)]
    start_s, end_s = min(moments), max(moments)
    margin_s = max(1.0, 0.04 * (end_s - start_s))
    return Axis(start_s - margin_s, end_s + margin_s)


def session_spans(incident: Incident, axis: Axis) -> list[Span]:
    """Return the labels of the session, one after the other."""
    changes = [m for m in incident.timeline if m.kind is MomentKind.TRANSITION]
    marks: list[tuple[float, str, str]] = []
    before = changes[0].data.get("before") if changes else None
    if before:
        marks.append((axis.start_s, str(before["attention"]), str(before["reason"])))
    for change in changes:
        after = change.data.get("after")
        marks.append((change.offset_s, str(after["attention"]), str(after["reason"])) if after else _gone(change))
    return [
        Span(start_s, end_s, label if tone == "none" else f"{tone}: {label}", _TONES.get(tone, "gone"))
        for (start_s, tone, label), end_s in _until_next(marks, axis)
    ]


def _gone(change: Moment) -> tuple[float, str, str]:
    return (change.offset_s, "gone", "session")


def vitals_spans(incident: Incident, axis: Axis) -> list[Span]:
    """Return the labels of the gateway; empty when nothing is known to have changed."""
    changes = [m for m in incident.timeline if m.kind is MomentKind.VITALS]
    if not changes:
        return []
    first = str(changes[0].data.get("before") or "responsive")
    marks = [(axis.start_s, first, ""), *((m.offset_s, str(m.data["state"]), "") for m in changes)]
    return [Span(start_s, end_s, state, _vitals_tone(state)) for (start_s, state, _), end_s in _until_next(marks, axis)]


def _vitals_tone(state: str) -> str:
    if state in _WELL_VITALS:
        return "well"
    return "slow" if state in _SLOW_VITALS else "stuck"


def _until_next(marks: Sequence[tuple[float, str, str]], axis: Axis) -> Iterable[tuple[tuple[float, str, str], float]]:
    ends = [*(start_s for start_s, _, _ in marks[1:]), axis.end_s]
    return zip(marks, ends, strict=True) if marks else ()


def hold_spans(incident: Incident, axis: Axis) -> dict[str, list[Span]]:
    """Return by gate when it held an action."""
    spans: dict[str, list[Span]] = {}
    running: dict[tuple[str, str], float] = {}
    for moment in incident.timeline:
        if moment.kind not in (MomentKind.HOLD_BEGAN, MomentKind.HOLD_ENDED):
            continue
        action, gate = str(moment.data["action"]), str(moment.data["gate"])
        if moment.kind is MomentKind.HOLD_BEGAN:
            running[action, gate] = moment.offset_s
        else:
            start_s = running.pop((action, gate), axis.start_s)
            spans.setdefault(gate, []).append(Span(start_s, moment.offset_s, f"{action} held", "hold"))
    end_s = axis.end_s if incident.ending is Ending.OPEN else incident.duration_s
    for (action, gate), start_s in running.items():
        spans.setdefault(gate, []).append(Span(start_s, max(start_s, end_s), f"{action} held", "hold"))
    return spans


def action_spans(incident: Incident, axis: Axis) -> list[Span]:
    """Return each action from its intent to its outcome."""
    spans: list[Span] = []
    sent: dict[str, float] = {}
    for moment in incident.timeline:
        kind = str(moment.data.get("action"))
        if moment.kind is MomentKind.INTENT:
            sent[kind] = moment.offset_s
        elif moment.kind is MomentKind.OUTCOME:
            outcome = str(moment.data["outcome"] or moment.data["how"])
            tone = "worked" if outcome in _WORKED else "failed"
            spans.append(Span(sent.pop(kind, axis.start_s), moment.offset_s, f"{kind}: {outcome}", tone))
    spans += [Span(start_s, axis.end_s, f"{kind}: outcome not seen", "failed") for kind, start_s in sent.items()]
    return sorted(spans, key=lambda span: span.start_s)
