"""The gateway as a whole: limits to enter, lower ones to leave."""

import dataclasses

import pytest

from livewatch_classifiers import Thresholds, Vitals, VitalsVerdict
from livewatch_classifiers.vitals import LEAVE_SHARE, classify_vitals
from livewatch_classifiers.vocabulary import Phase, ProcessState, StallCause, VitalsReason, VitalsState, WaitKind

LIMITS = Thresholds()


def delayed(seconds: float) -> Vitals:
    return Vitals(100.0, loop_heartbeat_s=100.0, loop_delay_max_s=seconds)


def test_a_reason_holds_on_until_its_value_is_well_below_the_limit() -> None:
    limit_s = LIMITS.loop_delay_warn_s
    between_s = limit_s * (1 + LEAVE_SHARE) / 2

    fresh = classify_vitals(delayed(between_s), LIMITS)
    sick = classify_vitals(delayed(limit_s * 1.1), LIMITS)
    still = classify_vitals(delayed(between_s), LIMITS, sick)
    well = classify_vitals(delayed(limit_s * LEAVE_SHARE * 0.9), LIMITS, still)

    assert [v.state for v in (fresh, sick, still, well)] == [
        VitalsState.RESPONSIVE,
        VitalsState.DEGRADED,
        VitalsState.DEGRADED,
        VitalsState.RESPONSIVE,
    ]
    assert still.reasons == (VitalsReason.EVENT_LOOP_DELAY,)


def test_one_reason_does_not_lower_the_limit_of_another() -> None:
    sick = classify_vitals(delayed(LIMITS.loop_delay_warn_s * 2), LIMITS)
    pressed = Vitals(100.0, loop_heartbeat_s=100.0, memory_pressure=LIMITS.memory_pressure_warn * 0.9)

    assert classify_vitals(pressed, LIMITS, sick).state is VitalsState.RESPONSIVE


def test_what_is_not_measured_any_more_does_not_hold_on() -> None:
    sick = classify_vitals(delayed(LIMITS.loop_delay_warn_s * 2), LIMITS)

    assert classify_vitals(Vitals(100.0, loop_heartbeat_s=100.0), LIMITS, sick).state is VitalsState.RESPONSIVE


def test_one_spike_is_no_reason_and_a_lasting_one_is() -> None:
    limit_s = LIMITS.loop_delay_warn_s
    calm = classify_vitals(Vitals(100.0, loop_heartbeat_s=100.0, loop_delay_max_s=0.01), LIMITS)
    states: list[VitalsState] = []
    verdict = calm
    for second in range(4):
        now_s = 101.0 + second
        seen = Vitals(now_s, loop_heartbeat_s=now_s, loop_delay_max_s=limit_s * 2)
        verdict = classify_vitals(seen, LIMITS, verdict)
        states.append(verdict.state)

    assert states == [VitalsState.RESPONSIVE, VitalsState.RESPONSIVE, VitalsState.DEGRADED, VitalsState.DEGRADED]
    assert verdict.over == ((VitalsReason.EVENT_LOOP_DELAY, 101.0),)


def test_what_a_start_or_a_resume_costs_is_not_held_against_the_gateway() -> None:
    def seen(now_s: float, *, ready_s: float | None = None, suspended: bool = False) -> Vitals:
        return Vitals(now_s, ready_s=ready_s, loop_heartbeat_s=now_s, loop_delay_max_s=9.0, suspended=suspended)

    start, resume = LIMITS.vitals_startup_grace_s, LIMITS.vitals_resume_grace_s
    assert classify_vitals(seen(100.0 + start - 1, ready_s=100.0), LIMITS).state is VitalsState.RESPONSIVE
    assert classify_vitals(seen(100.0 + start, ready_s=100.0), LIMITS).state is VitalsState.DEGRADED
    asleep = classify_vitals(seen(100.0, suspended=True), LIMITS)
    awake = classify_vitals(seen(100.0 + resume - 1), LIMITS, asleep)
    later = classify_vitals(seen(100.0 + resume + LIMITS.vitals_hold_s), LIMITS, awake)
    assert [v.state for v in (asleep, awake, later)] == [
        VitalsState.SUSPENDED,
        VitalsState.RESPONSIVE,
        VitalsState.DEGRADED,
    ]


def test_a_blocked_loop_is_a_fact_even_in_a_grace() -> None:
    blocked = Vitals(105.0, ready_s=100.0, loop_heartbeat_s=101.0)

    assert classify_vitals(blocked, LIMITS).state is VitalsState.UNRESPONSIVE


def test_a_gateway_that_never_gets_ready_is_reported_and_stays_starting() -> None:
    """OpenClaw 75224."""

    def starting(uptime_s: float | None) -> Vitals:
        return Vitals(9999.0, phase=Phase.STARTING, loop_heartbeat_s=9999.0, uptime_s=uptime_s)

    limit_s = LIMITS.startup_deadline_s
    assert [classify_vitals(starting(up_s), LIMITS).reasons for up_s in (None, limit_s, limit_s + 1)] == [
        (),
        (),
        (VitalsReason.STARTUP,),
    ]
    assert classify_vitals(starting(limit_s + 1), LIMITS).state is VitalsState.STARTING


@pytest.mark.parametrize("threads_s", [9999.0, 9990.0])
def test_a_gateway_is_starting_until_it_is_ready_whatever_blocks_its_loop(threads_s: float) -> None:
    """A migration of 15 s on the loop was called `unresponsive`, with an error, one second after attaching."""
    blocked = Vitals(9999.0, phase=Phase.STARTING, loop_heartbeat_s=9990.0, thread_heartbeat_s=threads_s, uptime_s=9.0)
    unanswered = Vitals(9999.0, phase=Phase.STARTING, round_trip_overdue_s=LIMITS.round_trip_warn_s + 1)

    for seen in (blocked, unanswered):
        verdict = classify_vitals(seen, LIMITS)
        assert (verdict.state, verdict.reasons) == (VitalsState.STARTING, ())


