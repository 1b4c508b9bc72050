"""Goes through a recording under a candidate's settings and sets both sides beside each other."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field

from livewatch.configuration.candidate import Candidate
from livewatch.recordings.entry import Entry
from livewatch.recovery.rehearsal import Rehearsal, Rehearsed
from livewatch.recovery.settings import Policy
from livewatch.replay.actions import ActionRow, Actions
from livewatch.replay.labels import Stretch, Stretches
from livewatch_classifiers.decision import Hold
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict

GATEWAY_STATE = "the gateway"


@dataclass(slots=True)
class Replayed:
    """Both sides of one recording."""

    target: str = ""
    rounds: int = 0
    missing: int = 0
    """Rounds that the recording says are not in it."""
    sessions: set[str] = field(default_factory=set[str])
    since_s: float = 0.0
    """Unix time of the first round; likewise ``until_s``."""
    until_s: float = 0.0
    sparse: bool = False
    recorded_settings: tuple[Thresholds, Policy] | None = None
    """Those of the last round; likewise ``replayed_settings``."""
    replayed_settings: tuple[Thresholds, Policy] | None = None
    actions: list[ActionRow] = field(default_factory=list[ActionRow])
    labels: list[Stretch] = field(default_factory=list[Stretch])
    holds: list[Stretch] = field(default_factory=list[Stretch])
    states: list[Stretch] = field(default_factory=list[Stretch])

    @property
    def same(self) -> bool:
        """Whether both sides said and did the same throughout."""
        return not (self.labels or self.holds or self.states) and all(
            row.both and not row.earlier_s for row in self.actions
        )


def replay(entries: Iterable[Entry], candidate: Candidate) -> Replayed:
    """Return both sides of a recording.

    Raises:
        ConfigError: when the candidate does not fit the recorded settings.
        RecordingError: when the recording cannot be read.
    """
    told = Replayed()
    rehearsal = Rehearsal(Thresholds(), Policy())
    actions, labels, holds, states = Actions(), Stretches(), Stretches(), Stretches()
    for entry in entries:
        if told.recorded_settings != (entry.thresholds, entry.policy):
            told.recorded_settings = (entry.thresholds, entry.policy)
            told.replayed_settings = candidate.over(entry.thresholds, entry.policy)
            rehearsal.thresholds, rehearsal.policy = told.replayed_settings
            if entry.sparse:  # samples are counted in rounds, and these looks are none
                rehearsal.policy = dataclasses.replace(rehearsal.policy, confirm_certain=1, confirm_silence=1)
        if entry.memory_before is not None and (not told.rounds or entry.missing):
            rehearsal.resume(entry.memory_before, entry.vitals_before)
        _count(told, entry)
        rehearsed = rehearsal.step(entry.round)
        wall_s = entry.round.wall_s
        actions.add(entry, rehearsed)
        if entry.said.state is not None:
            states.add(wall_s, {GATEWAY_STATE: entry.said.state.value}, {GATEWAY_STATE: rehearsed.vitals.state.value})
            holds.add(wall_s, entry.said.holds, held(rehearsed))
        if entry.said.labels or not entry.sparse:
            labels.add(wall_s, entry.said.labels, labelled(rehearsed))
    actions.finish()
    told.actions = actions.rows
    told.labels, told.holds, told.states = (words.finish(told.until_s) for words in (labels, holds, states))
    return told


def labelled(rehearsed: Rehearsed) -> dict[str, str]:
    """Return the label of each session in words."""
    return {key: words(verdict) for key, verdict in rehearsed.verdicts.items()}


def words(verdict: Verdict) -> str:
    """Return a label in words."""
    return f"{verdict.attention.value}/{verdict.reason.value}"


def held(rehearsed: Rehearsed) -> dict[str, str]:
    """Return what is held by which gate, in words."""
    return {d.session: f"{d.kind.value}/{d.gate.value}" for d in rehearsed.decisions if isinstance(d, Hold)}


def _count(told: Replayed, entry: Entry) -> None:
    if not told.rounds:
        told.since_s = entry.round.wall_s
    told.target = entry.target
    told.rounds += 1
    told.missing += entry.missing
    told.until_s = entry.round.wall_s
    told.sparse = told.sparse or entry.sparse
    if entry.round.snapshot is not None:
        told.sessions.update(entry.round.snapshot.sessions)
