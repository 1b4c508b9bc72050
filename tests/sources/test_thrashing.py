"""A host that swaps is the sick one; what it cost is taken off every age."""

import pytest

from livewatch.sources.board_vitals import BoardVitals
from livewatch.sources.host_reading import HostReading
from livewatch.sources.thrashing import thrashing
from livewatch.testing import FakeClock
from livewatch_classifiers import Vitals
from livewatch_classifiers.vocabulary import StallCause

THRASHES = HostReading(1, major_faults_per_s=11168.0, swap_used=0.74)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"major_faults_per_s": 11168.0, "swap_used": 0.74}, True),
        ({"major_faults_per_s": 11168.0, "memory_pressure": 0.5}, True),
        ({"major_faults_per_s": 11168.0}, False),
        ({"major_faults_per_s": 100.0, "swap_used": 0.9, "memory_pressure": 0.9}, False),
        ({"swap_used": 0.9, "memory_pressure": 0.9}, False),
        ({}, False),
    ],
)
def test_a_host_thrashes_when_faults_and_a_second_witness_say_so(facts: dict[str, float], *, expected: bool) -> None:
    """OpenClaw 107415: 11,168 major faults a second, 74 % of the swap in use."""
    assert thrashing(HostReading(1, **facts)) is expected  # type: ignore[arg-type]  # test shorthand


def test_time_in_which_the_host_thrashed_ages_nobody() -> None:
    watched = BoardVitals(FakeClock())

    def look(now_s: float, *, sick: bool) -> Vitals:
        return watched.with_host(Vitals(now_s), THRASHES if sick else HostReading(1), 0.0)

    look(100.0, sick=True)
    assert look(101.0, sick=False).age(90.0) == 11.0
    during = look(141.0, sick=True)
    after = look(151.0, sick=False)

    assert (during.age(90.0), during.cause) == (11.0, StallCause.HOST)
    assert look(152.0, sick=True).age(90.0) == 21.0
    assert after.cause is StallCause.UNKNOWN
