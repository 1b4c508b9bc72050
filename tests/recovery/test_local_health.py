"""An agent that is slow doubts itself first."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from livewatch.recovery.local_health import PENALTY_MAX, LocalHealth
from livewatch_classifiers.vocabulary import Gate
from tests.recovery.clinic import POLICY, clinic, hung, the_act, the_gate, zombie
from tests.test_agent import Stage

WELL = {"lateness_s": 0.0, "tick_duration_s": 0.01, "interval_s": 1.0, "io_trouble": False}


def test_a_late_tick_a_long_tick_and_a_slow_disk_are_bad_signs() -> None:
    for sign in ({"lateness_s": 6.0}, {"tick_duration_s": 1.5}, {"io_trouble": True}):
        assert LocalHealth().after(**{**WELL, **sign}).penalty == 1  # type: ignore[arg-type]  # test shorthand


def test_lateness_that_is_the_machines_habit_is_no_illness() -> None:
    """OpenClaw 142200: 1.1 to 1.7 s late on every tick, for ever."""
    health = LocalHealth()
    for lateness_s in (1.12, 1.681) * 16:
        health = health.after(**{**WELL, "lateness_s": lateness_s})  # type: ignore[arg-type]  # test shorthand

    assert health.penalty == 0


def test_it_heals_slower_than_it_falls_ill() -> None:
    health = LocalHealth().after(**{**WELL, "io_trouble": True})  # type: ignore[arg-type]  # test shorthand
    penalties: list[int] = []
    for _ in range(3):
        health = health.after(**WELL)  # type: ignore[arg-type]  # test shorthand
        penalties.append(health.penalty)

    assert penalties == [1, 1, 0]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.booleans()), max_size=50))
def test_patience_is_bounded_whatever_happens(ticks: list[tuple[float, float, bool]]) -> None:
    health = LocalHealth()
    for lateness_s, took_s, trouble in ticks:
        health = health.after(lateness_s=lateness_s, tick_duration_s=took_s, interval_s=1.0, io_trouble=trouble)
        assert 0 <= health.penalty <= PENALTY_MAX


def test_an_unwell_agent_is_more_patient_with_silence_and_not_with_proof() -> None:
    patient = clinic(hung("silent"), zombie("proved"), penalty=2)
    for _ in range(POLICY.confirm_silence):
        decisions = patient.tick()

    assert {d.action.session for d in decisions if hasattr(d, "action")} <= {"proved"}
    alone = clinic(hung(), penalty=2)
    assert the_gate(alone.until_confirmed()) is Gate.CONFIRMED
    for _ in range(POLICY.confirm_silence * 3 - POLICY.confirm_silence - 1):
        alone.tick()
    the_act(alone.tick())


async def test_the_agent_says_how_it_feels_and_recovers() -> None:
    stage = Stage()
    stage.agent.controls = replace(stage.agent.controls, io_trouble=lambda: True)
    ill = await stage.tick()
    stage.agent.controls = replace(stage.agent.controls, io_trouble=lambda: False)
    reports = [await stage.tick() for _ in range(3)]

    assert ill.health_penalty == 1
    assert [report.health_penalty for report in reports] == [1, 1, 0]
