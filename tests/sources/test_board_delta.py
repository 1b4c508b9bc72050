"""A reader that looked before says what one that looks for the first time says, and what is new."""

import struct
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from livewatch.probe.layout import NONE, STATES
from livewatch.sources.board_slots import BoardSlots
from tests.sources.board_on_disk import Board
from tests.test_judge import only_progressed, renewed

CAPACITY = 300
SLOTS = st.one_of(st.integers(0, 5), st.integers(0, CAPACITY - 1))
steps = st.one_of(
    st.tuples(st.just("write"), SLOTS, st.integers(0, 3)),
    st.tuples(st.just("turn"), SLOTS, st.integers(1, 9)),
    st.tuples(st.just("rest"), SLOTS, st.just(0)),
    st.tuples(st.just("progress"), SLOTS, st.integers(0, 9)),
    st.tuples(st.just("free"), SLOTS, st.just(0)),
    st.tuples(st.just("begin"), SLOTS, st.just(0)),
    st.tuples(st.just("used"), st.integers(1, CAPACITY), st.just(0)),
)


@contextmanager
def a_board() -> Generator[Board]:
    with tempfile.TemporaryDirectory() as folder:
        board = Board(Path(folder) / "board", capacity=CAPACITY)
        try:
            yield board
        finally:
            board.close()


def alter(board: Board, what: str, slot: int, value: int) -> None:
    match what:
        case "write":
            board.slot(slot, used=1, key=f"k{slot if value else 0}", generation=value, child_pid=value)
        case "turn":
            turn = {"state": STATES.index("processing"), "owner": 1, "child_pid": 0, "wait": NONE}
            moments = {"state_since_ns": value * 10**9, "run_started_ns": (value + 1) * 10**9}
            board.slot(slot, used=1, key=f"k{slot}", activity=NONE, **turn, **moments)
        case "rest":
            board.slot(slot, used=1, key=f"k{slot}", state=STATES.index("idle"), owner=0, activity=NONE, wait=NONE)
        case "progress":
            board.progress(slot, float(value))
        case "free":
            board.slot(slot, used=0)
        case _:  # a writer that is in the middle of it, or has died there
            at = board.layout.field_at("seq", slot)
            seq = struct.unpack("<q", board.path.read_bytes()[at : at + 8])[0]
            board.slot(slot, seq=seq | 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(steps, max_size=6), st.booleans()), min_size=1, max_size=12))
def test_every_look_is_that_of_a_fresh_reader_and_the_delta_is_the_difference(
    looks: list[tuple[list[tuple[str, int, int]], bool]],
) -> None:
    with a_board() as board:
        used, half_written = CAPACITY, set[int]()
        slots = BoardSlots()
        before = slots.sessions({})
        for changes, asked in looks:
            for what, slot, value in changes:
                used = slot if what == "used" else used
                if what != "used" and (what == "progress" or slot not in half_written):
                    alter(board, what, slot, value)
                half_written |= {slot} if what == "begin" else set()

            def read(offset: int, size: int) -> bytes:
                board.file.seek(offset)
                return board.file.read(size) or b""

            slots.look(read, board.layout, used)
            if not asked:
                continue  # what is new then is told by the next one that is asked for
            after = slots.sessions({})
            if not half_written:
                fresh = BoardSlots()
                fresh.look(read, board.layout, used)
                assert dict(after) == dict(fresh.sessions({}))
            if slots.delta is not None:
                assert slots.delta.before is before
                assert slots.delta.gone == before.keys() - after.keys()
                told = [*slots.delta.changed, *slots.delta.progressed, *slots.delta.renewed]
                assert len(told) == len(set(told))
                assert {k for k, s in after.items() if before.get(k) is not s} <= set(told) <= after.keys()
                for key in slots.delta.renewed:
                    assert renewed(before[key], after[key])
                for key in slots.delta.progressed:
                    assert only_progressed(before[key], after[key])
            before = after


def test_a_session_is_renewed_only_while_its_turn_goes_on() -> None:
    with a_board() as board:
        slots = BoardSlots()

        def read(offset: int, size: int) -> bytes:
            board.file.seek(offset)
            return board.file.read(size) or b""

        def look() -> None:
            slots.look(read, board.layout, CAPACITY)
            slots.sessions({})

        history = [
            (("progress", 1), ("turn", 5), False),
            (("progress", 2), ("turn", 6), True),
            (("progress", 2), ("turn", 6), True),
            (("progress", 1), ("turn", 7), False),  # progress went back
            (("progress", 3), ("turn", 4), False),  # so did a moment
            (("progress", 3), ("rest", 0), False),
            (("progress", 3), ("rest", 0), True),
            (("progress", 3), ("turn", 8), False),
        ]
        look()
        for progress, step, new in history:
            for what, value in (progress, step):
                alter(board, what, 0, value)
            look()
            assert slots.delta is not None
            assert slots.delta.renewed == ({"k0"} if new else set()), step
            assert slots.delta.changed == {"k0"} - slots.delta.renewed
            assert not slots.delta.progressed
