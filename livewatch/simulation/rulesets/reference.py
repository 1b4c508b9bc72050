"""What both models of the reference gateway share: a 30 s timer on its own loop, wall-clock ages, levers by key.

Modelled: the table of rules with the reference's limits; ages by the wall clock, so that blocked loops, sleep and
clock jumps age everybody; keepalives of a stream count as progress (OpenClaw 145203); recovery by session key without
a check of run or generation (109041, 145152); a session without an id is skipped (84477); after an abort that was
noted but did not end the run, a force-clear at the next tick; each repeat on one key waits twice as long as before.
Simplified: no plug-ins, no operator commands; the drain after an abort is one tick (30 s) instead of 15 s; declared
waits of every kind are believed where the version knows them at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from livewatch.simulation.rulesets.watcher import Label, Order, View
from livewatch_classifiers.blindtime import BlindTime
from livewatch_classifiers.case import Case
from livewatch_classifiers.model import Activity, Session, Vitals
from livewatch_classifiers.session import RULES
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import (
    SICK,
    ActionKind,
    Attention,
    AwaitedState,
    Presence,
    Reason,
    Remedy,
    WaitKind,
)

Rule = Callable[[Case], Verdict | None]
_A_DAY_S = 24 * 3600.0
_LONGEST_BACKOFF_S = 3600.0


def rules_without(*numbers: str) -> tuple[Rule, ...]:
    """Return the table without some of its rules; a rule's number is the first part of its function's name."""
    dropped = tuple(f"_rule_{number}_" for number in numbers)
    return tuple(rule for rule in RULES if not rule.__name__.startswith(dropped))


def reference_thresholds(*, tool_abort_s: float) -> Thresholds:
    """Return the reference's limits: warn 120 s, abort 360 s."""
    return Thresholds(
        warn_after_s=120.0,
        abort_after_s=360.0,
        tool_abort_after_s=tool_abort_s,
        allowances_s={},
        wait_bounds_s=dict.fromkeys(WaitKind, _A_DAY_S),
    )


class Reference:
    """The common part of both reference models."""

    name = "reference"
    every_s = 30.0
    inside = True

    def __init__(self, rules: tuple[Rule, ...], thresholds: Thresholds) -> None:
        self._rules = rules
        self._thresholds = thresholds
        self._verdicts: dict[str, Verdict] = {}
        self._asked: dict[str, tuple[str | None, int, float]] = {}
        """Per session: the run that was asked to end, how often, and when the next request may go out."""

    def tick(self, view: View, late_s: float) -> list[Order]:
        """Judge every session, then ask for what is due."""
        snapshot = view.snapshot
        if snapshot is None:
            return []
        self._verdicts = {key: self._judge(session, view) for key, session in snapshot.sessions.items()}
        if self.defers(late_s):
            return []
        orders: list[Order] = []
        for key, verdict in self._verdicts.items():
            order = self._order(snapshot.sessions[key], verdict, view.now_s)
            if order is not None:
                orders.append(order)
        return orders

    def labels(self) -> Mapping[str, Label]:
        """Return what is thought of each session."""
        return MappingProxyType({key: verdict.label for key, verdict in self._verdicts.items()})

    def defers(self, late_s: float) -> bool:
        """Return whether recovery is put off because the own timer was late."""
        del late_s
        return False

    def known_wait(self, session: Session) -> bool:
        """Return whether this version believes the session's declared wait."""
        return session.wait is not None

    def known_allowance_s(self, activity: Activity) -> float | None:
        """Return what this version knows of the declared allowance of an activity, in seconds."""
        del activity
        return None

    def _judge(self, session: Session, view: View) -> Verdict:
        seen = self._as_seen(session, view)
        vitals = Vitals(now_s=view.now_s + view.age_offset_s.get(session.key, 0.0), blind=BlindTime())
        case = Case(seen, vitals, self._thresholds)
        for rule in self._rules:
            verdict = rule(case)
            if verdict is not None:
                return verdict
        return case.verdict("17", Attention.NONE, Reason.ACTIVE)

    def _as_seen(self, session: Session, view: View) -> Session:
        """Return the session without what the reference does not look at."""
        touched_s = view.touched_s.get(session.key)
        progress_s = session.progress_s
        if touched_s is not None:
            progress_s = touched_s if progress_s is None else max(progress_s, touched_s)
        activity = session.activity
        if activity is not None:
            activity = replace(activity, allowance_s=self.known_allowance_s(activity), working_s=None)
        wait = session.wait if self.known_wait(session) else None
        if wait is not None:
            wait = replace(wait, delivered=Presence.UNKNOWN, awaited=AwaitedState.UNKNOWN, answer_impossible=False)
        run = session.run
        if run is not None:
            run = replace(run, timeout_s=None)
        return replace(session, progress_s=progress_s, activity=activity, wait=wait, run=run)

    def _order(self, session: Session, verdict: Verdict, now_s: float) -> Order | None:
        run_id = session.run.id if session.run is not None else None
        asked_run, times, next_s = self._asked.get(session.key, (None, 0, 0.0))
        if not verdict.eligible or verdict.attention not in SICK:
            return None
        if session.id is None or now_s < next_s:
            return None
        kind = _KINDS.get(verdict.remedy)
        if kind is None:
            return None
        noted = session.run is not None and session.run.abort_requested_s is not None
        if kind is ActionKind.ABORT_RUN and noted and asked_run == run_id:
            kind = ActionKind.FORCE_CLEAR
        times = times + 1 if asked_run == run_id else 1
        wait_s = 0.0 if times == 1 else min(_LONGEST_BACKOFF_S, self.every_s * 2.0**times)
        self._asked[session.key] = (run_id, times, now_s + wait_s)
        return Order(kind, session.key, run_id, f"{verdict.attention.value}/{verdict.reason.value}")


_KINDS = {Remedy.ABORT_RUN: ActionKind.ABORT_RUN, Remedy.RELEASE_LANE: ActionKind.RELEASE_LANE}
