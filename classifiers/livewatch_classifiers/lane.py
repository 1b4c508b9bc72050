"""`classify_lane`: who holds a shared lane, who waits for whom, and whether the wait can ever end.

A lane that is blocked by a healthy run is too narrow, not sick: the head is never to blame (OpenClaw 67785). A
circular wait never ends, however healthy each of its members looks (OpenClaw 93004).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from livewatch_classifiers.facts import can_act
from livewatch_classifiers.model import Lane, Session, Snapshot, Vitals
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Evidence, Verdict
from livewatch_classifiers.vocabulary import SICK, Attention, Classification, EvidenceClass, Presence, Reason, Remedy

_NO_LANES: Mapping[str, Lane] = MappingProxyType({})


class LaneCondition(StrEnum):
    """What a lane is."""

    FREE = "free"
    SERVING = "serving"
    BOTTLENECK = "bottleneck"  # somebody waits past the bound behind a healthy head: too narrow, nobody to repair
    HELD_BY_SICK = "held_by_sick"
    HELD_BY_DEAD = "held_by_dead"
    CYCLE = "cycle"
    UNKNOWN = "unknown"  # somebody waits, and nobody can see for whom


@dataclass(frozen=True, slots=True)
class LaneVerdict:
    """The judgement of one lane at one moment."""

    name: str
    condition: LaneCondition
    head: str | None = None
    waiting: tuple[str, ...] = ()
    """Keys of the sessions that are known to wait for this lane or for its head, sorted."""
    cycle: tuple[str, ...] = ()
    """Keys in the order in which each waits for the next, and the last for the first."""
    evidence: Evidence = ()


def classify_lane(
    lane: Lane,
    sessions: Mapping[str, Session],
    verdicts: Mapping[str, Verdict],
    vitals: Vitals,
    thresholds: Thresholds,
    *,
    lanes: Mapping[str, Lane] = _NO_LANES,
) -> LaneVerdict:
    """Return what a lane is. Pure and total.

    Args:
        lane: the lane.
        sessions: every session of the snapshot, by key.
        verdicts: the judgement of each session; one without a verdict counts as not judged.
        vitals: the moment, and the time in which nobody could be served.
        thresholds: ``warn_after_s`` is the bound of a wait behind a healthy head.
        lanes: every lane by name, to follow waits from lane to lane.
    """
    everything = {**lanes, lane.name: lane}
    waiting = tuple(sorted(k for k, s in sessions.items() if k != lane.head and _waits_for(s, lane)))
    cycle = _cycle(lane.head, sessions, everything)
    oldest_s = vitals.age(lane.oldest_queued_s)
    waited = bool(lane.queued or waiting)
    condition = _condition(lane, sessions, verdicts, waited=waited, cycle=bool(cycle))
    if condition is LaneCondition.SERVING and waited and oldest_s is not None and oldest_s > thresholds.warn_after_s:
        condition = LaneCondition.BOTTLENECK
    verdict = verdicts.get(lane.head) if lane.head is not None else None
    pairs: tuple[tuple[str, float | int | str | None], ...] = (
        ("active", lane.active),
        ("queued", lane.queued),
        ("capacity", lane.capacity),
        ("oldest_wait_s", None if oldest_s is None else round(oldest_s, 3)),
        ("head_reason", None if verdict is None else verdict.reason.value),
    )
    evidence = tuple((name, value) for name, value in pairs if value is not None)
    return LaneVerdict(lane.name, condition, lane.head, waiting, cycle, evidence)


def classify_lanes(
    snapshot: Snapshot, verdicts: Mapping[str, Verdict], thresholds: Thresholds
) -> Mapping[str, LaneVerdict]:
    """Return the judgement of every lane of a snapshot, by name. Pure and total."""
    lanes, sessions, vitals = snapshot.lanes, snapshot.sessions, snapshot.vitals
    return MappingProxyType(
        {name: classify_lane(lane, sessions, verdicts, vitals, thresholds, lanes=lanes) for name, lane in lanes.items()}
    )


def circular_waits(
    lanes: Mapping[str, LaneVerdict], snapshot: Snapshot, verdicts: Mapping[str, Verdict], thresholds: Thresholds
) -> dict[str, Verdict]:
    """Return new verdicts for sessions that wait in a circle (rule 3c): proved, so the youngest run gives way.

    Each of them waits legally, so no rule about one session can see it (OpenClaw 42960, 93004). A wait that ends by
    its own deadline opens the circle by itself and is left alone until then.
    """
    found: dict[str, Verdict] = {}
    for lane in lanes.values():
        members = [snapshot.sessions[key] for key in lane.cycle if key in snapshot.sessions and key in verdicts]
        ages_s = [_waited_s(session, snapshot.vitals) for session in members]
        if not members or any(age_s is None or age_s <= thresholds.settle_s for age_s in ages_s):
            continue
        youngest = max(members, key=lambda session: (_run_started_s(session), session.key))
        grace_is_over = min(age_s for age_s in ages_s if age_s is not None) > thresholds.zombie_grace_s
        for session in members:
            if verdicts[session.key].attention not in SICK:
                verdict = classify_session(session, snapshot.vitals, thresholds)  # with the ages of this moment
                owned = session.owner is Presence.PRESENT
                gives_way = session is youngest and owned and can_act(session, EvidenceClass.CERTAIN)
                found[session.key] = _in_circle(verdict, lane, gives_way=gives_way, eligible=grace_is_over)
    return found


def _in_circle(verdict: Verdict, lane: LaneVerdict, *, gives_way: bool, eligible: bool) -> Verdict:
    return replace(
        verdict,
        attention=Attention.STALLED,
        reason=Reason.UNANSWERED_WAIT,
        rule="3c",
        classification=Classification.UNENDED_WAIT,
        evidence_class=EvidenceClass.CERTAIN,
        remedy=Remedy.ABORT_RUN if gives_way else Remedy.TELL_PERSON,
        eligible=gives_way and eligible,
        due_in_s=None,
        evidence=(*verdict.evidence, ("circle", " > ".join((*lane.cycle, lane.cycle[0])))),
    )


def _waited_s(session: Session, vitals: Vitals) -> float | None:
    """Return how long the session waits already, or ``None`` when its wait ends by itself or is over."""
    wait = session.wait
    if wait is None or (wait.deadline_s is not None and vitals.now_s < wait.deadline_s):
        return None
    return vitals.age(wait.since_s)


def _run_started_s(session: Session) -> float:
    started_s = session.run.started_s if session.run is not None else None
    return started_s if started_s is not None else float("-inf")


def _condition(
    lane: Lane, sessions: Mapping[str, Session], verdicts: Mapping[str, Verdict], *, waited: bool, cycle: bool
) -> LaneCondition:
    if cycle:
        return LaneCondition.CYCLE
    if lane.head is None:
        if lane.active == 0 and not waited:
            return LaneCondition.FREE
        return LaneCondition.UNKNOWN if waited else LaneCondition.SERVING
    head, verdict = sessions.get(lane.head), verdicts.get(lane.head)
    if head is None or verdict is None:
        return LaneCondition.UNKNOWN
    if verdict.attention not in SICK:
        return LaneCondition.SERVING
    dead = verdict.evidence_class is EvidenceClass.CERTAIN or head.owner is Presence.ABSENT
    return LaneCondition.HELD_BY_DEAD if dead else LaneCondition.HELD_BY_SICK


def _waits_for(session: Session, lane: Lane) -> bool:
    wait = session.wait
    if wait is None:
        return False
    return wait.lane == lane.name or (wait.session is not None and wait.session == lane.head)


def _cycle(start: str | None, sessions: Mapping[str, Session], lanes: Mapping[str, Lane]) -> tuple[str, ...]:
    """Follow the waits from the head; return the circle that they end in, starting at its smallest key."""
    path: list[str] = []
    key = start
    while key is not None and key not in path:
        path.append(key)
        key = _next(sessions.get(key), lanes)
    if key is None:
        return ()
    circle = path[path.index(key) :]
    first = circle.index(min(circle))
    return (*circle[first:], *circle[:first])


def _next(session: Session | None, lanes: Mapping[str, Lane]) -> str | None:
    """Return for whom a session waits: a session, or the head of a full lane."""
    if session is None or session.wait is None:
        return None
    if session.wait.session is not None:
        return session.wait.session
    lane = lanes.get(session.wait.lane) if session.wait.lane is not None else None
    if lane is None:
        return None
    several = lane.capacity is not None and lane.capacity > 1  # another slot may come free
    return None if several else lane.head
