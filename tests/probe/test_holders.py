"""One holder per session file: the second waits its turn or is told, and strangers are noticed."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from livewatch.clock import SystemClock
from livewatch.probe import Probe, SessionContendedError, SessionFileChangedError
from livewatch.sources.board import BoardSource
from livewatch_classifiers.vocabulary import Presence


@pytest.fixture(name="probe")
async def _probe(tmp_path: Path) -> AsyncGenerator[Probe]:
    async with Probe.open(tmp_path / "board", capacity=4) as probe:
        yield probe


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    path = tmp_path / "session.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    return path


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def block_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def contended(tmp_path: Path) -> dict[str, int]:
    source = BoardSource(tmp_path / "board", None, SystemClock(), name="gw")
    look = await source.sample()
    await source.close()
    return {name: count for name, count in look.counters.items() if name.startswith("contended") and count}


@pytest.mark.invariant(4)
async def test_a_second_one_is_told_who_holds_the_file_and_it_is_counted(
    probe: Probe, file: Path, tmp_path: Path
) -> None:
    async with probe.acquire(file, lane="cron", run_id="r1"):
        with pytest.raises(SessionContendedError, match=r"held by run r1 of lane cron.*wanted by lane main") as told:
            async with probe.acquire(file, lane="main", on_contention="raise"):
                pass

    assert (told.value.holder_lane, told.value.waiter_lane) == ("cron", "main")
    assert await contended(tmp_path) == {"contended.main.cron": 1}


async def test_waiters_have_the_file_in_the_order_in_which_they_came(probe: Probe, file: Path) -> None:
    order: list[int] = []

    async def turn(number: int) -> None:
        async with probe.acquire(file):
            order.append(number)
            await asyncio.sleep(0)

    async with probe.acquire(file):
        turns = [asyncio.create_task(turn(number)) for number in range(5)]
        await asyncio.sleep(0)
        assert order == []
    await asyncio.gather(*turns)

    assert order == [0, 1, 2, 3, 4]


async def test_a_wait_is_bounded_and_leaves_the_line(probe: Probe, file: Path) -> None:
    async with probe.acquire(file, lane="main"):
        with pytest.raises(SessionContendedError):
            async with probe.acquire(file, timeout=0.01):
                pass
    async with probe.acquire(file, on_contention="raise"):
        pass


async def test_a_waiter_that_is_cancelled_does_not_keep_the_file_from_the_next(probe: Probe, file: Path) -> None:
    async def turn() -> None:
        async with probe.acquire(file):
            pass

    async with probe.acquire(file):
        impatient, patient = asyncio.create_task(turn()), asyncio.create_task(turn())
        await asyncio.sleep(0)
        impatient.cancel()
    await patient

    assert impatient.cancelled()


async def test_two_names_of_one_file_are_one_file(probe: Probe, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)

    async with probe.acquire(link):
        with pytest.raises(SessionContendedError):
            async with probe.acquire(f"{tmp_path}/../{tmp_path.name}/{file.name}", on_contention="raise"):
                pass


async def test_a_holder_whose_task_ended_without_leaving_is_let_go(probe: Probe, file: Path) -> None:
    async def dies() -> None:
        await probe.acquire(file).__aenter__()  # and never leaves

    await asyncio.create_task(dies())
    await asyncio.sleep(0)

    async with probe.acquire(file, on_contention="raise"):
        pass


async def test_the_board_shows_whether_the_session_has_a_holder(probe: Probe, file: Path, tmp_path: Path) -> None:
    session = probe.session("s", lane="cron")
    source = BoardSource(tmp_path / "board", None, SystemClock(), name="gw")
    async with probe.acquire(file, session=session) as holding:
        held = (await source.sample()).sessions["s"].holder
    free = (await source.sample()).sessions["s"].holder
    await source.close()

    assert holding.lane == "cron"
    assert (held, free) == (Presence.PRESENT, Presence.ABSENT)


@pytest.mark.invariant(4)
async def test_another_process_that_writes_the_file_is_noticed(probe: Probe, file: Path) -> None:
    async with probe.acquire(file, lane="main") as holding:
        holding.check()
        write(file, "mine")
        holding.wrote()
        holding.check()
        append = f"open({str(file)!r}, 'a').write('theirs')"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", append], check=True)
        with pytest.raises(SessionFileChangedError, match="changed by outside while lane main held it"):
            holding.check()


async def test_a_writer_that_asked_is_named_by_its_lane(probe: Probe, file: Path) -> None:
    async with probe.acquire(file, lane="main") as first:
        first.wrote()
    async with probe.acquire(file, lane="cron") as second:
        write(file, "second")
        second.wrote()

    with pytest.raises(SessionFileChangedError, match="changed by cron while lane main"):
        first.check()


def test_a_lane_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    probe = Probe.open(tmp_path / "board", capacity=1)
    with pytest.raises(ValueError, match="known: main, subagent"):
        probe.acquire(tmp_path / "f", lane="express")


async def test_a_waiter_whose_time_runs_out_never_enters_beside_another_holder(probe: Probe, file: Path) -> None:
    inside: list[str] = []
    together: list[int] = []
    refused: list[str] = []

    async def waiter(name: str, limit_s: float | None) -> None:
        try:
            async with probe.acquire(file, run_id=name, timeout=limit_s):
                inside.append(name)
                together.append(len(inside))
                await asyncio.sleep(0)
                inside.remove(name)
        except SessionContendedError:
            refused.append(name)

    async with probe.acquire(file, run_id="first"):
        waiters = [asyncio.create_task(waiter("impatient", 0.02)), asyncio.create_task(waiter("patient", None))]
        await asyncio.sleep(0)
        block_the_loop(0.05)
        for _ in range(2):
            await asyncio.sleep(0)  # the timer fires in this turn of the loop; the holder leaves in the next
    await asyncio.gather(*waiters)

    assert max(together) == 1
    assert len(together) + len(refused) == 2


async def test_a_fresh_incarnation_of_a_session_shows_who_still_holds_its_file(
    probe: Probe, file: Path, tmp_path: Path
) -> None:
    source = BoardSource(tmp_path / "board", None, SystemClock(), name="gw")
    session = probe.session("s")
    async with probe.acquire(file, session=session):
        session.close()
        fresh = probe.session("s")
        held = (await source.sample()).sessions["s"].holder
    free = (await source.sample()).sessions["s"].holder
    await source.close()

    assert fresh is not session
    assert (held, free) == (Presence.PRESENT, Presence.ABSENT)
