"""Advice as lines for people, as a document for programs, and as a fragment of a configuration file."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite, log10
from typing import Any

from livewatch.durations import format_duration
from livewatch.tuning.bounds import quantile
from livewatch.tuning.recommendation import Advice, Cost, Wanted, cost, in_force
from livewatch.tuning.silences import Sample, Silences
from livewatch_classifiers.thresholds import Limits
from livewatch_classifiers.vocabulary import ActivityKind

SCHEMA_VERSION = 1
_BAR = 40
_AFTER_ZERO = 2
"""How many candidates are shown beyond the first that no silence crossed."""


def lines(silences: Silences, advice: Sequence[Advice], wanted: Wanted) -> list[str]:
    """Return everything as lines."""
    span = f"{_moment(silences.since_s)} to {_moment(silences.until_s)} UTC"
    out = [
        f"{format_duration(silences.exposure_s)} watched, {span}",
        (
            f"wanted: at most {wanted.aborts_per_week:g} false aborts and {wanted.warnings_per_week:g} false warnings "
            "a week for each kind, with 95 % confidence"
        ),
    ]
    if silences.declared:
        out.append(f"{silences.declared} silences under a declared allowance are left out: no limit decides about them")
    if silences.floor_s:
        floor = format_duration(silences.floor_s)
        out.append(f"a journal tells only silences beyond warn_after ({floor}); a recording tells all of them")
    too_short = {item.refusal for item in advice if "too short" in item.refusal}
    for item in advice:
        out += ["", *_sample(silences, item)]
    out += ["", *sorted(too_short)] if too_short else []
    if not advice:
        out += ["", "no silence to learn from"]
    return out


def title(sample: Sample) -> str:
    """Return what a sample is about, in words."""
    return f"{sample.kind.value} {sample.name}" if sample.name else sample.kind.value


def fragment(silences: Silences, advice: Sequence[Advice], wanted: Wanted) -> str:
    """Return the recommended limits in the form of `livewatch.toml`; empty when there is none."""
    limits: dict[ActivityKind, tuple[float | None, float | None]] = {}
    parts: list[str] = []
    for item in advice:
        pair = (item.warn_s, item.abort_s)
        if not item.sample.name:
            limits[item.sample.kind] = pair
        if item.warn_s is None or item.abort_s is None or (item.sample.name and pair == limits.get(item.sample.kind)):
            continue
        name = [f"name = {json.dumps(_exactly(item.sample.name), ensure_ascii=False)}"] if item.sample.name else []
        parts += [
            "",
            f"[[thresholds.overrides]]  # {len(item.sample.alive)} silences, longest {_longest(item.sample)}",
            f'activity = "{item.sample.kind.value}"',
            *name,
            f'warn_after = "{neat(item.warn_s)}"',
            f'abort_after = "{neat(item.abort_s)}"',
        ]
    if not parts:
        return ""
    head = (
        f"# livewatch tune: {format_duration(silences.exposure_s)} watched until {_moment(silences.until_s)} UTC; at "
        f"most {wanted.aborts_per_week:g} false aborts a week each (95 %)"
    )
    return "\n".join([head, *parts, ""])


def document(silences: Silences, advice: Sequence[Advice], wanted: Wanted, notes: Sequence[str]) -> dict[str, Any]:
    """Return everything as one JSON-ready document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "ok": True,
        "since": silences.since_s,
        "until": silences.until_s,
        "watched_s": round(silences.exposure_s, 3),
        "complete_above_s": silences.floor_s,
        "confidence": 0.95,
        "wanted": {"aborts_per_week": wanted.aborts_per_week, "warnings_per_week": wanted.warnings_per_week},
        "declared": silences.declared,
        "samples": [_document(silences, item) for item in advice],
        "fragment": fragment(silences, advice, wanted),
        "notes": list(notes),
    }


def _sample(silences: Silences, item: Advice) -> list[str]:
    sample = item.sample
    head = (
        f"{title(sample)}: {len(sample.alive)} silences in {len(sample.runs)} runs of {len(sample.sessions)} sessions"
    )
    if silences.floor_s:
        head = f"{title(sample)}: {len(sample.alive)} silences of {len(sample.sessions)} sessions"
    if sample.alive and not silences.floor_s:
        half, most = (format_duration(quantile(sample.alive, share)) for share in (0.5, 0.99))
        head += f", half of them under {half}, 99 % under {most}"
    if sample.alive:
        head += f", longest {_longest(sample)}"
    if sample.unknown:
        head += f"; {len(sample.unknown)} cut off"
    limits = in_force(silences, sample)
    return [head, *_table(item, silences, limits), *_verdict(item, limits)]


