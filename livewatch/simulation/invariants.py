"""What must hold in every run, whatever the scenario expects; checked against the truth."""

from collections.abc import Iterable, Mapping
from math import inf

from livewatch.durations import format_duration
from livewatch.recovery.settings import Policy
from livewatch.simulation.record import Mark, Record, runnable_until, spans
from livewatch.simulation.scenario import Failure
from livewatch.simulation.tallies import lost
from livewatch.simulation.truth import Affliction, Fault
from livewatch.simulation.world import Cast
from livewatch_classifiers.vocabulary import Mode

NOBODY_COULD_KNOW: Mapping[Fault, frozenset[str]] = {
    Fault.STRANDED_QUEUE: frozenset({"queued"}),
    Fault.STRANDED_MARKER: frozenset({"store"}),
    Fault.STALE_STATE: frozenset({"state"}),
    Fault.GHOST_SESSION: frozenset({"state"}),
    Fault.LEAKED_HANDLE: frozenset({"owner", "run"}),
}
"""Deaths of which one fact is the only sign: who never sees that fact cannot know of it. The reasons, one by one, are
in ``tests/simulation/test_hidden_facts.py``; of two facts that are hidden for ever nothing is asked."""


LEADS_WITHIN_S = 20 * 60.0
"""Shortest bound of a sick verdict: a silent tool is called blocked at 6 min and ended at 15 min, with every gate."""


def broken_invariants(record: Record, cast: Cast, policy: Policy, repair_within_s: float) -> list[Failure]:
    """Return everything that must not have happened and did."""
    return [
        *_false_actions(record),
        *_stale_actions(record),
        *_unrepaired(record, cast, policy, repair_within_s),
        *_unheeded(record, cast, policy, repair_within_s),
        *_over_budget(record, policy),
        *_lost_messages(record),
        *(Failure(f"invariant: {what}", session, at_s, session) for at_s, session, what in record.violations),
    ]


def _false_actions(record: Record) -> list[Failure]:
    return [
        Failure(
            "invariant: no healthy session is touched",
            f"{d.action.kind.value} hit {d.action.session or 'the gateway'}, which was alive: {d.action.cause}",
            d.at_s,
            d.action.session or None,
            d.action.kind.value,
        )
        for d in record.deeds
        if d.false
    ]


def _stale_actions(record: Record) -> list[Failure]:
    what = "invariant: no action on a stale generation"
    return [
        Failure(what, f"{d.action.kind.value} hit a newer run", d.at_s, d.action.session, d.action.kind.value)
        for d in record.deeds
        if d.stale
    ]


def _unrepaired(record: Record, cast: Cast, policy: Policy, repair_within_s: float) -> list[Failure]:
    plans = {plan.key: plan for plan in cast.sessions}
    failures: list[Failure] = []
    for affliction in record.afflictions:
        plan = plans.get(affliction.session)
        if plan is None or plan.repair_never or (policy.mode is Mode.OBSERVE and not plan.repair_by_person):
            continue
        bound_s = repair_within_s if plan.repair_within_s is None else plan.repair_within_s
        by_s = runnable_until(record, affliction.session, affliction.since_s, bound_s)
        if by_s > record.duration_s and affliction.until_s is None:
            continue  # its time is not over yet
        if not _settled(affliction, record, by_s, by_person=plan.repair_by_person):
            failures.append(
                Failure(
                    f"invariant: a dead session is repaired within {format_duration(bound_s)}",
                    f"{affliction.session} is dead of {affliction.fault.value} since "
                    f"{format_duration(affliction.since_s)}, {_end(affliction)}",
                    by_s,
                    affliction.session,
                    affliction.fault.value,
                )
            )
    return failures


def _settled(affliction: Affliction, record: Record, by_s: float, *, by_person: bool) -> bool:
    if affliction.until_s is not None and affliction.until_s <= by_s:
        return True
    told = (affliction.told_s is not None and affliction.told_s <= by_s) or _told_before(affliction, record)
    hidden = record.hidden.get(affliction.session, frozenset())
    if told and (by_person or affliction.no_lever or hidden):
        return True
    if len(hidden) > 1 or hidden & NOBODY_COULD_KNOW.get(affliction.fault, frozenset()):
        return True
    quarantined_s = record.quarantined.get(affliction.session)
    return quarantined_s is not None and quarantined_s <= by_s


def _told_before(affliction: Affliction, record: Record) -> bool:
    """Return whether a person was told of the illness in which the session then died, and which has not ended since."""
    marks = record.labels.get(affliction.session, [])
    return any(
        since_s <= told_s <= affliction.since_s < until_s
        for since_s, until_s in _illnesses(spans(marks, record.duration_s))
        for told_s in record.told.get(affliction.session, ())
    )


def _unheeded(record: Record, cast: Cast, policy: Policy, bound_s: float) -> list[Failure]:
    """Every sick verdict leads somewhere: to an action on the session, or to somebody who is told."""
    left_alone = {plan.key for plan in cast.sessions if plan.repair_never}
    if policy.mode is Mode.OBSERVE or bound_s == inf:
        return []
    failures: list[Failure] = []
    for key, marks in record.labels.items():
        for since_s, until_s in _illnesses(spans(marks, record.duration_s)):
            by_s = runnable_until(record, key, since_s, max(bound_s, LEADS_WITHIN_S))
            if until_s <= by_s or key in left_alone or _heeded(record, key, since_s, by_s):
                continue
            why = f"{key} is called sick since {format_duration(since_s)}; nothing was done, and nobody was told"
            failures.append(Failure("invariant: every sick verdict leads somewhere", why, by_s, key))
    return failures


def _illnesses(labels: Iterable[tuple[float, float, Mark]]) -> list[tuple[float, float]]:
    """Return from when to when a session was called sick, whatever the reasons."""
    found: list[tuple[float, float]] = []
    for since_s, until_s, mark in labels:
        if mark.sick and found and found[-1][1] == since_s:
            found[-1] = (found[-1][0], until_s)
        elif mark.sick:
            found.append((since_s, until_s))
    return found


def _heeded(record: Record, key: str, since_s: float, by_s: float) -> bool:
    moments = [*record.told.get(key, ()), *(deed.at_s for deed in record.deeds if deed.action.session == key)]
    quarantined_s = record.quarantined.get(key)
    return any(since_s <= at_s <= by_s for at_s in moments) or (quarantined_s is not None and quarantined_s <= by_s)


def _end(affliction: Affliction) -> str:
    if affliction.until_s is None:
        return "and still is"
    return f"until {format_duration(affliction.until_s)} ({affliction.ended_by})"


def _over_budget(record: Record, policy: Policy) -> list[Failure]:
    sent_s = [d.at_s for d in record.deeds]
    for first, at_s in enumerate(sent_s):
        inside = [s for s in sent_s[first:] if s - at_s < policy.budget_window_s]
        if len(inside) > policy.budget_actions:
            return [Failure("invariant: actions stay within budget", f"{len(inside)} actions in one window", at_s)]
    return []


def _lost_messages(record: Record) -> list[Failure]:
    return [
        Failure(
            "invariant: no message is lost",
            f"{m.id} of {m.session} is {m.state.value}",
            m.ended_s,
            m.session,
            m.state.value,
        )
        for m in record.messages
        if lost(m) and m.state.value != "interrupted"
    ]
