"""Which actions of two policies are the same one, and what the recording says of those that were never taken."""

from dataclasses import replace
from typing import Any

import pytest

from livewatch.recordings.entry import Entry, Said
from livewatch.recovery.rehearsal import Rehearsed
from livewatch.recovery.rounds import Round
from livewatch.recovery.settings import Policy
from livewatch.replay.actions import ActionRow, Actions
from livewatch_classifiers import GatewayIdentity, Run, Session, Snapshot, Thresholds, Vitals
from livewatch_classifiers.decision import GATEWAY, Act, Action
from livewatch_classifiers.verdict import Verdict, VitalsVerdict
from livewatch_classifiers.vocabulary import ActionKind, Attention, Presence, Reason, SessionState, VitalsState

STALLED = Verdict("s", Attention.STALLED, Reason.ACTIVE_WORK_WITHOUT_PROGRESS, "13")
ABORT = Action(ActionKind.ABORT_RUN, "s", "k", "", STALLED.reason, generation=1, run_id="r1", progress_s=5.0)
RELEASE = replace(ABORT, kind=ActionKind.RELEASE_LANE, run_id=None)
RESTART = Action(ActionKind.RESTART_TARGET, GATEWAY, "k", "", Reason.TARGET_UNRESPONSIVE)
BUSY = Session("s", generation=1, state=SessionState.PROCESSING, owner=Presence.PRESENT, run=Run("r1"), progress_s=5.0)
QUIET = replace(BUSY, owner=Presence.ABSENT, run=None, state=SessionState.IDLE)


def one_round(
    actions: Actions,
    wall_s: float,
    *,
    recorded: Action | None = None,
    replayed: Action | None = None,
    session: Session | None = BUSY,
    **facts: Any,
) -> None:
    sessions = {} if session is None else {"s": session}
    snapshot = Snapshot(Vitals(wall_s), sessions, identity=GatewayIdentity(facts.get("pid", 1), "a"))
    said = Said(state=facts.get("state"), acts=() if recorded is None else (recorded,))
    entry = Entry("gw", Round(wall_s, wall_s, snapshot), said, Thresholds(), Policy())
    decisions = () if replayed is None else (Act(replayed, STALLED),)
    actions.add(entry, Rehearsed(VitalsVerdict(VitalsState.RESPONSIVE), {"s": STALLED}, decisions))


def after(replayed: Action, **seen: Any) -> ActionRow:
    actions = Actions()
    one_round(actions, 10.0, replayed=replayed, session=seen.pop("session_before", BUSY))
    one_round(actions, 15.0, **seen)
    actions.finish()
    return actions.rows[0]


@pytest.mark.parametrize(
    ("action", "seen", "note", "false"),
    [
        (ABORT, {}, "silent until the recording ends", False),
        (ABORT, {"session": replace(BUSY, progress_s=14.0)}, "the session went on by itself after 5s", True),
        (ABORT, {"session": QUIET}, "the run ended by itself after 5s", True),
        (ABORT, {"session": replace(BUSY, run=Run("r2"))}, "the run ended by itself after 5s", True),
        (ABORT, {"session": None}, "the session was gone after 5s", False),
        (ABORT, {"pid": 2, "session": QUIET}, "the gateway was restarted after 5s", False),
        (ABORT, {"recorded": RELEASE}, "release_lane came instead after 5s", False),
        (RELEASE, {"session_before": QUIET}, "a run began by itself after 5s", True),
        (RELEASE, {"session_before": QUIET, "session": QUIET}, "silent until the recording ends", False),
        (RESTART, {"state": VitalsState.UNRESPONSIVE}, "silent until the recording ends", False),
        (RESTART, {"state": VitalsState.RESPONSIVE}, "the gateway came back by itself after 5s", True),
    ],
)
def test_what_became_of_an_action_that_was_never_taken(
    action: Action, seen: dict[str, Any], note: str, *, false: bool
) -> None:
    row = after(action, **seen)
    assert (row.note, row.false) == (note, false)


def test_a_run_that_the_gateway_itself_asked_to_end_was_no_mistake() -> None:
    actions = Actions()
    one_round(actions, 10.0, replayed=ABORT)
    one_round(actions, 11.0, session=replace(BUSY, run=Run("r1", abort_requested_s=11.0)))
    one_round(actions, 12.0, session=QUIET)
    assert [(row.note, row.false) for row in actions.rows] == [("the gateway ended the run itself after 2s", False)]


def test_the_same_run_after_new_content_is_another_silence() -> None:
    actions = Actions()
    one_round(actions, 10.0, replayed=ABORT)
    one_round(actions, 15.0, session=replace(BUSY, progress_s=14.0))
    one_round(actions, 90.0, recorded=replace(ABORT, progress_s=14.0), session=replace(BUSY, progress_s=14.0))
    assert [(row.recorded_s, row.replayed_s, row.false) for row in actions.rows] == [
        (None, 10.0, True),
        (90.0, None, False),
    ]
    earlier = Actions()
    one_round(earlier, 10.0, replayed=ABORT)
    one_round(earlier, 90.0, recorded=ABORT)
    assert [row.earlier_s for row in earlier.rows] == [80.0]
