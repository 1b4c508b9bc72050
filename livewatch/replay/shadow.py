"""The shadow: a second policy that is asked in every round what it would say and do. It has nothing to act with."""

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from livewatch.configuration.candidate import Candidate
from livewatch.recordings.entry import Entry, Said
from livewatch.recovery.rehearsal import Rehearsal, Rehearsed
from livewatch.recovery.rounds import Moment
from livewatch.replay.actions import ActionRow, Actions
from livewatch.replay.replay import words
from livewatch_classifiers.decision import GATEWAY, Hold
from livewatch_classifiers.report import Dissent
from livewatch_classifiers.verdict import Verdict
from livewatch_classifiers.vocabulary import SICK, Disagreement

LOG = logging.getLogger("livewatch.shadow")
_KEPT = 100


class Shadow:
    """Compares each round with what the candidate makes of it. A fault of its own switches it off, with one line."""

    def __init__(self, candidate: Candidate) -> None:
        self.problem = ""
        """Why it was switched off; empty while it is asked."""
        self.counts = dict.fromkeys(Disagreement, 0)
        self._candidate = candidate
        self._rehearsal: Rehearsal | None = None
        self._settings: object = None
        self._differing: dict[str, tuple[str, str]] = {}
        self._dissents: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._actions = Actions()

    def use(self, candidate: Candidate) -> None:
        """Ask another candidate from now on; one that was switched off is asked again."""
        self._candidate, self._settings, self.problem = candidate, None, ""

    def compare(self, moment: Moment) -> tuple[Dissent, ...]:
        """Return the disagreements that begin in this round. Never raises, never acts."""
        if self.problem:
            return ()
        try:
            dissents = self._compare(moment)
        except Exception as error:  # noqa: BLE001 -- a guess about another policy must not hurt the one in force
            self.problem = f"{type(error).__name__}: {error}".replace("\n", " ")
            self._rehearsal = None
            LOG.error("shadow: switched off, because it failed (%s); the policy in force is not touched", self.problem)  # noqa: TRY400 -- one line is what people were promised
            return ()
        for dissent in dissents:
            self.counts[dissent.kind] += 1
            self._dissents.append(_document(dissent, moment.round.wall_s))
        return dissents

    def listed(self) -> dict[str, Any]:
        """Return what it disagreed about lately, for `status`."""
        return {
            "policy": self._candidate.source,
            "keys": list(self._candidate.keys),
            "on": not self.problem,
            "problem": self.problem,
            "disagreements": {kind.value: count for kind, count in self.counts.items()},
            "latest": list(self._dissents),
            "actions": [_action(row) for row in self._actions.rows[-_KEPT:] if not row.both],
        }

    def _compare(self, moment: Moment) -> tuple[Dissent, ...]:
        rehearsed = self._prepared(moment).step(moment.round)
        acts = tuple(act.action for act in moment.round.acts)
        entry = Entry(moment.report.target, moment.round, Said(acts=acts), moment.thresholds, moment.policy)
        alone = [row for row in self._actions.add(entry, rehearsed) if not row.both]
        self._actions.forget_old()
        return (*self._words(moment, rehearsed), *(_dissent(row, moment, rehearsed) for row in alone))

    def _prepared(self, moment: Moment) -> Rehearsal:
        settings = (moment.thresholds, moment.policy)
        rehearsal = self._rehearsal
        if rehearsal is None:
            rehearsal = self._rehearsal = Rehearsal(*settings)
            if not moment.round.began:
                rehearsal.resume(moment.memory, moment.report.vitals)
        if self._settings != settings:
            rehearsal.thresholds, rehearsal.policy = self._candidate.over(*settings)
            self._settings = settings
        return rehearsal

    def _words(self, moment: Moment, rehearsed: Rehearsed) -> list[Dissent]:
        """Return the labels about which both begin to disagree, where one of them asks for something."""
        differing: dict[str, tuple[str, str]] = {}
        ours, theirs = moment.report.vitals.state, rehearsed.vitals.state
        if ours is not theirs:
            differing[GATEWAY] = (ours.value, theirs.value)
        for key, verdict in moment.report.verdicts.items():
            other = rehearsed.verdicts.get(key)
            if (
                other is not None
                and verdict.label != other.label
                and not SICK.isdisjoint((*verdict.label, *other.label))
            ):
                differing[key] = (words(verdict), words(other))
        before, self._differing = self._differing, differing
        return [
            Dissent(key, Disagreement.STATE if key == GATEWAY else Disagreement.LABEL, *pair)
            for key, pair in differing.items()
            if before.get(key) != pair
        ]


def _dissent(row: ActionRow, moment: Moment, rehearsed: Rehearsed) -> Dissent:
    session, kind = row.action.session, row.action.kind.value
    if row.recorded_s is None:
        hold = next((d for d in moment.decisions if isinstance(d, Hold) and d.session == session), None)
        label = _label(moment.report.verdicts, session) or moment.report.vitals.state.value
        ours = label if hold is None else f"{hold.kind.value} blocked by {hold.gate.value}: {hold.detail}"
        return Dissent(session, Disagreement.SHADOW_ACTS, ours, kind)
    theirs = row.note or _label(rehearsed.verdicts, session) or rehearsed.vitals.state.value
    return Dissent(session, Disagreement.SHADOW_WAITS, kind, theirs)


def _label(verdicts: Mapping[str, Verdict], session: str) -> str:
    return words(verdicts[session]) if session in verdicts else ""


def _document(dissent: Dissent, wall_s: float) -> dict[str, Any]:
    return {
        "time": wall_s,
        "session": dissent.session,
        "kind": dissent.kind.value,
        "active": dissent.active,
        "shadow": dissent.shadow,
    }


def _action(row: ActionRow) -> dict[str, Any]:
    return {
        "session": row.action.session,
        "action": row.action.kind.value,
        "active": row.recorded_s,
        "shadow": row.replayed_s,
        "would_have_been_wrong": row.false,
        "note": row.note,
    }