def _table(item: Advice, silences: Silences, limits: Limits) -> list[str]:
    marks = {limits.warn_s: "warn_after in force", limits.abort_s: "abort_after in force"}
    for limit_s, word in ((item.warn_s, "warn_after recommended"), (item.abort_s, "abort_after recommended")):
        if limit_s is not None:
            marks[limit_s] = f"{word}, and in force" if limit_s in marks else word
    shown = {c.limit_s: c for c in _telling(item)}
    shown |= {s: cost(item.sample, s, silences) for s in marks if s not in shown and s >= silences.floor_s}
    most = max(c.seen for c in shown.values())
    rows = [
        (
            format_duration(s),
            str(c.seen),
            _number(c.per_week),
            _number(c.upper_per_week),
            str(c.unknown),
            _bar(c.seen, most),
        )
        for s, c in sorted(shown.items())
    ]
    names = ("limit", "longer", "a week", "at most", "unknown")
    widths = [max(len(names[column]), *(len(row[column]) for row in rows)) for column in range(len(names))]
    out = ["  " + "  ".join(name.rjust(width) for name, width in zip(names, widths, strict=True))]
    for (limit_s, _cost), row in zip(sorted(shown.items()), rows, strict=True):
        cells = "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False))
        mark = f"< {marks[limit_s]}" if limit_s in marks else ""
        out.append(f"  {cells}  {row[-1]}{' ' if row[-1] and mark else ''}{mark}".rstrip())
    return out


def _telling(item: Advice) -> list[Cost]:
    """Return the candidates that say something: from where most silences have ended to a little beyond the last."""
    most_s = quantile(item.sample.alive, 0.9) if item.sample.alive else 0.0
    begin_s = max((c.limit_s for c in item.costs if c.limit_s <= most_s), default=0.0)
    chosen: list[Cost] = []
    zeros = 0
    for candidate in item.costs:
        if candidate.limit_s < begin_s or zeros > _AFTER_ZERO:
            continue
        zeros += not candidate.seen
        chosen.append(candidate)
    return chosen


def _bar(count: int, most: int) -> str:
    """Return a bar whose length grows with the logarithm of the count: one silence is still seen beside thousands."""
    return "#" * round(_BAR * log10(1 + count) / log10(1 + most)) if most else ""


def _verdict(item: Advice, limits: Limits) -> list[str]:
    if item.warn_s is None or item.abort_s is None:
        short = "too short" in item.refusal
        return [f"  no recommendation: {'too short a recording, see below' if short else item.refusal}"]
    was = f"in force: {format_duration(limits.warn_s)} and {format_duration(limits.abort_s)}"
    note = f"; {item.note}" if item.note else ""
    warn, abort = format_duration(item.warn_s), format_duration(item.abort_s)
    return [f"  recommended: warn_after {warn}, abort_after {abort} ({was}){note}"]


def _document(silences: Silences, item: Advice) -> dict[str, Any]:
    sample, limits = item.sample, in_force(silences, item.sample)
    shares = (0.5, 0.9, 0.99, 0.999)
    return {
        "activity": sample.kind.value,
        "name": sample.name,
        "silences": len(sample.alive),
        "cut_off": len(sample.unknown),
        "sessions": len(sample.sessions),
        "runs": len(sample.runs),
        "quantiles_s": {str(s): round(quantile(sample.alive, s), 3) for s in shares} if sample.alive else {},
        "longest_s": round(max(sample.alive), 3) if sample.alive else None,
        "in_force": {"warn_after_s": limits.warn_s, "abort_after_s": limits.abort_s},
        "recommended": None
        if item.abort_s is None
        else {"warn_after_s": item.warn_s, "abort_after_s": item.abort_s, "note": item.note},
        "refusal": item.refusal,
        "candidates": [
            {
                "limit_s": c.limit_s,
                "longer": c.seen,
                "per_week": _finite(c.per_week),
                "at_most_per_week": _finite(c.upper_per_week),
                "unknown": c.unknown,
            }
            for c in item.costs
        ],
    }


def _exactly(name: str) -> str:
    """Return the glob that matches a name and nothing else."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _longest(sample: Sample) -> str:
    return format_duration(max(sample.alive)) if sample.alive else "none"


def _finite(value: float) -> float | None:
    return round(value, 4) if isfinite(value) else None


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"  # noqa: PLR2004 -- beyond, no digit after the point helps


def _moment(wall_s: float) -> str:
    return f"{datetime.fromtimestamp(wall_s, UTC):%Y-%m-%d %H:%M}"


def neat(seconds: float) -> str:
    """Return a duration as a person would write it into a file."""
    return format_duration(seconds).replace("m00s", "m").replace("h00m", "h")
