"""Clocks and host, well and sick; only impossible times are faked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from livewatch.clock import SystemClock
from livewatch.doctor import clock_checks, host_checks
from livewatch.doctor.finding import Health
from livewatch.recovery.journal import Journal
from tests.doctor.conftest import MakeBoard, MakeCase
from tests.recovery.journal.facts import an_act
from tests.sources.board_on_disk import Clock


class WallClock(SystemClock):
    def __init__(self, wall_s: float) -> None:
        self._wall_s = wall_s

    def wall_s(self) -> float:
        return self._wall_s


@pytest.mark.parametrize(
    ("asleep_s", "health", "said"),
    [(0.0, Health.OK, "no suspend"), (3600.0, Health.OK, "slept 1h00m"), (-5.0, Health.FAILURE, "behind")],
)
def test_boot_time_is_never_behind_monotonic_time(
    make_case: MakeCase, asleep_s: float, health: Health, said: str
) -> None:
    clock = Clock()
    clock.asleep_s = asleep_s
    found = clock_checks.boot_time(make_case(clock=clock))
    assert (found.health, said in found.text) == (health, True)


def test_the_machines_own_clocks_agree(make_case: MakeCase) -> None:
    assert clock_checks.boot_time(make_case(clock=SystemClock())).health is Health.OK


@pytest.mark.parametrize(("year", "health"), [(1970, Health.FAILURE), (2027, Health.OK), (2150, Health.FAILURE)])
def test_a_wall_clock_that_cannot_be_right_is_told(make_case: MakeCase, year: int, health: Health) -> None:
    wall_s = datetime(year, 6, 1, tzinfo=UTC).timestamp()
    found = clock_checks.wall_clock(make_case(clock=WallClock(wall_s)))
    assert (found.health, str(year) in found.text) == (health, True)


async def test_a_wall_clock_that_went_back_is_behind_the_journal(make_case: MakeCase, folder: Path) -> None:
    late_s = datetime(2027, 6, 2, tzinfo=UTC).timestamp()
    journal = Journal(folder / "state" / "gateway.journal.sqlite", "gateway", clock=WallClock(late_s))
    journal.start()
    await journal.intent(an_act())
    assert journal.close(10.0)
    assert clock_checks.wall_clock(make_case(clock=WallClock(late_s))).health is Health.OK
    found = clock_checks.wall_clock(make_case(clock=WallClock(late_s - 86_400)))
    assert (found.health, "the clock went back" in found.text) == (Health.WARNING, True)


@pytest.mark.parametrize(
    ("share", "health"),
    [("0.00", Health.OK), ("10.00", Health.OK), ("90.00", Health.WARNING), ("", Health.WARNING), ("x", Health.WARNING)],
)
def test_pressure_is_well_sick_or_cannot_be_read(share: str, health: Health) -> None:
    text = f"some avg10=99.00 avg60=0.00 total=1\nfull avg10={share} avg60=0.00 avg300=0.00 total=1\n"
    judged = host_checks.judge_pressure("memory", text if share else "", 0.2)
    assert (judged.health, bool(judged.fix)) == (health, health is Health.WARNING)
    assert ("psi=1" in judged.fix) is (share in ("", "x"))


@pytest.mark.parametrize(("used", "health"), [(None, Health.OK), (0.1, Health.OK), (0.9, Health.WARNING)])
def test_swap_is_judged_by_its_limit(used: float | None, health: Health) -> None:
    assert host_checks.judge_swap(used, 0.6).health is health


def test_this_host_can_be_looked_at(make_case: MakeCase, make_board: MakeBoard, folder: Path) -> None:
    make_board()
    case = make_case(target={"board": folder / "board"})
    for look in (host_checks.memory_pressure, host_checks.io_pressure, host_checks.swap):
        assert look(case).health in (Health.OK, Health.WARNING)
