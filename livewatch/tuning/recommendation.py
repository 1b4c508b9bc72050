"""From silences to limits: what each candidate would have cost, and the smallest one that can be shown to be safe."""

from dataclasses import dataclass
from math import ceil, inf

from livewatch.durations import format_duration
from livewatch.tuning.bounds import WEEK_S, poisson_upper
from livewatch.tuning.silences import Sample, Silences
from livewatch_classifiers.model import Activity, Session
from livewatch_classifiers.thresholds import TOOL_ABORT_FLOOR_S, Limits
from livewatch_classifiers.vocabulary import ActivityKind

CANDIDATES_S = (
    1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 300.0, 360.0, 480.0, 600.0,
    900.0, 1200.0, 1800.0, 2700.0, 3600.0, 5400.0, 7200.0,
)  # fmt: skip
_WORTH_SAYING = 100.0
SAMPLE_MIN = 100
"""Fewer silences say nothing about a tail."""
RUNS_MIN = 30
"""The bounds hold for silences that do not depend on each other; those of one run do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many false ones a week the operator accepts, at most, with 95 % confidence."""

    aborts_per_week: float = 1.0
    warnings_per_week: float = 20.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a limit would have cost."""

    limit_s: float
    seen: int
    """Living silences that were longer."""
    per_week: float
    upper_per_week: float
    """With 95 % confidence no more than this."""
    unknown: int
    """Longer ones of which nobody knows."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What can be said about one kind of activity, or one tool or model."""

    sample: Sample
    costs: tuple[Cost, ...]
    warn_s: float | None = None
    abort_s: float | None = None
    refusal: str = ""
    """Why nothing is recommended."""
    note: str = ""


def advise(silences: Silences, wanted: Wanted) -> list[Advice]:
    """Return the advice for every sample, in the order of the samples."""
    return [_advice(sample, silences, wanted) for sample in silences.samples]


def cost(sample: Sample, limit_s: float, silences: Silences) -> Cost:
    """Return what a limit would have cost while the sample was taken, per week.

    Where runs were aborted at a limit in force, nobody knows how long they would have been silent: beyond it all of
    them stay unknown, however far the candidate is.
    """
    seen = sample.longer_than(limit_s)
    weeks = silences.exposure_s / WEEK_S
    upper = poisson_upper(seen) / weeks if weeks else inf
    unknown = sample.unknown_longer_than(min(limit_s, in_force(silences, sample).abort_s))
    return Cost(limit_s, seen, seen / weeks if weeks else inf, upper, unknown)


def in_force(silences: Silences, sample: Sample) -> Limits:
    """Return the limits that held for such an activity."""
    return silences.thresholds.limits(Session(""), Activity(sample.kind, name=sample.name))


def _advice(sample: Sample, silences: Silences, wanted: Wanted) -> Advice:
    candidates = [limit_s for limit_s in CANDIDATES_S if limit_s >= silences.floor_s]
    costs = tuple(cost(sample, limit_s, silences) for limit_s in candidates)
    if not silences.floor_s and len(sample.alive) < SAMPLE_MIN:
        return Advice(sample, costs, refusal=f"only {len(sample.alive)} silences; {SAMPLE_MIN} are needed")
    if not silences.floor_s and len(sample.runs) < RUNS_MIN:
        few = f"all of them in {len(sample.runs)} runs; {RUNS_MIN} are needed, for those of one run are alike"
        return Advice(sample, costs, refusal=few)
    warn = next((c for c in costs if c.upper_per_week <= wanted.warnings_per_week), None)
    abort = next((c for c in costs if c.upper_per_week <= wanted.aborts_per_week), None)
    if warn is None or abort is None:
        return Advice(sample, costs, refusal=_too_short(sample, silences, costs, wanted))
    abort_s = abort.limit_s
    note = ""
    if sample.kind is ActivityKind.TOOL_CALL and abort_s < TOOL_ABORT_FLOOR_S:
        note = f"{format_duration(abort_s)} would do; tools are never aborted before the floor"
        abort_s = TOOL_ABORT_FLOOR_S
    unknown = sample.unknown_longer_than(in_force(silences, sample).abort_s)
    if unknown and abort_s > in_force(silences, sample).abort_s:
        note = f"{unknown} runs were aborted before that and might have lived"
    if abort_s <= warn.limit_s:
        abort_s = next((c.limit_s for c in costs if c.limit_s > warn.limit_s), warn.limit_s * 3)
    return Advice(sample, costs, warn.limit_s, abort_s, note=note)


def _too_short(sample: Sample, silences: Silences, costs: tuple[Cost, ...], wanted: Wanted) -> str:
    seen, exposure_s = format_duration(silences.exposure_s), silences.exposure_s
    last = costs[-1]
    if last.seen:
        longest = format_duration(max(sample.alive))
        return f"living silences last up to {longest}; declare waits and allowances before any limit is set"
    best = poisson_upper(0) * WEEK_S / exposure_s if exposure_s else inf
    needed_s = poisson_upper(0) * WEEK_S / min(wanted.aborts_per_week, wanted.warnings_per_week)
    near = best <= _WORTH_SAYING
    instead = f", or `--false-aborts {ceil(best)} --false-warnings {max(20, ceil(best))}`" if near else ""
    return (
        f"{seen} watched is too short: a limit that nothing crossed may still be wrong {best:,.1f} times a week; "
        f"{format_duration(needed_s)} are needed{instead}"
    )
