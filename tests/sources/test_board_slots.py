"""Sessions as the board tells them."""

import os
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from livewatch.probe.layout import ACTIVITIES, LANES, STATES, TERMINALS, WAITS, Layout
from livewatch.sources.board import BoardSource
from livewatch.sources.board_slots import BoardSlots
from livewatch_classifiers.model import Activity, Run, Session, Wait
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    LaneKind,
    Presence,
    SessionState,
    TerminalMark,
    WaitKind,
)
from tests.sources.board_on_disk import Board, until

Make = Callable[..., Board]


async def test_every_field_arrives(make: Make, source: BoardSource) -> None:
    board = make()
    board.progress(1, 950.5)
    board.slot(
        1,
        used=1,
        key="agent:main",
        id="s-1",
        generation=7,
        state=STATES.index("processing"),
        state_since_ns=900_000_000_000,
        lane_kind=LANES.index("subagent"),
        queued=3,
        oldest_queued_ns=910_000_000_000,
        owner=1,
        run_id="r-1",
        handle="h-1",
        run_started_ns=900_000_000_000,
        run_timeout_ns=30_000_000_000,
        abort_requested_ns=940_000_000_000,
        activity=ACTIVITIES.index("tool_call"),
        activity_owner=0,
        activity_run="r-0",
        activity_name="exec",
        activity_since_ns=905_000_000_000,
        activity_allowance_ns=40_000_000_000,
        wait=WAITS.index("approval"),
        wait_since_ns=920_000_000_000,
        wait_deadline_ns=2_000_000_000_000,
        wait_delivered=1,
        terminal=TERMINALS.index("item_end"),
        repeats=4,
        repeating_since_ns=930_000_000_000,
        in_store=1,
        store_says_running=0,
        holder=1,
    )
    snapshot = await source.sample()
    assert snapshot.sessions == {
        "agent:main": Session(
            key="agent:main",
            id="s-1",
            generation=7,
            state=SessionState.PROCESSING,
            state_since_s=900.0,
            lane_kind=LaneKind.SUBAGENT,
            queued=3,
            oldest_queued_s=910.0,
            owner=Presence.PRESENT,
            run=Run("r-1", 900.0, 30.0, "h-1", 940.0),
            activity=Activity(ActivityKind.TOOL_CALL, Presence.ABSENT, "r-0", 905.0, "exec", 40.0),
            progress_s=950.5,
            terminal=TerminalMark.ITEM_END,
            repeats=4,
            repeating_since_s=930.0,
            wait=Wait(WaitKind.APPROVAL, 920.0, 2000.0, Presence.PRESENT),
            in_store=Presence.PRESENT,
            store_says_running=Presence.ABSENT,
            holder=Presence.PRESENT,
        )
    }


async def test_zero_moments_and_none_codes_are_unknown_not_absent(make: Make, source: BoardSource) -> None:
    make().slot(0, used=1, key="k", queued=-1)
    snapshot = await source.sample()
    session = snapshot.sessions["k"]
    assert session == Session(key="k", generation=0, state=SessionState.IDLE, lane_kind=LaneKind.MAIN)
    assert snapshot.counters["unreadable_fields"] == 0


async def test_an_unchanged_session_is_the_same_object_and_a_changed_one_is_not(
    make: Make, source: BoardSource
) -> None:
    board = make()
    board.slot(0, used=1, key="still")
    board.slot(1, used=1, key="moves")
    board.slot(2, used=1, key="changes")
    before = (await source.sample()).sessions
    board.progress(1, 999.0)
    board.slot(2, generation=2)
    after = (await source.sample()).sessions
    assert after["still"] is before["still"]
    assert after["moves"].progress_s == 999.0
    assert after["changes"].generation == 2


async def test_a_freed_slot_and_one_beyond_those_used_have_no_session(make: Make, source: BoardSource) -> None:
    board = make()
    for slot in range(4):
        board.slot(slot, used=1, key=f"k{slot}")
    assert set((await source.sample()).sessions) == {"k0", "k1", "k2", "k3"}
    board.slot(1, used=0)
    board.header(slots_used=3)
    assert set((await source.sample()).sessions) == {"k0", "k2"}


async def test_a_slot_that_stays_torn_keeps_what_was_known(make: Make, source: BoardSource) -> None:
    board = make()
    board.slot(0, used=1, key="k", generation=1)
    before = await source.sample()
    board.slot(0, seq=5, generation=9, key="half")
    after = await source.sample()
    assert after.sessions["k"] is before.sessions["k"]
    assert after.counters["torn_slots"] == 1
    board.progress(0, 999.0)
    assert (await source.sample()).sessions["k"] == replace(before.sessions["k"], progress_s=999.0)
    board.slot(0, seq=6)
    assert (await source.sample()).sessions["half"].generation == 9


async def test_a_slot_that_was_never_whole_gives_no_session(make: Make, source: BoardSource) -> None:
    make().slot(0, seq=1, used=1, key="half")
    assert not (await source.sample()).sessions


