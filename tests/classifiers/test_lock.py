"""Locks are reclaimed on proof only; each case names the report that it comes from."""

import dataclasses

import pytest

from livewatch_classifiers import BlindTime
from livewatch_classifiers.lock import Lock, LockCondition, LockVerdict, Process, Processes, classify_lock
from livewatch_classifiers.vocabulary import EvidenceClass, Presence

NOW_S = 10_000.0
OURS, THEIRS = "pid:[4026531836]", "pid:[4026532999]"


def judge(process: Process | None = None, *, around: dict[str, object] | None = None, **facts: object) -> LockVerdict:
    lock = Lock(
        "/state/s1.jsonl.lock",
        seen_s=NOW_S - 60,
        payload=Presence.PRESENT,
        pid=64,
        start_time="boot:100",
        pid_namespace=OURS,
        acquired_s=NOW_S - 60,
    )
    processes = Processes(NOW_S, {} if process is None else {64: process}, pid_namespace=OURS)
    return classify_lock(
        dataclasses.replace(lock, **facts),  # type: ignore[arg-type]  # test shorthand
        dataclasses.replace(processes, **(around or {})),  # type: ignore[arg-type]  # test shorthand
    )


OWNER = Process(Presence.PRESENT, "boot:100")
STRANGER = Process(Presence.PRESENT, "boot:777")
DEAD = Process(Presence.ABSENT)


def test_a_lock_of_a_live_owner_is_held() -> None:
    verdict = judge(OWNER)
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.HELD, False)


def test_a_dead_owner_in_our_own_namespace_is_proof() -> None:
    verdict = judge(DEAD)
    assert verdict.condition is LockCondition.OWNER_DEAD
    assert verdict.evidence_class is EvidenceClass.CERTAIN
    assert verdict.reclaimable


@pytest.mark.invariant(21)
def test_a_pid_that_belongs_to_another_process_now_is_recycled_openclaw_5006() -> None:
    verdict = judge(STRANGER)
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.PID_RECYCLED, True)
    assert ("lock_start_time", "boot:100") in verdict.evidence
    assert ("process_start_time", "boot:777") in verdict.evidence


def test_a_lock_of_the_container_before_this_one_is_proved_once_its_namespace_is_gone_openclaw_5006() -> None:
    gone: dict[str, object] = {"live_namespaces": frozenset({OURS})}
    verdict = judge(STRANGER, pid_namespace=THEIRS, around=gone)
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.OWNER_DEAD, True)


def test_a_live_owner_whose_registry_knows_no_holder_forgot_its_lock_openclaw_128032() -> None:
    verdict = judge(OWNER, holder=Presence.ABSENT)
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.HOLDER_UNKNOWN, True)
    assert judge(OWNER, holder=Presence.UNKNOWN).condition is LockCondition.HELD
    assert judge(OWNER, holder=Presence.PRESENT).condition is LockCondition.HELD


def test_a_lock_younger_than_its_registration_is_not_called_forgotten() -> None:
    assert judge(OWNER, holder=Presence.ABSENT, seen_s=NOW_S - 5).condition is LockCondition.HELD


@pytest.mark.invariant(21)
@pytest.mark.parametrize("process", [None, DEAD, STRANGER, OWNER])
def test_a_pid_of_another_namespace_proves_nothing_openclaw_126524(process: Process | None) -> None:
    verdict = judge(process, pid_namespace=THEIRS, holder=Presence.ABSENT)
    assert (verdict.condition, verdict.reclaimable) == (LockCondition.UNVERIFIABLE, False)
    alive: dict[str, object] = {"live_namespaces": frozenset({OURS, THEIRS})}
    assert not judge(process, pid_namespace=THEIRS, around=alive).reclaimable


@pytest.mark.parametrize("process", [DEAD, STRANGER])
def test_without_a_namespace_a_dead_pid_is_told_but_is_no_proof_openclaw_126524(process: Process) -> None:
    assert not judge(process, pid_namespace=None).reclaimable
    assert not judge(process, around={"pid_namespace": None}).reclaimable
    assert judge(process, pid_namespace=None, around={"one_namespace": True}).reclaimable


@pytest.mark.parametrize(("held_s", "condition"), [(300, LockCondition.HELD), (301, LockCondition.HELD_TOO_LONG)])
def test_a_lock_held_too_long_is_told_and_left_alone(held_s: float, condition: LockCondition) -> None:
    verdict = judge(OWNER, acquired_s=NOW_S - held_s)
    assert (verdict.condition, verdict.reclaimable) == (condition, False)


def test_the_time_in_which_nobody_could_run_does_not_count_as_holding() -> None:
    frozen: dict[str, object] = {"blind": BlindTime.of([(NOW_S - 900, NOW_S - 100)])}
    assert judge(OWNER, acquired_s=NOW_S - 1_000, around=frozen).condition is LockCondition.HELD


@pytest.mark.parametrize(("age_s", "condition"), [(5, LockCondition.HELD), (5.1, LockCondition.PAYLOAD_MISSING)])
def test_an_empty_lock_is_young_first_and_then_a_suspicion_but_no_proof(age_s: float, condition: LockCondition) -> None:
    verdict = judge(None, payload=Presence.ABSENT, pid=None, seen_s=NOW_S - age_s)
    assert (verdict.condition, verdict.reclaimable) == (condition, False)


def test_what_cannot_be_read_or_was_not_looked_up_is_never_reclaimed() -> None:
    assert judge(DEAD, payload=Presence.UNKNOWN).condition is LockCondition.UNVERIFIABLE
    assert judge(None).condition is LockCondition.UNVERIFIABLE
    assert judge(Process(Presence.UNKNOWN)).condition is LockCondition.UNVERIFIABLE


def test_a_start_time_that_one_side_does_not_tell_is_no_difference() -> None:
    assert judge(Process(Presence.PRESENT)).condition is LockCondition.HELD
    assert judge(STRANGER, start_time=None).condition is LockCondition.HELD
