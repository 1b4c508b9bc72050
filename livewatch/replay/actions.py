"""Actions of two policies side by side: which are the same, which only one of them took, and what came of them."""

from dataclasses import dataclass, field

from livewatch.durations import format_duration
from livewatch.recordings.entry import Entry
from livewatch.recovery.rehearsal import Rehearsed
from livewatch_classifiers.decision import GATEWAY, Action, Hold
from livewatch_classifiers.model import GatewayIdentity, Session
from livewatch_classifiers.vocabulary import Outcome, Presence, VitalsState

UNKNOWN = "silent until the recording ends"
_SERVES = frozenset({VitalsState.RESPONSIVE, VitalsState.DEGRADED, VitalsState.STARTING})
_WINDOW = 200
"""How many of the latest actions may still find their other half."""


@dataclass(slots=True)
class ActionRow:
    """One action, as recorded, as replayed, or both."""

    action: Action
    recorded_s: float | None = None
    """Unix time at which it was really taken."""
    replayed_s: float | None = None
    outcome: Outcome | None = None
    """What was really seen after it."""
    note: str = ""
    identity: GatewayIdentity | None = None
    """The gateway's process when the replayed one was taken."""
    asked: bool = False
    """Whether the gateway itself asked the run to end afterwards."""
    false: bool = False
    """Only replayed, and the recording shows that the session went on by itself."""

    @property
    def both(self) -> bool:
        """Whether both took it."""
        return self.recorded_s is not None and self.replayed_s is not None

    @property
    def earlier_s(self) -> float | None:
        """By how many seconds the replayed one came earlier; negative when later."""
        if self.recorded_s is None or self.replayed_s is None:
            return None
        return self.recorded_s - self.replayed_s


@dataclass(slots=True)
class Actions:
    """Matches actions of both sides as rounds go by."""

    rows: list[ActionRow] = field(default_factory=list[ActionRow])

    def add(self, entry: Entry, rehearsed: Rehearsed) -> list[ActionRow]:
        """Take in one round, and return the actions that are new in it."""
        wall_s, known = entry.round.wall_s, len(self.rows)
        recent = self.rows[-_WINDOW:]
        for action in entry.said.acts:
            row = self._other_half(action, recorded=False)
            row.recorded_s = wall_s
            row.action = action
            if row.replayed_s is None:
                row.note = _why_not(action, rehearsed)
        for act in rehearsed.acts:
            row = self._other_half(act.action, recorded=True)
            row.replayed_s = wall_s
            row.note = ""
            row.identity = entry.round.snapshot.identity if entry.round.snapshot is not None else None
        for done in entry.round.completed:
            for row in recent:
                if row.action.idempotency_key == done.action.idempotency_key and row.recorded_s is not None:
                    row.outcome = done.outcome
        for row in recent:
            if row.recorded_s is None and not row.note:
                self._follow(row, entry)
        return self.rows[known:]

    def forget_old(self) -> None:
        """Keep no more than can still be matched: what runs for ever must not grow for ever."""
        del self.rows[:-_WINDOW]

    def finish(self) -> None:
        """Say what is not known of actions that were never taken."""
        for row in self.rows:
            if row.recorded_s is None and not row.note:
                row.note = UNKNOWN

    def _other_half(self, action: Action, *, recorded: bool) -> ActionRow:
        """Return the row of the same action on the other side that has none on this side, or a new one."""
        for row in self.rows[-_WINDOW:]:
            missing = row.replayed_s if recorded else row.recorded_s
            if missing is None and _same(row.action, action):
                return row
        row = ActionRow(action)
        self.rows.append(row)
        return row

    def _other_since(self, row: ActionRow) -> ActionRow | None:
        """Return an action of another kind that was really taken on the session since."""
        since_s = row.replayed_s or 0.0
        return next(
            (
                r
                for r in self.rows[-_WINDOW:]
                if r.action.session == row.action.session and (r.recorded_s or 0.0) >= since_s
            ),
            None,
        )

    def _follow(self, row: ActionRow, entry: Entry) -> None:
        """Look what became of a session that only the replayed policy would have acted on."""
        snapshot = entry.round.snapshot
        if snapshot is None or row.replayed_s is None or entry.round.wall_s <= row.replayed_s:
            return
        after = format_duration(entry.round.wall_s - row.replayed_s)
        if row.action.session == GATEWAY:
            if entry.said.state in _SERVES:
                row.note, row.false = f"the gateway came back by itself after {after}", True
            return
        session = snapshot.sessions.get(row.action.session)
        run = session.run if session is not None else None
        row.asked = row.asked or (run is not None and run.id == row.action.run_id and run.abort_requested_s is not None)
        if row.identity is not None and snapshot.identity not in (None, row.identity):
            row.note = f"the gateway was restarted after {after}"
        elif (other := self._other_since(row)) is not None:
            row.note = f"{other.action.kind.value} came instead after {after}"
        elif session is None:
            row.note = f"the session was gone after {after}"
        else:
            _lived(row, session, after)


def _lived(row: ActionRow, session: Session, after: str) -> None:
    """Say whether the session got by itself to where nothing needs to be done."""
    if _ended(session, row.action) and row.asked:
        row.note = f"the gateway ended the run itself after {after}"
    elif _ended(session, row.action):
        what = "a run began" if row.action.run_id is None else "the run ended"
        row.note, row.false = f"{what} by itself after {after}", True
    elif session.progress_s not in (None, row.action.progress_s):
        row.note, row.false = f"the session went on by itself after {after}", True


def _ended(session: Session, action: Action) -> bool:
    if action.run_id is None:
        return session.run is not None
    return session.run.id != action.run_id if session.run is not None else session.owner is not Presence.UNKNOWN


def _same(one: Action, other: Action) -> bool:
    """Return whether both are about one silence of one run: after progress it is another."""
    if one.run_id is None and one.generation != other.generation:
        return False
    about = [(a.session, a.kind, a.run_id, a.progress_s) for a in (one, other)]
    return about[0] == about[1]


def _why_not(action: Action, rehearsed: Rehearsed) -> str:
    """Return what the replayed policy made of the session when the other one acted."""
    hold = next((d for d in rehearsed.decisions if isinstance(d, Hold) and d.session == action.session), None)
    verdict = rehearsed.verdicts.get(action.session)
    if hold is not None:
        return f"blocked by {hold.gate.value}: {hold.detail}"
    if verdict is None:
        return ""
    due = f", due in {format_duration(verdict.due_in_s)}" if verdict.due_in_s else ""
    return f"{verdict.attention.value}/{verdict.reason.value} then{due}"
