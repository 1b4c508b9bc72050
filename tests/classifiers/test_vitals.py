"""The gateway as a whole: limits to enter, lower ones to leave."""

from livewatch_classifiers import Thresholds, Vitals
from livewatch_classifiers.vitals import LEAVE_SHARE, classify_vitals
from livewatch_classifiers.vocabulary import VitalsReason, VitalsState

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