@pytest.mark.parametrize("slot", [0, 2])
def test_a_slot_written_during_the_read_is_read_again_until_it_is_whole(slot: int) -> None:
    layout = Layout(3)
    data = bytearray(layout.total_bytes)
    seq = layout.field_at("seq", slot)
    slots = BoardSlots()
    slots.look(lambda offset, size: bytes(data[offset : offset + size]), layout, 3)
    struct.pack_into("<q", data, layout.field_at("used", slot), 1)
    data[layout.text_at("key", slot)] = ord("k")
    struct.pack_into("<q", data, seq, 2)
    writes = 0

    def read(offset: int, size: int) -> bytes:
        nonlocal writes
        copied = bytes(data[offset : offset + size])
        if offset == layout.record_at(slot) and writes < 2:
            writes += 1
            struct.pack_into("<q", data, seq, 2 + 2 * writes)
            struct.pack_into("<q", data, layout.field_at("generation", slot), 10 * writes)
        return copied

    slots.look(read, layout, 3)
    assert slots.sessions({})["k"].generation == 20
    assert slots.torn == 0


def test_progress_of_a_run_that_began_during_the_read_is_not_mixed_into_the_old_one() -> None:
    layout = Layout(1)
    data = bytearray(layout.total_bytes)
    struct.pack_into("<q", data, layout.field_at("used", 0), 1)
    data[layout.text_at("key", 0)] = ord("k")
    data[layout.text_at("run_id", 0)] = ord("a")
    slots = BoardSlots()
    slots.look(lambda offset, size: bytes(data[offset : offset + size]), layout, 1)

    def read(offset: int, size: int) -> bytes:
        if offset == layout.field_at("progress_ns", 0) and data[layout.text_at("run_id", 0)] == ord("a"):
            struct.pack_into("<q", data, layout.field_at("progress_ns", 0), 5_000_000_000)
            data[layout.text_at("run_id", 0)] = ord("b")
            struct.pack_into("<q", data, layout.field_at("seq", 0), 2)
        return bytes(data[offset : offset + size])

    slots.look(read, layout, 1)
    session = slots.sessions({})["k"]
    assert session.run == Run("b")
    assert session.progress_s == 5.0


async def test_impossible_codes_are_unknown_and_counted(make: Make, source: BoardSource) -> None:
    make().slot(
        0, used=1, key="k", state=99, owner=7, lane_kind=-5, activity=50, wait=8, terminal=3, queued=-2, progress_ns=-9
    )
    snapshot = await source.sample()
    session = snapshot.sessions["k"]
    assert session.state is None
    assert session.owner is Presence.UNKNOWN
    assert session.lane_kind is LaneKind.OTHER
    assert session.activity == Activity(None)
    assert session.wait is None
    assert session.queued is None
    assert session.progress_s is None
    assert snapshot.counters["unreadable_fields"] == 8


async def test_text_that_is_not_utf_8_is_shown_with_replacements(make: Make, source: BoardSource) -> None:
    board = make()
    board.text(0, "key", b"caf\xff")
    board.slot(0, used=1)
    assert list((await source.sample()).sessions) == ["caf\ufffd"]


async def test_a_used_slot_without_a_key_is_counted_and_left_out(make: Make, source: BoardSource) -> None:
    make().slot(0, used=1)
    snapshot = await source.sample()
    assert not snapshot.sessions
    assert snapshot.counters["unreadable_fields"] == 1


async def test_what_the_board_counts_is_handed_on(make: Make, source: BoardSource) -> None:
    make(drops_lane_busy=3, drops_other=1, sessions_overflowed=2, names_truncated=5, slots_reused=8)
    counters = (await source.sample()).counters
    assert counters["heartbeats_dropped.lane_busy"] == 3
    assert counters["heartbeats_dropped.other"] == 1
    assert counters["heartbeats_dropped.draining"] == 0
    assert counters["sessions_overflowed"] == 2
    assert counters["names_truncated"] == 5
    assert counters["slots_reused"] == 8


async def test_the_identity_names_the_process(make: Make, source: BoardSource) -> None:
    make()
    first, second = await source.sample(), await source.sample()
    assert first.identity == second.identity
    assert first.identity is not None
    assert first.identity.pid == os.getpid()


async def test_a_slot_that_another_process_writes_all_the_time_is_never_read_torn(
    make: Make, source: BoardSource, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    board = make()
    board.slot(0, used=1, key="k")
    board.slot(1, used=1, key="still")
    writer = start(
        f"import sys; sys.argv[1:] = [{str(board.path)!r}, '4']\nfrom tests.sources import scribbler\nscribbler.main()"
    )
    deadline_s, seen, first = until(), set[int](), (await source.sample()).sessions["still"]
    while len(seen) < 300:
        assert time.monotonic() < deadline_s
        assert writer.poll() is None
        sessions = (await source.sample()).sessions
        session = sessions["k"]
        number = session.generation
        assert number is not None
        assert (session.queued, session.repeats, session.state_since_s or 0) == (number, number, number / 1e9)
        assert sessions["still"] is first
        seen.add(number)