def test_a_gateway_that_was_frozen_has_the_grace_of_one_that_slept() -> None:
    """OpenClaw under SIGSTOP for 20 s was `degraded` for 3 s within the grace that the page promises."""

    def seen(now_s: float, process: ProcessState = ProcessState.SLEEPING) -> Vitals:
        return Vitals(now_s, process=process, loop_heartbeat_s=now_s, loop_delay_max_s=9.0)

    resume_s = LIMITS.vitals_resume_grace_s
    stopped = classify_vitals(seen(100.0, ProcessState.STOPPED), LIMITS)
    within = classify_vitals(seen(100.0 + resume_s - 1), LIMITS, stopped)
    after = classify_vitals(seen(100.0 + resume_s + LIMITS.vitals_hold_s), LIMITS, within)

    assert [v.state for v in (stopped, within, after)] == [
        VitalsState.FROZEN,
        VitalsState.RESPONSIVE,
        VitalsState.DEGRADED,
    ]


def test_an_unanswered_request_decides_only_where_the_loop_itself_cannot_be_seen() -> None:
    over_s = LIMITS.round_trip_warn_s + 1
    turning = classify_vitals(Vitals(100.0, loop_heartbeat_s=100.0, round_trip_overdue_s=over_s), LIMITS)
    unseen = classify_vitals(Vitals(100.0, round_trip_overdue_s=over_s), LIMITS)
    soon = classify_vitals(Vitals(100.0, round_trip_overdue_s=1.0), LIMITS)

    assert (turning.state, turning.reasons) == (VitalsState.DEGRADED, (VitalsReason.ROUND_TRIP,))
    assert (unseen.state, unseen.reasons) == (VitalsState.UNRESPONSIVE, (VitalsReason.ROUND_TRIP,))
    assert soon.state is VitalsState.RESPONSIVE


def test_a_collection_that_holds_everything_up_is_not_taken_for_a_frozen_process() -> None:
    collecting = Vitals(
        100.0,
        process=ProcessState.RUNNING,
        loop_heartbeat_s=90.0,
        thread_heartbeat_s=90.0,
        cpu_cores=1.0,
        cause=StallCause.GARBAGE_COLLECTION,
    )
    verdict = classify_vitals(collecting, LIMITS)

    assert (verdict.state, verdict.cause) == (VitalsState.UNRESPONSIVE, StallCause.GARBAGE_COLLECTION)


@pytest.mark.parametrize("blocked_s", [2.0, 15.0, 400.0])
def test_a_start_that_blocks_its_loop_is_a_start_openclaw_76365(blocked_s: float) -> None:
    def starting(phase: Phase) -> VitalsVerdict:
        beat_s = 9999.0 - blocked_s
        return classify_vitals(Vitals(9999.0, phase=phase, loop_heartbeat_s=beat_s, thread_heartbeat_s=9999.0), LIMITS)

    assert starting(Phase.STARTING).state is VitalsState.STARTING
    assert starting(Phase.READY).state is VitalsState.UNRESPONSIVE


def standing(process: ProcessState, for_s: float, **facts: object) -> VitalsVerdict:
    """A gateway in which neither the loop nor the probe's own thread has turned for so long."""
    base = Vitals(1000.0, process=process, loop_heartbeat_s=1000.0 - for_s, thread_heartbeat_s=1000.0 - for_s,
                  cause=StallCause.STOPPED, cpu_cores=0.0)  # fmt: skip
    return classify_vitals(dataclasses.replace(base, **facts), LIMITS)  # type: ignore[arg-type]  # test shorthand


def test_a_process_in_which_nothing_turns_though_nobody_stopped_it_hangs_by_itself_after_a_bound() -> None:
    """Two locks in a circle while the interpreter's lock is held: state S, no CPU, for ever."""
    hung = standing(ProcessState.SLEEPING, LIMITS.hang_after_s + 1)

    assert (hung.state, hung.cause) == (VitalsState.UNRESPONSIVE, StallCause.GIL)
    assert standing(ProcessState.SLEEPING, LIMITS.hang_after_s - 1).state is VitalsState.FROZEN


@pytest.mark.parametrize(
    ("process", "facts"),
    [
        (ProcessState.STOPPED, {}),
        (ProcessState.UNKNOWN, {}),
        (ProcessState.SLEEPING, {"cause": StallCause.HOST}),
        (ProcessState.SLEEPING, {"thread_heartbeat_s": 999.9}),
    ],
)
def test_what_somebody_stopped_or_the_host_keeps_from_running_does_not_hang_by_itself(
    process: ProcessState, facts: dict[str, object]
) -> None:
    assert standing(process, 3600.0, **facts).cause is not StallCause.GIL


def draining(now_s: float, before: VitalsVerdict | None, phase: Phase = Phase.DRAINING) -> VitalsVerdict:
    return classify_vitals(Vitals(now_s, phase=phase, ready_s=1.0, loop_heartbeat_s=now_s), LIMITS, before)


def test_a_drain_past_its_bound_says_so_and_a_younger_one_is_no_trouble() -> None:
    bound_s = LIMITS.wait_bounds_s[WaitKind.DRAIN]
    first = draining(1000.0, draining(990.0, None, Phase.READY))
    within = draining(1000.0 + bound_s, first)
    past = draining(1000.1 + bound_s, within)

    assert (first.reasons, within.reasons) == ((), ())
    assert (past.state, past.reasons) == (VitalsState.DRAINING, (VitalsReason.DRAIN,))
    assert draining(2000.0, past, Phase.READY).draining_since_s is None
