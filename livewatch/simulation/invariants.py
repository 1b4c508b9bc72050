"""What must hold in every run, whatever the scenario expects; checked against the truth."""

from collections.abc import Mapping

from livewatch.durations import format_duration
from livewatch.recovery.settings import Policy
from livewatch.simulation.record import Record, runnable_until
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


def broken_invariants(record: Record, cast: Cast, policy: Policy, repair_within_s: float) -> list[Failure]:
    """Return everything that must not have happened and did."""
    return [
        *_false_actions(record),
        *_stale_actions(record),
        *_unrepaired(record, cast, policy, repair_within_s),
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
    told = affliction.told_s is not None and affliction.told_s <= by_s
    hidden = record.hidden.get(affliction.session, frozenset())
    if told and (by_person or affliction.no_lever or hidden):
        return True
    if len(hidden) > 1 or hidden & NOBODY_COULD_KNOW.get(affliction.fault, frozenset()):
        return True
    quarantined_s = record.quarantined.get(affliction.session)
    return quarantined_s is not None and quarantined_s <= by_s


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
