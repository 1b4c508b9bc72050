"""Verdicts on every session of a gateway, at the cost of what changed and of what is due.

The same labels as judging every session anew in each tick (`tests/test_judge.py` holds the two together), because a
label stands until the session changes or an age crosses a limit; only of the sick the ages in the evidence are told
anew at every look. Ages never grow faster than the clock while the blind time only grows; the wheel's own clock runs
faster by whatever blind time is forgotten or corrected, so that a due time stays a lower bound.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from livewatch.timing_wheel import TimingWheel
from livewatch.versions import Versions
from livewatch_classifiers.case import Case
from livewatch_classifiers.due import standing
from livewatch_classifiers.glance import TIMELESS_S, glances, plain_limit_s, plain_verdict
from livewatch_classifiers.model import Session, Snapshot, Vitals
from livewatch_classifiers.session import classify_case
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import SICK, Reason


@dataclass(frozen=True, slots=True)
class Census:
    """What may be known of all verdicts without looking at each."""

    sick: Collection[str]
    """Keys of the sessions that are stalled or stuck; not written to before the next judgement."""
    active: int
    """How many sessions are not idle."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts of one tick, and what is new among them."""

    verdicts: Mapping[str, Verdict]
    touched: Collection[str]
    """Keys of the verdicts that are new in this tick; every other one is the same object as in the tick before."""
    gone: Collection[str]
    census: Census


class Judge:
    """Judges one gateway, tick after tick. No clock and no I/O: the snapshot says what time it is."""

    def __init__(self) -> None:
        self._sessions: Mapping[str, Session] = MappingProxyType({})
        self._verdicts = Versions[str, Verdict]()
        self._ruled: set[str] = set()
        """Keys whose verdict is by the rules, not at a glance."""
        self._sick: set[str] = set()
        self._passed: set[str] = set()
        """Keys whose verdict could change if blind time came to light that lies in the past."""
        self._silent: set[str] = set()
        """Those of them whose verdict could change if they made progress."""
        self._active = 0
        self._wheel = TimingWheel()
        self._wheel_s = 0.0
        self._vitals: Vitals | None = None
        self._thresholds: Thresholds | None = None

    def judge(self, snapshot: Snapshot, thresholds: Thresholds) -> Judgement:
        """Return the verdict on every session of a snapshot; cheapest when each look follows the one before."""
        vitals, before = snapshot.vitals, self._verdicts.now
        anew = self._begins_anew(vitals, thresholds)
        asked: AbstractSet[str]
        gone: AbstractSet[str]
        if anew:
            asked, gone = snapshot.sessions.keys(), before.keys() - snapshot.sessions.keys()
            self._forget()
        else:
            changed, gone = self._difference(snapshot)
            asked = (changed | self._sick | self._due(vitals)) - gone
        self._vitals, self._thresholds = vitals, thresholds
        self._sessions = dict(snapshot.sessions) if snapshot.delta is None else snapshot.sessions
        fresh = self._judged(list(asked), snapshot, thresholds)
        if not anew:
            for key in gone:
                self._leave(key, before[key])
            self._wheel.put_all(dict.fromkeys(gone, inf))
        self._verdicts.change(fresh, () if anew else gone)
        return Judgement(self._verdicts.view(), sorted(fresh), gone, Census(self._sick, self._active))

    def _judged(self, keys: list[str], snapshot: Snapshot, thresholds: Thresholds) -> dict[str, Verdict]:
        """Return the verdicts on ``keys`` that are not the same as before; for most a glance says which those are."""
        if not keys:
            return {}
        sessions, vitals, verdicts = snapshot.sessions, snapshot.vitals, self._verdicts.now
        limit_s = plain_limit_s(thresholds)
        horizon_s = vitals.now_s - limit_s  # no age is larger than by the clock: blind time only makes it smaller
        fresh: dict[str, Verdict] = {}
        due_s: dict[str, float] = {}
        difficult: list[str] = []
        for key, since_s in zip(keys, glances(sessions, keys, limit_s), strict=True):
            if since_s <= horizon_s:
                difficult.append(key)
                continue
            due_s[key] = self._wheel_s + since_s - horizon_s
            known, reason = verdicts.get(key), Reason.IDLE if since_s == TIMELESS_S else Reason.ACTIVE
            if known is None or known.reason is not reason:
                self._leave(key, known)
                self._active += reason is not Reason.IDLE
                fresh[key] = plain_verdict(key, reason)
        self._wheel.put_all(due_s)
        for book in (self._ruled, self._passed, self._silent):
            if book:
                book.difference_update(due_s)
        for key in difficult:
            self._leave(key, verdicts.get(key))
            fresh[key] = self._enter(key, Case(sessions[key], vitals, thresholds))
        return fresh

    def _begins_anew(self, vitals: Vitals, thresholds: Thresholds) -> bool:
        """Return whether ages may have jumped, or limits moved, since the look before."""
        before = self._vitals
        return (
            before is None
            or thresholds is not self._thresholds
            or vitals.now_s < before.now_s
            or vitals.ready_s != before.ready_s
            or vitals.phase is not before.phase
        )

    def _forget(self) -> None:
        self._verdicts = Versions[str, Verdict]()
        self._ruled.clear()
        self._sick.clear()
        self._passed.clear()
        self._silent.clear()
        self._wheel = TimingWheel()
        self._wheel_s, self._active = 0.0, 0

    def _difference(self, snapshot: Snapshot) -> tuple[AbstractSet[str], AbstractSet[str]]:
        """Return the keys of what changed so that it must be judged, and of what is gone."""
        after, before, delta = snapshot.sessions, self._sessions, snapshot.delta
        if delta is None:
            changed = {key for key, session in after.items() if before.get(key) is not session}
            return changed, before.keys() - after.keys()
        if delta.before is not before:
            return after.keys(), before.keys() - after.keys()  # a glance at each costs less than comparing them
        # Where no silence is past a limit, later progress only takes every age further away from its limit. So does all
        # that is new of a session that was plain and is; when an age of it was past one, the rules were asked.
        again = (delta.renewed & self._ruled) | (delta.progressed & self._silent)
        return delta.changed | again, delta.gone

    def _due(self, vitals: Vitals) -> set[str]:
        """Turn the wheel to this look, and return whose verdict may be another by now."""
        before = self._vitals
        assert before is not None
        was_s = before.now_s
        self._wheel_s += vitals.now_s - was_s + before.blind.uncovered(vitals.blind, was_s)
        due = set(self._wheel.turn(self._wheel_s))
        if vitals.blind.uncovered(before.blind, was_s) > 0:
            due |= self._passed  # ages became smaller than they were
        return due

    def _enter(self, key: str, case: Case) -> Verdict:
        """Judge a session, and put it where it belongs."""
        verdict = classify_case(case)
        stands = standing(case, verdict)
        self._active += verdict.reason is not Reason.IDLE
        self._ruled.add(key)
        if verdict.attention in SICK:
            self._sick.add(key)  # the ages in its evidence are what recovery acts on, so it is told anew at every look
        self._wheel.put(key, inf if key in self._sick else self._wheel_s + stands.due_in_s)
        if stands.passed:
            self._passed.add(key)
        if stands.silent:
            self._silent.add(key)
        return verdict

    def _leave(self, key: str, verdict: Verdict | None) -> None:
        """Take a session out of all the books."""
        if verdict is not None:
            self._active -= verdict.reason is not Reason.IDLE
        self._ruled.discard(key)
        self._sick.discard(key)
        self._passed.discard(key)
        self._silent.discard(key)
