"""A healthy head is never to blame; a circle never ends. Each case names the report that it comes from."""

import pytest

from livewatch_classifiers import Lane, Session, Thresholds, Verdict, Vitals, Wait
from livewatch_classifiers.lane import LaneCondition, LaneVerdict, classify_lane
from livewatch_classifiers.vocabulary import Attention, EvidenceClass, LaneKind, Presence, Reason, WaitKind

NOW_S = 10_000.0


def waits(*, lane: str | None = None, session: str | None = None) -> Wait:
    return Wait(WaitKind.LANE_ADMISSION, NOW_S - 600, lane=lane, session=session)


def judge(
    lane: Lane, *sessions: Session, sick: dict[str, EvidenceClass] | None = None, lanes: tuple[Lane, ...] = ()
) -> LaneVerdict:
    verdicts = {s.key: Verdict(s.key, Attention.LONG_RUNNING, Reason.ACTIVE_WORK, "14") for s in sessions}
    for key, evidence_class in (sick or {}).items():
        verdicts[key] = Verdict(key, Attention.STALLED, Reason.BLOCKED_TOOL_CALL, "9", evidence_class=evidence_class)
    return classify_lane(
        lane,
        {s.key: s for s in sessions},
        verdicts,
        Vitals(NOW_S),
        Thresholds(),
        lanes={other.name: other for other in lanes},
    )


def nested(head: str | None = "a", *, queued: int = 3, waited_s: float | None = 600.0) -> Lane:
    oldest_s = None if waited_s is None else NOW_S - waited_s
    return Lane(
        "nested",
        LaneKind.NESTED,
        active=int(head is not None),
        queued=queued,
        capacity=1,
        head=head,
        oldest_queued_s=oldest_s,
    )


A = Session("a", owner=Presence.PRESENT)
WAITING = tuple(Session(key, wait=waits(lane="nested")) for key in ("d", "b", "c"))


def test_a_narrow_lane_behind_a_healthy_head_is_a_bottleneck_and_says_who_waits_openclaw_67785() -> None:
    verdict = judge(nested(), A, *WAITING)
    assert verdict.condition is LaneCondition.BOTTLENECK
    assert (verdict.head, verdict.waiting, verdict.cycle) == ("a", ("b", "c", "d"), ())
    assert ("oldest_wait_s", 600.0) in verdict.evidence


@pytest.mark.parametrize(("waited_s", "condition"), [(120, LaneCondition.SERVING), (121, LaneCondition.BOTTLENECK)])
def test_a_short_wait_is_no_bottleneck(waited_s: float, condition: LaneCondition) -> None:
    assert judge(nested(waited_s=waited_s), A, *WAITING).condition is condition


def test_two_replies_that_wait_for_each_other_are_a_circle_however_healthy_each_looks_openclaw_93004() -> None:
    fence = Session("fence", owner=Presence.PRESENT, wait=waits(session="registry"))
    registry = Session("registry", owner=Presence.PRESENT, wait=waits(session="fence"))
    verdict = judge(nested("registry", queued=1), fence, registry)
    assert verdict.condition is LaneCondition.CYCLE
    assert verdict.cycle == ("fence", "registry")


def test_a_circle_through_two_lanes_is_seen_from_both() -> None:
    left = Lane("left", LaneKind.MAIN, active=1, queued=1, capacity=1, head="a")
    right = Lane("right", LaneKind.SUBAGENT, active=1, queued=1, capacity=1, head="b")
    a, b = Session("a", wait=waits(lane="right")), Session("b", wait=waits(lane="left"))
    for lane in (left, right):
        verdict = judge(lane, a, b, lanes=(left, right))
        assert (verdict.condition, verdict.cycle) == (LaneCondition.CYCLE, ("a", "b"))


def test_a_lane_behind_a_circle_that_it_is_not_part_of_names_the_circle() -> None:
    a, b = Session("a", wait=waits(session="b")), Session("b", wait=waits(session="a"))
    head = Session("head", wait=waits(session="a"))
    assert judge(nested("head"), head, a, b).cycle == ("a", "b")


def test_a_lane_with_more_slots_is_no_circle_because_another_slot_may_come_free() -> None:
    wide = Lane("wide", LaneKind.MAIN, active=2, queued=1, capacity=2, head="b")
    a, b = Session("a", wait=waits(lane="wide")), Session("b", wait=waits(session="a"))
    assert judge(wide, a, b).condition is not LaneCondition.CYCLE


def test_a_session_that_waits_for_itself_is_a_circle_of_one() -> None:
    assert judge(nested("a"), Session("a", wait=waits(session="a"))).cycle == ("a",)


def test_a_chain_of_waits_that_ends_is_no_circle() -> None:
    a, b, c = Session("a", wait=waits(session="b")), Session("b", wait=waits(session="c")), Session("c")
    verdict = judge(nested(), a, b, c)
    assert (verdict.condition, verdict.cycle) == (LaneCondition.BOTTLENECK, ())


def test_a_head_that_is_gone_for_certain_holds_the_lane_dead_and_a_silent_one_only_sick() -> None:
    assert judge(nested(), A, sick={"a": EvidenceClass.CERTAIN}).condition is LaneCondition.HELD_BY_DEAD
    assert judge(nested(), A, sick={"a": EvidenceClass.SILENCE}).condition is LaneCondition.HELD_BY_SICK
    ownerless = Session("a", owner=Presence.ABSENT)
    assert judge(nested(), ownerless, sick={"a": EvidenceClass.SILENCE}).condition is LaneCondition.HELD_BY_DEAD


def test_a_lane_whose_head_nobody_can_see_is_unknown_and_never_blamed_on_anybody() -> None:
    assert judge(nested(None), *WAITING).condition is LaneCondition.UNKNOWN
    assert judge(nested("nobody"), A).condition is LaneCondition.UNKNOWN


def test_an_empty_lane_is_free_and_a_busy_one_without_a_queue_serves() -> None:
    assert judge(nested(None, queued=0, waited_s=None)).condition is LaneCondition.FREE
    assert judge(nested(queued=0, waited_s=None), A).condition is LaneCondition.SERVING
