"""When the watcher knocks, what it concludes, and that its own pauses are nobody's fault. Time is an argument here."""

import pytest

from livewatch.sources.zero_touch.loop_state import LoopState, ThreadSample
from livewatch.sources.zero_touch.loop_watch import (
    ASK_EVERY_S,
    KNOCK_ACTIVE_EVERY_S,
    KNOCK_EVERY_S,
    PERIOD_S,
    LoopReading,
    LoopWatch,
)


class Gateway:
    """A thread that sleeps without waking, unless told otherwise, behind a door."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.switches = 0
        self.wakes = False
        self.burns = False
        self.takes: bool | None = True
        self.door = True
        self.knocks = 0
        self.open = 0
        self.asked = 0
        self.watch = LoopWatch(self.sample, self._knock, now_s=self.now_s)

    def run(self, for_s: float) -> LoopReading:
        """Look every period for so long."""
        reading = self.watch.reading
        for _ in range(round(for_s / PERIOD_S)):
            self.now_s += PERIOD_S
            self.switches += self.wakes
            reading = self.watch.look()
        return reading

    def taken(self) -> bool | None:
        self.asked += 1
        return self.takes

    def close(self) -> None:
        self.open -= 1

    def sample(self) -> ThreadSample:
        return ThreadSample(self.now_s, "R" if self.burns else "S", self.now_s * self.burns, self.switches)

    def _knock(self) -> "Gateway | None":
        if not self.door:
            return None
        self.knocks += 1
        self.open += 1
        return self


def test_an_idle_loop_is_knocked_at_every_two_seconds_and_an_active_one_every_ten() -> None:
    idle, active = Gateway(), Gateway()
    active.wakes = True
    idle.run(60.0)
    active.run(60.0)

    assert abs(idle.knocks - 60.0 / KNOCK_EVERY_S) <= 2
    assert abs(active.knocks - 60.0 / KNOCK_ACTIVE_EVERY_S) <= 2
    assert idle.open == active.open == 0


def test_a_blocked_loop_never_has_more_than_one_of_our_connections() -> None:
    gateway = Gateway()
    gateway.run(5.0)
    gateway.takes = False
    reading = gateway.run(600.0)

    assert reading.blocked
    assert 590.0 < reading.looked_s - reading.alive_s <= 600.0
    assert gateway.open == 1
    assert gateway.asked < 600.0 / ASK_EVERY_S + 30
    gateway.watch.close()
    assert gateway.open == 0


def test_a_loop_that_wakes_but_takes_nothing_is_blocked_until_it_does() -> None:
    gateway = Gateway()
    gateway.wakes, gateway.takes = True, False
    blocked = gateway.run(20.0)
    gateway.takes = True
    after = gateway.run(ASK_EVERY_S + PERIOD_S)

    assert (blocked.state, blocked.blocked) == (LoopState.ACTIVE, True)
    assert blocked.looked_s - blocked.alive_s > 9.0
    assert (after.blocked, after.alive_s) == (False, gateway.now_s)


def test_quiet_without_a_door_is_unknown_and_active_is_alive() -> None:
    gateway = Gateway()
    gateway.door = False
    quiet = gateway.run(5.0)
    gateway.wakes = True
    active = gateway.run(5.0)

    assert (quiet.state, quiet.settled) == (LoopState.QUIET, False)
    assert (active.state, active.settled, active.alive_s) == (LoopState.ACTIVE, True, gateway.now_s)


def test_without_a_door_a_loop_that_never_sleeps_is_not_taken_to_turn() -> None:
    gateway = Gateway()
    gateway.door, gateway.burns = False, True
    reading = gateway.run(5.0)

    assert (reading.state, reading.settled) == (LoopState.COMPUTING, True)
    assert reading.looked_s - reading.alive_s > 4.0


def test_a_loop_that_never_sleeps_and_takes_connections_turns() -> None:
    gateway = Gateway()
    gateway.burns = True

    assert gateway.run(60.0).alive_s == gateway.now_s


def test_a_connection_whose_fate_cannot_be_seen_proves_nothing() -> None:
    gateway = Gateway()
    gateway.takes = None
    reading = gateway.run(1.0)

    assert (reading.settled, reading.blocked, gateway.open) == (False, False, 0)


def test_a_pause_of_the_watcher_ages_no_loop_idle_or_blocked() -> None:
    idle, blocked = Gateway(), Gateway()
    idle.run(1.5)
    blocked.run(1.5)
    blocked.takes = False
    before = blocked.run(5.0)
    for gateway in (idle, blocked):
        gateway.now_s += 600.0
    after = blocked.run(PERIOD_S)

    assert after.state is LoopState.UNKNOWN  # looks on both sides of a pause are no window
    assert idle.run(3 * PERIOD_S).alive_s == idle.now_s
    assert after.looked_s - after.alive_s < before.looked_s - before.alive_s + 2 * PERIOD_S


@pytest.mark.parametrize(("knocks", "said"), [(True, 1), (False, 0)])
def test_a_port_that_cannot_be_knocked_at_is_only_told_where_knocking_was_wanted(
    caplog: pytest.LogCaptureFixture, *, knocks: bool, said: int
) -> None:
    """It was said of an OpenClaw gateway, at the port of which livewatch was connected."""
    gateway = Gateway()
    gateway.door = False
    if not knocks:
        gateway.watch = LoopWatch(gateway.sample, None, now_s=gateway.now_s)
    reading = gateway.run(10.0)

    assert not reading.settled
    assert sum("can be knocked at" in record.getMessage() for record in caplog.records) == said
