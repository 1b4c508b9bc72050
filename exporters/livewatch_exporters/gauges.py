"""The values of observable metrics, computed from one immutable report in the thread that collects them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf

from livewatch_classifiers.glance import Outline, outlines, queue_kinds
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import Attention, LaneKind, Reason, SessionState, VitalsState
from livewatch_exporters import attributes as a
from livewatch_exporters import catalogue as c
from livewatch_exporters.metric_spec import OTHER, TARGET, MetricSpec

Labels = Mapping[str, str]
Points = Mapping[MetricSpec, list[tuple[float, Labels]]]


@dataclass(frozen=True, slots=True)
class LastLook:
    """What observable metrics read; replaced as a whole by each tick."""

    report: TickReport
    succeeded_wall_s: Mapping[str, float]
    """Unix time of the last pass that succeeded, by sampler."""


def points(look: LastLook, thresholds: Thresholds) -> Points:
    """Return the points of every observable metric. One pass over the sessions; pure."""
    report = look.report
    target = {TARGET.name: report.target}
    found: dict[MetricSpec, list[tuple[float, Labels]]] = defaultdict(list)
    found[c.TARGET_UP].append((int(_up(report)), target))
    found[c.RECOVERY_BACKOFF].append((report.longest_backoff_s, target))
    found[c.RECOVERY_BUDGET_REMAINING].append((report.budget_remaining, target))
    for name, limit_s in _limits(thresholds):
        found[c.THRESHOLD_LIMIT].append((limit_s, target | {a.THRESHOLD.name: name}))
    found[c.RECOVERY_LEASE].append((int(report.may_act), target))
    found[c.SELF_HEALTH_PENALTY].append((report.health_penalty, {}))
    for state in VitalsState:
        found[c.TARGET_STATE].append((int(state is report.vitals.state), target | {a.TARGET_STATE.name: state}))
    for name, wall_s in look.succeeded_wall_s.items():
        found[c.SAMPLER_LAST_SUCCESS].append((wall_s, {a.SAMPLER.name: name}))
    if report.snapshot is not None:
        _from_snapshot(report.snapshot, report.verdicts, target, found)
    return found


def _up(report: TickReport) -> bool:
    return report.snapshot is not None and report.vitals.state is not VitalsState.GONE


def _limits(thresholds: Thresholds) -> Iterator[tuple[str, float]]:
    yield "warn", thresholds.warn_after_s
    yield "abort", thresholds.abort_after_s
    yield "eventloop_delay", thresholds.loop_delay_warn_s


def _from_snapshot(
    snapshot: Snapshot,
    verdicts: Mapping[str, Verdict],
    target: dict[str, str],
    found: dict[MetricSpec, list[tuple[float, Labels]]],
) -> None:
    vitals = snapshot.vitals
    for spec, value in (
        (c.TARGET_MEMORY_USAGE, vitals.rss_bytes),
        (c.TARGET_FILE_DESCRIPTOR_USAGE, vitals.file_descriptors),
        (c.TARGET_UPTIME, vitals.uptime_s),
    ):
        if value is not None:
            found[spec].append((value, target))
    active = Counter[tuple[str, str]](dict.fromkeys(product(SessionState, Attention), 0))
    since_s: dict[Attention, float] = {}
    judged = dict(verdicts.items())
    facts, resting = _apart(snapshot, judged)
    active[SessionState.IDLE, Attention.NONE] += len(resting)
    for key, session in facts:
        verdict = judged.get(key)
        attention = verdict.attention if verdict is not None else Attention.NONE
        active[session.state or OTHER, attention] += 1
        if verdict is not None:
            last_s = _last_s(session)
            if last_s is not None and last_s < since_s.get(attention, inf):
                since_s[attention] = last_s
    for (state, label), count in active.items():
        found[c.SESSION_ACTIVE].append((count, target | {a.STATE.name: state, a.ATTENTION.name: label}))
    for label, moment_s in since_s.items():
        found[c.SESSION_PROGRESS_AGE].append((vitals.age(moment_s) or 0.0, target | {a.ATTENTION.name: label}))
    for kind, (size, age_s) in _waiting(snapshot, facts, resting).items():
        labels = target | {a.LANE.name: kind}
        found[c.QUEUE_SIZE].append((size, labels))
        if age_s is not None:
            found[c.QUEUE_OLDEST_AGE].append((age_s, labels))


def _last_s(session: Outline) -> float | None:
    """Progress counts for the turn that made it: a turn that made none yet is as old as its state."""
    progress_s, since_s = session.progress_s, session.state_since_s
    if progress_s is None or (since_s is not None and since_s > progress_s):
        return since_s
    return progress_s


def _apart(snapshot: Snapshot, verdicts: Mapping[str, Verdict]) -> tuple[list[tuple[str, Outline]], list[str]]:
    """Return the outlines of sessions, and the keys of those that rest: idle, with nothing queued, and most of all."""
    idle = {key for key, verdict in verdicts.items() if verdict.reason is Reason.IDLE}
    keys = list(snapshot.sessions)
    facts = outlines(snapshot.sessions, [key for key in keys if key not in idle])
    return list(facts), [key for key in keys if key in idle]


def waiting_turns(snapshot: Snapshot, verdicts: Mapping[str, Verdict]) -> dict[LaneKind, tuple[int, float | None]]:
    """Return size and age of the oldest per kind of lane; where lanes report themselves, their count is the truth."""
    return _waiting(snapshot, *_apart(snapshot, verdicts))


def _waiting(
    snapshot: Snapshot, facts: Iterable[tuple[str, Outline]], resting: Sequence[str]
) -> dict[LaneKind, tuple[int, float | None]]:
    waiting = [(lane.kind, lane.queued, lane.oldest_queued_s) for lane in snapshot.lanes.values()]
    told = {kind for kind, queued, _ in waiting if queued is not None}
    sizes: dict[LaneKind, int] = {}
    since_s: dict[LaneKind, float] = {}

    def count(kind: LaneKind, queued: int | None, oldest_s: float | None) -> None:
        if queued:
            sizes[kind] = sizes.get(kind, 0) + queued
            if oldest_s is not None:
                since_s[kind] = min(oldest_s, since_s.get(kind, oldest_s))
        elif queued is not None:
            sizes.setdefault(kind, 0)

    for lane in waiting:
        count(*lane)
    for _, session in facts:
        if session.lane_kind not in told and (session.queued or session.lane_kind not in sizes):
            count(session.lane_kind, session.queued, session.oldest_queued_s)
    for kind in queue_kinds(snapshot.sessions, resting) - told:
        sizes.setdefault(kind, 0)
    now_s = snapshot.vitals.now_s
    return {kind: (size, _age_s(size, since_s.get(kind), now_s)) for kind, size in sizes.items()}


def _age_s(size: int, since_s: float | None, now_s: float) -> float | None:
    if not size:
        return 0.0
    return None if since_s is None else max(0.0, now_s - since_s)
