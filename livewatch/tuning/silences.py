"""Every silence in a recording, as the classifier measures it: how long, in what activity, and how it ended. Pure."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from livewatch.recordings.entry import Entry
from livewatch.recovery.memory import LOOKED_AWAY_S
from livewatch_classifiers.case import Case
from livewatch_classifiers.model import GatewayIdentity, Session, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vocabulary import ActivityKind

_LATE_LOOKS = 3.0
"""A look that comes so many times later than the one before did is a pause of the observer."""


@dataclass(slots=True)
class Sample:
    """The silences of one activity, in responsive seconds."""

    kind: ActivityKind
    name: str = ""
    """Tool or model; empty for all of the kind together."""
    alive: "array[float]" = field(default_factory=lambda: array("d"))
    """Those that ended by themselves: an abort before their end would have been false."""
    unknown: "array[float]" = field(default_factory=lambda: array("d"))
    """Those that an abort, or the end of what was recorded, cut off: dead or alive, nobody knows."""
    sessions: set[str] = field(default_factory=set[str])
    runs: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    """Session and run of each: the silences of one run are alike, and count for less than they are many."""

    def longer_than(self, limit_s: float) -> int:
        """Return how many living silences were longer than that."""
        return len(self.alive) - bisect_right(self.alive, limit_s)

    def unknown_longer_than(self, limit_s: float) -> int:
        """Return how many were cut off after more than that."""
        return len(self.unknown) - bisect_right(self.unknown, limit_s)

    def in_order(self) -> "Sample":
        """Return the same with both parts from the shortest to the longest, as questions want them."""
        return replace(self, alive=array("d", sorted(self.alive)), unknown=array("d", sorted(self.unknown)))


@dataclass(frozen=True, slots=True)
class Silences:
    """What a recording says about silence."""

    samples: tuple[Sample, ...]
    """One for each kind of activity, and one for each name within it; the kind's comes first."""
    exposure_s: float
    """For how long sessions were looked at, holes left out."""
    thresholds: Thresholds
    """The limits that were in force at the end."""
    since_s: float = 0.0
    """Unix time; likewise ``until_s``."""
    until_s: float = 0.0
    declared: int = 0
    """Silences under an allowance that somebody declared: no threshold decides about them, they are left out."""
    floor_s: float = 0.0
    """Shorter silences are not known: a journal tells only those beyond its warning limit."""


@dataclass(slots=True)
class _Open:
    """A silence that goes on."""

    kind: ActivityKind
    name: str
    run_id: str | None
    last_s: float
    age_s: float
    declared: bool
    asked: bool = False
    """Whether somebody asked the run to end."""


