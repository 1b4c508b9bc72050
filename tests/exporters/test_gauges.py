"""What gauges say of sessions, most of which rest and are looked at no further than that."""

from livewatch_classifiers.model import Session, Snapshot, Vitals
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.verdict import VitalsVerdict
from livewatch_classifiers.vocabulary import LaneKind, SessionState, VitalsState
from livewatch_exporters import catalogue as c
from livewatch_exporters.gauges import LastLook, points
from livewatch_exporters.metric_spec import MetricSpec

NOW_S = 1000.0
SESSIONS = (
    Session("a", state=SessionState.IDLE, lane_kind=LaneKind.MAIN, queued=0, progress_s=1.0),
    Session("b", state=SessionState.IDLE, lane_kind=LaneKind.CRON, queued=None, progress_s=2.0),
    Session("c", state=SessionState.IDLE, lane_kind=LaneKind.MAIN, queued=0),
    Session("d", state=SessionState.PROCESSING, state_since_s=990.0, lane_kind=LaneKind.SUBAGENT, queued=0),
    Session("e", state=SessionState.WAITING, state_since_s=980.0, progress_s=995.0, queued=2, oldest_queued_s=970.0),
)


def test_sessions_that_rest_are_counted_and_their_empty_queues_shown() -> None:
    snapshot = Snapshot(Vitals(NOW_S), {session.key: session for session in SESSIONS})
    verdicts = {session.key: classify_session(session, snapshot.vitals, Thresholds()) for session in SESSIONS}
    well = VitalsVerdict(VitalsState.RESPONSIVE)
    found = points(
        LastLook(TickReport("t", NOW_S, NOW_S, snapshot, "", well, None, verdicts=verdicts), {}), Thresholds()
    )

    def told(spec: MetricSpec) -> dict[tuple[str, ...], float]:
        return {tuple(labels.values())[1:]: value for value, labels in found[spec] if value or spec is c.QUEUE_SIZE}

    assert told(c.SESSION_ACTIVE) == {("idle", "none"): 3, ("processing", "none"): 1, ("waiting", "none"): 1}
    assert told(c.SESSION_PROGRESS_AGE) == {("none",): 10.0}  # of those at work; a rest may last
    assert told(c.QUEUE_SIZE) == {("main",): 0, ("subagent",): 0, ("session",): 2}
    assert told(c.QUEUE_OLDEST_AGE) == {("session",): 30.0}
