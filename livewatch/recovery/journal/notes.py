"""From tick reports to notes: only what changed is noted, so a quiet gateway writes nothing."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from livewatch.recovery.journal.records import Event, EventKind, FrameNote, Note
from livewatch_classifiers.decision import Act, Hold, OverdueHold
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.report import TickReport, Transition
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import SICK, ActionKind, Attention, Gate, VitalsState

WELL_VITALS = frozenset({VitalsState.STARTING, VitalsState.RESPONSIVE, VitalsState.DRAINING})
CLOCK_JUMP_S = 1.0
FRAME_EVERY_S = ((60.0, 2.0), (600.0, 10.0), (float("inf"), 60.0))
"""(age of the trouble, seconds between looks): close at first, then ever wider, so that a long one stays small."""
SESSIONS_PER_FRAME = 50
_LEAD_IN = 5

_HoldKey = tuple[str, ActionKind, Gate]


class TickNotes:
    """Remembers the last tick and tells what is new in the next. Does no I/O and reads no clock."""

    def __init__(self) -> None:
        self._holds: dict[_HoldKey, tuple[Hold, float]] = {}
        self._vitals: tuple[object, ...] | None = None
        self._offset_s: float | None = None
        self._lead_in: deque[tuple[float, Snapshot]] = deque(maxlen=_LEAD_IN)
        self._sick: set[str] = set()
        self._vitals_sick = False
        self._framed: dict[str, Session] = {}
        self._framed_s: float | None = None
        self._trouble_s: float | None = None

    def take(self, report: TickReport) -> list[Note]:
        """Return what this tick adds to the story, in order."""
        notes: list[Note] = [
            *self._clock_notes(report),
            *_restart_notes(report),
            *self._vitals_notes(report),
            *(_event(report, EventKind.TRANSITION, t.key, _transition(t)) for t in report.transitions if _telling(t)),
            *self._hold_notes(report),
            *(_event(report, EventKind.HOLD_OVERDUE, h.session, _overdue(h)) for h in report.overdue_holds),
            *(_event(report, EventKind.HOLD_OVERDUE_ENDED, h.session, _overdue(h)) for h in report.overdue_ended),
        ]
        notes.extend(self._frame_notes(report))
        if report.snapshot is not None:
            self._lead_in.append((report.wall_s, report.snapshot))
        return notes

    def _clock_notes(self, report: TickReport) -> list[Note]:
        offset_s = report.wall_s - report.now_s - report.tick_duration_s
        before_s, self._offset_s = self._offset_s, offset_s
        if before_s is None or abs(offset_s - before_s) <= CLOCK_JUMP_S:
            return []
        return [_event(report, EventKind.CLOCK_JUMP, None, {"jump_s": round(offset_s - before_s, 3)})]

    def _vitals_notes(self, report: TickReport) -> list[Note]:
        vitals = report.vitals
        stack = report.snapshot.vitals.stack if report.snapshot is not None else None
        self._vitals_sick = vitals.state not in WELL_VITALS
        shown = (vitals.state, vitals.reasons, vitals.cause, stack.count if stack is not None else None, report.problem)
        before, self._vitals = self._vitals, shown
        if shown == before or (before is None and not self._vitals_sick):
            return []
        data: dict[str, object] = {
            "state": vitals.state,
            "before": report.vitals_before,
            "reasons": vitals.reasons,
            "cause": vitals.cause,
            "evidence": dict(vitals.evidence),
        }
        if stack is not None and self._vitals_sick:
            data["stack"] = stack.text
        if report.problem:
            data["problem"] = report.problem
        return [_event(report, EventKind.VITALS, None, data)]

    def _hold_notes(self, report: TickReport) -> list[Note]:
        if report.snapshot is None:
            return []  # nothing was decided, so nothing is known to have ended
        holds = {(h.session, h.kind, h.gate): h for h in report.decisions if isinstance(h, Hold)}
        notes: list[Note] = []
        for key in [key for key in self._holds if key not in holds]:
            hold, since_s = self._holds.pop(key)
            data = {**_hold(hold), "held_s": round(report.now_s - since_s, 3)}
            notes.append(_event(report, EventKind.HOLD_ENDED, hold.session, data))
        for key, hold in holds.items():
            if key not in self._holds:
                self._holds[key] = (hold, report.now_s)
                notes.append(_event(report, EventKind.HOLD_BEGAN, hold.session, _hold(hold)))
        return notes

    def _frame_notes(self, report: TickReport) -> list[Note]:
        """Look closer while something is wrong: at its start, at its changes, every few seconds, and at its end."""
        newly_sick, newly_well = self._sickness(report)
        snapshot = report.snapshot
        if snapshot is None:
            return []
        notes: list[Note] = []
        if newly_sick and self._framed_s is None:
            notes.extend(FrameNote(wall_s, _cut(seen, newly_sick)) for wall_s, seen in self._lead_in)
        acted = {d.action.session for d in report.decisions if isinstance(d, Act)}
        acted |= {done.action.session for done in report.completed}
        changed = {key for key in self._sick if snapshot.sessions.get(key) is not self._framed.get(key)}
        ongoing = bool(self._sick) or self._vitals_sick
        turned = report.vitals_before is not None and report.vitals_before is not report.vitals.state
        ended = turned and not self._vitals_sick and self._framed_s is not None
        if (ongoing and (turned or self._overdue(report.now_s))) or newly_sick or newly_well or acted or ended:
            wanted = newly_sick | newly_well | acted | changed
            notes.append(FrameNote(report.wall_s, _cut(snapshot, wanted, also=self._sick)))
            self._framed_s = report.now_s
            self._framed = {key: snapshot.sessions[key] for key in self._sick & snapshot.sessions.keys()}
        if not ongoing:
            self._framed_s = self._trouble_s = None
        return notes

    def _overdue(self, now_s: float) -> bool:
        """Return whether it is time for another look at a trouble that goes on."""
        if self._trouble_s is None or self._framed_s is None:
            self._trouble_s = now_s
            return True
        age_s = now_s - self._trouble_s
        every_s = next(every_s for until_s, every_s in FRAME_EVERY_S if age_s < until_s)
        return now_s - self._framed_s >= every_s

    def _sickness(self, report: TickReport) -> tuple[set[str], set[str]]:
        newly_sick: set[str] = set()
        newly_well: set[str] = set()
        for change in report.transitions:
            sick = change.after is not None and change.after.attention in SICK
            if sick and change.key not in self._sick:
                newly_sick.add(change.key)
            elif not sick and change.key in self._sick:
                newly_well.add(change.key)
        self._sick |= newly_sick
        self._sick -= newly_well
        return newly_sick, newly_well


def _restart_notes(report: TickReport) -> list[Note]:
    if not report.restarted or report.snapshot is None:
        return []
    identity = report.snapshot.identity
    data = {} if identity is None else {"pid": identity.pid, "start_time": identity.start_time}
    return [_event(report, EventKind.GATEWAY_RESTARTED, None, data)]


def _telling(transition: Transition) -> bool:
    """Return whether a transition belongs in the journal: comings and goings in good health do not."""
    sides = (transition.before, transition.after)
    return any(verdict is not None and verdict.attention is not Attention.NONE for verdict in sides)


def _transition(transition: Transition) -> dict[str, object]:
    data: dict[str, object] = {"held_s": round(transition.held_s, 3)}
    if transition.before is not None:
        data["before"] = _label(transition.before)
    if transition.after is not None:
        data["after"] = {
            **_label(transition.after),
            "rule": transition.after.rule,
            "evidence_class": transition.after.evidence_class,
            "remedy": transition.after.remedy,
            "evidence": dict(transition.after.evidence),
        }
    return data


def _label(verdict: Verdict) -> dict[str, object]:
    return {"attention": verdict.attention, "reason": verdict.reason}


def _hold(hold: Hold) -> dict[str, object]:
    return {"action": hold.kind, "gate": hold.gate, "reason": hold.reason, "detail": hold.detail}


def _overdue(hold: OverdueHold) -> dict[str, object]:
    facts = {"action": hold.kind, "gate": hold.gate, "reason": hold.reason, "detail": hold.detail}
    return {**facts, "held_s": round(hold.held_s, 3), "bound_s": hold.bound_s}


def _event(report: TickReport, kind: EventKind, session: str | None, data: Mapping[str, object]) -> Event:
    return Event(report.wall_s, report.now_s, kind, session, MappingProxyType(dict(data)))


def _cut(snapshot: Snapshot, wanted: set[str], *, also: set[str] | None = None) -> Snapshot:
    """Return the snapshot with no more than the sessions that matter, and the lanes that they hold."""
    keys = sorted(wanted & snapshot.sessions.keys())
    if also is not None and len(keys) < SESSIONS_PER_FRAME:
        keys += sorted((also - wanted) & snapshot.sessions.keys())[: SESSIONS_PER_FRAME - len(keys)]
    sessions = {key: snapshot.sessions[key] for key in keys[:SESSIONS_PER_FRAME]}
    lanes = {name: lane for name, lane in snapshot.lanes.items() if lane.head in sessions}
    return replace(snapshot, sessions=MappingProxyType(sessions), lanes=MappingProxyType(lanes))
