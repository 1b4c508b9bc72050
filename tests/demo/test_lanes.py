import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from livewatch.demo.activities import ActivityTracker
from livewatch.demo.lanes import Lane, Turn, TurnKind


class World:
    """A lane whose turns end when told to."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.busy = False
        self.lane = Lane(self._start, lambda: self.busy, lambda: None)

    def _start(self, turn: Turn) -> asyncio.Task[None]:
        self.started.append(turn.text)
        self.ends[turn.text] = asyncio.Event()
        return asyncio.create_task(self._wait(turn.text))

    async def _wait(self, name: str) -> None:
        await self.ends[name].wait()

    def put(self, name: str) -> Turn:
        turn = Turn(TurnKind.MESSAGE, 0, name)
        self.lane.put(turn)
        return turn

    async def end(self, turn: Turn) -> None:
        assert turn.task is not None
        self.ends[turn.text].set()
        with contextlib.suppress(asyncio.CancelledError):
            await turn.task
        await asyncio.sleep(0)  # lets the task's callbacks run


@pytest.fixture
async def world() -> World:
    return World()


async def test_turns_run_one_at_a_time_in_order(world: World) -> None:
    first, second = world.put("a"), world.put("b")
    assert world.started == ["a"]
    await world.end(first)
    assert world.started == ["a", "b"]
    await world.end(second)
    assert world.lane.idle


async def test_nothing_starts_while_the_tracker_says_that_something_is_active(world: World) -> None:
    world.busy = True
    turn = world.put("a")
    assert (world.started, world.lane.active) == ([], None)
    world.busy = False
    world.lane.pump()
    assert world.started == ["a"]
    await world.end(turn)


@pytest.mark.invariant(15)
async def test_the_late_end_of_a_cleared_turn_does_not_free_its_successor(world: World) -> None:
    zombie, successor = world.put("a"), world.put("b")
    third = world.put("c")
    assert world.lane.free(zombie)
    assert world.started == ["a", "b"]
    await world.end(zombie)
    assert world.lane.active is successor
    assert world.started == ["a", "b"]
    await world.end(successor)
    await world.end(third)


async def test_a_waiting_turn_can_be_taken_back_and_a_running_one_cannot(world: World) -> None:
    running, waiting = world.put("a"), world.put("b")
    assert world.lane.remove(waiting)
    assert not world.lane.remove(waiting)
    assert not world.lane.remove(running)
    await world.end(running)
    assert world.started == ["a"]


async def test_a_closed_lane_hands_over_what_waits_in_order_and_starts_nothing(world: World) -> None:
    running, *waiting = [world.put(name) for name in "abc"]
    assert world.lane.close() == waiting
    await world.end(running)
    assert world.started == ["a"]


@pytest.fixture
def tracker() -> Iterator[ActivityTracker]:
    return ActivityTracker()


def test_an_activity_that_nobody_ends_stays_until_it_is_cleared(tracker: ActivityTracker) -> None:
    orphan = object()
    with tracker.during(object()):
        tracker.begin(orphan)
    assert tracker.active
    assert tracker.clear() == 1
    tracker.end(orphan)  # the owner comes back: nothing to end any more
    assert not tracker.active
