"""What `livewatch simulate` prints: a line per scenario, the timeline around a failure, a table at the end."""

from typing import Any

from livewatch.durations import format_duration
from livewatch.simulation.record import Record
from livewatch.simulation.runner import Run
from livewatch.simulation.scenario import Failure, Scenario

_BEFORE_S = 180.0
_AFTER_S = 60.0
_LINES = 30


def line(run: Run) -> str:
    """Return the one line about a run."""
    record = run.record
    dead = len(record.afflictions)
    repaired = sum(a.until_s is not None for a in record.afflictions)
    facts = f"{format_duration(record.duration_s)}, {len(record.deeds)} actions, {repaired} of {dead} dead repaired"
    return f"{'ok  ' if run.passed else 'FAIL'}  {run.scenario.name:<44} {facts}"


def failure_lines(run: Run) -> list[str]:
    """Return what failed, each with the timeline around it."""
    out: list[str] = [f"      {run.scenario.title} ({run.scenario.path})"]
    for failure in run.failures:
        out.append(f"      expected: {failure.what}")
        out.append(f"      but:      {failure.why}")
        out.extend(f"        {text}" for text in _around(run, failure))
    return out


def timeline(run: Run, session: str | None = None) -> list[tuple[float, str]]:  # noqa: C901 -- a flat list of cases
    """Return everything that happened, oldest first; of one session and the gateway, or of all."""
    record = run.record
    out: list[tuple[float, str]] = [(entry.at_s, f"script    {entry.text}") for entry in run.scenario.script]
    for key, marks in record.labels.items():
        if session in (None, key):
            out += [(m.at_s, f"label     {key}: {m}{f', rule {m.rule}' if m.rule else ''}") for m in marks]
    out += [(m.at_s, f"gateway   {m.attention}") for m in record.gateway]
    for name, marks in record.lanes.items():
        out += [(m.at_s, f"lane      {name}: {m.attention}") for m in marks]
    for name, marks in record.locks.items():
        out += [(m.at_s, f"lock      {name}: {m.attention}") for m in marks]
    for deed in record.deeds:
        if session in (None, deed.action.session):
            said = f"{deed.reply.status.value} {deed.reply.detail}".strip()
            text = f"{deed.action.session}: {deed.action.kind.value} ({said}); {deed.action.cause}"
            out.append((deed.at_s, f"action    {text}{'  FALSE: it was alive' if deed.false else ''}"))
    for at_s, done in record.completed:
        if session in (None, done.action.session):
            out.append(
                (at_s, f"outcome   {done.action.session}: {done.action.kind.value} {done.outcome.value}: {done.detail}")
            )
    for holding in record.holdings:
        if session in (None, holding.session):
            text = f"{holding.session}: {holding.kind.value} by {holding.gate.value}: {holding.detail}"
            out.append((holding.first_s, f"held      {text} (until {format_duration(holding.last_s)})"))
    for key, told in record.told.items():
        if session in (None, key):
            out += [(at_s, f"told      a person about {key}") for at_s in told]
    out += _truth(record, session)
    return sorted(out, key=lambda item: item[0])


def as_json(run: Run) -> dict[str, Any]:
    """Return the run as a JSON-ready document."""
    record = run.record
    return {
        "scenario": run.scenario.name,
        "path": str(run.scenario.path),
        "title": run.scenario.title,
        "rules": run.rules,
        "passed": run.passed,
        "virtual_s": record.duration_s,
        "ticks": record.ticks,
        "failures": [{"expected": f.what, "but": f.why, "at_s": f.at_s, "session": f.session} for f in run.failures],
        "actions": [
            {
                "at_s": round(d.at_s, 3),
                "session": d.action.session,
                "action": d.action.kind.value,
                "cause": d.action.cause,
                "reply": d.reply.status.value,
                "false": d.false,
            }
            for d in record.deeds
        ],
        "dead": [
            {
                "session": a.session,
                "fault": a.fault.value,
                "evidence": a.evidence.value,
                "since_s": round(a.since_s, 3),
                "detected_s": a.detected_s,
                "told_s": a.told_s,
                "until_s": a.until_s,
                "ended_by": a.ended_by,
            }
            for a in record.afflictions
        ],
    }


def summary(runs: list[Run]) -> list[str]:
    """Return the table at the end."""
    failed = [run for run in runs if not run.passed]
    dead = [a for run in runs for a in run.record.afflictions]
    deeds = [d for run in runs for d in run.record.deeds]
    hours = sum(run.record.duration_s for run in runs) / 3600
    rows = [
        ("scenarios", f"{len(runs)}, {len(failed)} failed"),
        ("virtual time", f"{hours:.1f} h in {sum(run.record.ticks for run in runs)} ticks"),
        ("really dead", f"{len(dead)}, {sum(a.until_s is not None for a in dead)} repaired"),
        ("actions", f"{len(deeds)}, {sum(d.false for d in deeds)} false"),
    ]
    return [f"{name:<14} {text}" for name, text in rows]


def scenario_kinds(scenarios: list[Scenario]) -> list[str]:
    """Return every failure kind that the scenarios cover."""
    return sorted({kind for scenario in scenarios for kind in scenario.kinds})


def _around(run: Run, failure: Failure) -> list[str]:
    at_s = failure.at_s if failure.at_s is not None else run.record.duration_s
    events = timeline(run, failure.session)
    near = [item for item in events if at_s - _BEFORE_S <= item[0] <= at_s + _AFTER_S]
    shown = near if len(near) >= 4 else [*[i for i in events if i[0] < at_s - _BEFORE_S][-8:], *near]  # noqa: PLR2004 -- too few to understand
    return [f"{format_duration(moment_s):>8}  {text}" for moment_s, text in shown[-_LINES:]]


def _truth(record: Record, session: str | None) -> list[tuple[float, str]]:
    out: list[tuple[float, str]] = []
    for affliction in record.afflictions:
        if session not in (None, affliction.session):
            continue
        out.append((affliction.since_s, f"truth     {affliction.session} is dead: {affliction.fault.value}"))
        if affliction.until_s is not None:
            out.append((affliction.until_s, f"truth     {affliction.session} can live again ({affliction.ended_by})"))
    return out
