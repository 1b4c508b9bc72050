"""One look, judged: the labels of gateway, sessions and lanes. Pure; agent, shadow and replay judge by it alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from livewatch_classifiers.lane import LaneVerdict, circular_waits, classify_lanes
from livewatch_classifiers.model import Snapshot
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vitals import classify_vitals


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that the classifiers say about one snapshot."""

    vitals: VitalsVerdict
    verdicts: Mapping[str, Verdict]
    lanes: Mapping[str, LaneVerdict]


def judge_snapshot(snapshot: Snapshot, thresholds: Thresholds, before: VitalsVerdict | None) -> Judgement:
    """Return the labels of one look; ``before`` is the gateway's label at the look before, for hysteresis."""
    vitals = classify_vitals(snapshot.vitals, thresholds, before)
    verdicts = {
        key: classify_session(session, snapshot.vitals, thresholds) for key, session in snapshot.sessions.items()
    }
    lanes = classify_lanes(snapshot, verdicts, thresholds)
    return Judgement(vitals, verdicts | circular_waits(lanes, snapshot, verdicts, thresholds), lanes)