@dataclass(slots=True)
class _Finder:
    samples: dict[tuple[ActivityKind, str], Sample] = field(default_factory=dict[tuple[ActivityKind, str], Sample])
    silent: dict[str, _Open] = field(default_factory=dict[str, _Open])
    exposure_s: float = 0.0
    declared: int = 0
    patience_s: float = 0.0
    now_s: float | None = None
    identity: GatewayIdentity | None = None

    def look(self, entry: Entry) -> None:
        snapshot = entry.round.snapshot
        if snapshot is None:
            return
        now_s, another = snapshot.vitals.now_s, None not in (self.identity, snapshot.identity)
        another = another and snapshot.identity != self.identity
        past_s = None if self.now_s is None else now_s - self.now_s
        if another or entry.missing or past_s is None or not 0 <= past_s <= max(LOOKED_AWAY_S, self.patience_s):
            self.cut()  # progress may have come and gone unseen
        else:
            self.exposure_s += past_s
        self.patience_s = _LATE_LOOKS * max(0.0, past_s or 0.0)
        self.now_s, self.identity = now_s, snapshot.identity or self.identity
        acted = {a.session for a in entry.said.acts} | {sent.act.action.session for sent in entry.round.by_hand}
        for key in [key for key in self.silent if key not in snapshot.sessions]:
            self.end(key, self.silent[key].age_s, alive=False)
        for key, session in snapshot.sessions.items():
            self.session(session, snapshot.vitals, entry.thresholds, acted=key in acted)

    def session(self, session: Session, vitals: Vitals, thresholds: Thresholds, *, acted: bool) -> None:
        case = Case(session, vitals, thresholds)
        going = _going_on(case)
        known = self.silent.get(session.key)
        if known is not None:
            same_run = session.run is not None and session.run.id == known.run_id
            known.asked = known.asked or (same_run and session.run is not None and _asked(session))
            if going is not None and same_run and going.last_s == known.last_s:
                known.age_s, known.asked = going.age_s, known.asked or acted
                return
            ended_s = going.last_s if going is not None and same_run else _end_of(session, vitals, known)
            whole_s = (vitals.age(known.last_s) or 0.0) - (vitals.age(ended_s) or 0.0)
            self.end(session.key, max(known.age_s, whole_s), alive=same_run or not known.asked)
        if going is not None:
            going.asked = acted or _asked(session)
            self.silent[session.key] = going

    def end(self, key: str, length_s: float, *, alive: bool) -> None:
        silence = self.silent.pop(key)
        if silence.declared:
            self.declared += 1
            return
        for name in {"", silence.name}:
            sample = self.samples.setdefault((silence.kind, name), Sample(silence.kind, name))
            (sample.alive if alive else sample.unknown).append(length_s)
            sample.sessions.add(key)
            sample.runs.add((key, silence.run_id))

    def cut(self) -> None:
        for key in list(self.silent):
            self.end(key, self.silent[key].age_s, alive=False)


def silences(entries: Iterable[Entry]) -> Silences:
    """Return every silence of a recording that the limits of silence decide about.

    Declared waits and idle sessions are no silences. A silence ends with new content of its run, or with the run; the
    seconds in which the gateway could not run do not count, as they do not for the classifier. Several steps between
    two looks are one: silences shorter than the interval are not told apart.

    Raises:
        RecordingError: when the recording cannot be read.
    """
    finder, thresholds = _Finder(), Thresholds()
    since_s = until_s = 0.0
    for entry in entries:
        since_s, until_s, thresholds = since_s or entry.round.wall_s, entry.round.wall_s, entry.thresholds
        finder.look(entry)
    finder.cut()
    return Silences(in_order(finder.samples.values()), finder.exposure_s, thresholds, since_s, until_s, finder.declared)


def in_order(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Return samples by kind, the kind's own first, each ready to be asked; a kind's only name says nothing new."""
    samples = list(samples)
    whole = {sample.kind: (len(sample.alive), len(sample.unknown)) for sample in samples if not sample.name}
    telling = [s for s in samples if not s.name or whole[s.kind] != (len(s.alive), len(s.unknown))]
    ordered = sorted(telling, key=lambda s: (list(ActivityKind).index(s.kind), s.name != "", s.name))
    return tuple(sample.in_order() for sample in ordered)


def _going_on(case: Case) -> _Open | None:
    """Return the silence of a session at this moment, where limits of silence are what decides about it."""
    activity, session = case.activity, case.session
    if activity is None or activity.kind is None or not case.owned or session.wait is not None or session.run is None:
        return None
    if case.last_s is None or case.silence_s is None:
        return None
    declared = case.allowance_s is not None
    return _Open(activity.kind, activity.name, session.run.id, case.last_s, case.silence_s, declared)


def _asked(session: Session) -> bool:
    return session.run is not None and session.run.abort_requested_s is not None


def _end_of(session: Session, vitals: Vitals, silence: _Open) -> float:
    """Return when a silence ended that no new content ended: with its run, or with the beginning of a wait."""
    wait, run = session.wait, session.run
    moments = [
        wait.since_s if wait is not None else None,
        run.started_s if run is not None and run.id != silence.run_id else None,
        session.state_since_s if run is None else None,
    ]
    known = [moment_s for moment_s in moments if moment_s is not None and moment_s > silence.last_s]
    return min(known, default=vitals.now_s)
