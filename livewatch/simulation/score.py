"""How well a rule set did over many scenarios: repairs, false actions, lost messages, and the detector's quality.

Detection time, mistake recurrence and mistake duration as Chen, Toueg and Aguilera defined them (2002): from the death
to the first lasting suspicion; time between two wrong suspicions; how long a wrong suspicion lasts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from livewatch.simulation.messages import MessageState
from livewatch.simulation.record import Record, spans
from livewatch.simulation.runner import Run
from livewatch.simulation.tallies import lost
from livewatch.simulation.truth import Affliction
from livewatch_classifiers.vocabulary import ActionKind, EvidenceClass

_NOTICE_S = 40.0
"""A label that outlives a repair by less than this is no mistake: the next look was not yet due."""


@dataclass(slots=True)
class FaultSheet:
    """The detector's figures for one class of faults."""

    deaths: int = 0
    detected: int = 0
    repaired: int = 0
    told: int = 0
    detection_s: list[float] = field(default_factory=list[float])
    repair_s: list[float] = field(default_factory=list[float])


@dataclass(slots=True)
class MistakeSheet:
    """Wrong labels in the scenarios of one failure kind."""

    session_s: float = 0.0
    mistakes_s: list[float] = field(default_factory=list[float])

    @property
    def recurrence_h(self) -> float | None:
        """Session-hours per mistake, or ``None`` when there was none."""
        return self.session_s / 3600 / len(self.mistakes_s) if self.mistakes_s else None


@dataclass(slots=True)
class Score:
    """One rule set over all scenarios."""

    rules: str
    scenarios: int = 0
    faults: dict[str, FaultSheet] = field(default_factory=dict[str, FaultSheet])
    classes: dict[str, FaultSheet] = field(default_factory=dict[str, FaultSheet])
    false_actions: int = 0
    killed: int = 0
    lost: int = 0
    mistakes: MistakeSheet = field(default_factory=MistakeSheet)
    kinds: dict[str, MistakeSheet] = field(default_factory=dict[str, MistakeSheet])
    """Mistakes by failure kind; a scenario may be of several."""

    @property
    def total(self) -> FaultSheet:
        """All classes together."""
        sheets = list(self.faults.values())
        return FaultSheet(
            sum(s.deaths for s in sheets),
            sum(s.detected for s in sheets),
            sum(s.repaired for s in sheets),
            sum(s.told for s in sheets),
            [t for s in sheets for t in s.detection_s],
            [t for s in sheets for t in s.repair_s],
        )


def score(rules: str, runs: Iterable[Run]) -> Score:
    """Return the score of one rule set; ``runs`` are all under it."""
    result = Score(rules)
    for run in runs:
        record = run.record
        result.scenarios += 1
        result.false_actions += sum(deed.false for deed in record.deeds)
        result.killed += sum(deed.killed for deed in record.deeds if deed.false)
        result.lost += _lost_by_the_watcher(record)
        wrong_s = mistakes(record)
        of_kinds = [result.kinds.setdefault(kind, MistakeSheet()) for kind in run.scenario.kinds]
        for mistaken in (result.mistakes, *of_kinds):
            mistaken.session_s += record.session_s
            mistaken.mistakes_s += wrong_s
        for affliction in record.afflictions:
            for sheet in (
                result.faults.setdefault(affliction.fault.value, FaultSheet()),
                result.classes.setdefault(affliction.evidence.value, FaultSheet()),
            ):
                _add(sheet, affliction)
    return result


def _lost_by_the_watcher(record: Record) -> int:
    """Count lost messages; a process that the script kills loses its own, whoever watches."""
    restarts_s = {deed.at_s for deed in record.deeds if deed.action.kind is ActionKind.RESTART_TARGET}
    return sum(
        lost(message) and (message.state is not MessageState.INTERRUPTED or message.ended_s in restarts_s)
        for message in record.messages
    )


def mistakes(record: Record) -> list[float]:
    """Return the length in seconds of each suspicion of a session that was alive."""
    found: list[float] = []
    for session, marks in record.labels.items():
        mine = [a for a in record.afflictions if a.session == session]
        began_s: float | None = None
        for since_s, until_s, mark in spans(marks, record.duration_s):
            wrong = mark.sick and not any(_covers(a, since_s) for a in mine)
            if wrong and began_s is None:
                began_s = since_s
            if began_s is not None and not (mark.sick and wrong):
                found.append(since_s - began_s)
                began_s = None
            if began_s is not None and until_s >= record.duration_s:
                found.append(until_s - began_s)
    return found


def middle(values: list[float]) -> float | None:
    """Return the median, or ``None`` of nothing."""
    return median(values) if values else None


def worst(values: list[float]) -> float | None:
    """Return the largest, or ``None`` of nothing."""
    return max(values) if values else None


def _covers(affliction: Affliction, at_s: float) -> bool:
    until_s = float("inf") if affliction.until_s is None else affliction.until_s
    return affliction.since_s <= at_s <= until_s + _NOTICE_S


def _add(sheet: FaultSheet, affliction: Affliction) -> None:
    sheet.deaths += 1
    if affliction.detected_s is not None:
        sheet.detected += 1
        sheet.detection_s.append(affliction.detected_s - affliction.since_s)
    if affliction.until_s is not None:
        sheet.repaired += 1
        sheet.repair_s.append(affliction.until_s - affliction.since_s)
    elif affliction.told_s is not None:
        sheet.told += 1


CLASSES = (EvidenceClass.CERTAIN.value, EvidenceClass.SILENCE.value)
