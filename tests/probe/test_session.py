"""What a gateway reports, and what then stands on the board; on the standard loop and on uvloop."""

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from livewatch.clock import SystemClock
from livewatch.probe import DropReason, Probe
from livewatch.sources.board import BoardSource
from livewatch_classifiers import Session, Snapshot, Thresholds, classify_session
from livewatch_classifiers.vocabulary import (
    ActivityKind,
    EvidenceClass,
    Presence,
    Reason,
    SessionState,
    TerminalMark,
    WaitKind,
)

Body = Callable[[Probe], Awaitable[None]]
Look = Callable[[], Awaitable[Snapshot]]


@pytest.fixture(params=["asyncio", "uvloop"], name="in_gateway")
def _in_gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Run a body inside a gateway with a probe, on either loop."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run(body: Callable[[Probe, Look], Awaitable[None]], capacity: int = 8) -> None:
        async def main() -> None:
            async with Probe.open(tmp_path / "board", capacity=capacity) as probe:
                probe.ready()
                source = BoardSource(tmp_path / "board", None, SystemClock())
                await body(probe, source.sample)
                await source.close()

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main())

    return run


async def seen(look: Look, key: str = "k") -> Session:
    return (await look()).sessions[key]


def test_a_run_owns_its_session_and_its_activities(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k", session_id="s1")
        session.queued(2, 1_000)
        session.in_store(True)  # noqa: FBT003 -- a tri-state fact
        async with session.run("r1", timeout=30.0) as run:
            with run.tool_call("exec", allowance=40.0) as call:
                call.child(os.getpid())
                inside = await seen(look)
            between = await seen(look)
        after = await seen(look)

        assert inside.run is not None
        assert (inside.id, inside.state, inside.owner) == ("s1", SessionState.PROCESSING, Presence.PRESENT)
        assert (inside.run.id, inside.run.handle, inside.run.timeout_s) == ("r1", run.handle, 30.0)
        assert inside.activity is not None
        assert (inside.activity.kind, inside.activity.name) == (ActivityKind.TOOL_CALL, "exec")
        assert (inside.activity.owner, inside.activity.allowance_s) == (Presence.PRESENT, 40.0)
        assert (inside.queued, inside.oldest_queued_s, inside.in_store) == (2, 1e-6, Presence.PRESENT)
        assert between.activity is None
        assert (after.state, after.owner, after.run) == (SessionState.IDLE, Presence.ABSENT, None)
        assert inside.generation < between.generation < after.generation  # type: ignore[operator]  # known here

    in_gateway(body)


def test_an_activity_names_the_run_that_it_belongs_to(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session, named = probe.session("k"), []
        for run_id in ("r1", "r2", "r1"):
            async with session.run(run_id) as run:
                for tool in ("read", "write"):
                    with run.tool_call(tool):
                        activity = (await seen(look)).activity
                        assert activity is not None
                        named.append((activity.run_id, activity.name))

        assert named == [(run_id, tool) for run_id in ("r1", "r2", "r1") for tool in ("read", "write")]

    in_gateway(body)


def test_progress_moves_without_a_new_generation(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        async with session.run("r1") as run:
            before = await seen(look)
            run.progress("token")
            after = await seen(look)

        assert (before.progress_s, before.progress_known) == (None, False)
        assert after.progress_s is not None
        assert after.progress_known
        assert after.generation == before.generation

    in_gateway(body)


def test_a_run_that_reported_nothing_is_not_heard_and_one_that_opened_an_activity_is(
    in_gateway: Callable[..., None],
) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        seen_so_far = [await seen(look)]
        async with session.run("bare"):
            seen_so_far.append(await seen(look))
            with session.waiting("approval"):
                pass
            seen_so_far.append(await seen(look))
        seen_so_far.append(await seen(look))
        async with session.run("asks") as run:
            seen_so_far.append(await seen(look))
            with run.model_call("gpt"):
                seen_so_far.append(await seen(look))
        async with session.run("bare again"):
            seen_so_far.append(await seen(look))

        assert [s.progress_known for s in seen_so_far] == [True, False, False, True, False, True, True]
        assert [s.progress_s is None for s in seen_so_far] == [True, True, True, True, True, False, False]

    in_gateway(body)


@pytest.mark.parametrize("state", ["idle", "processing", "waiting"])
def test_a_state_that_is_said_again_changes_nothing(in_gateway: Callable[..., None], state: str) -> None:
    """One message a second, each with the state said again, kept a hung tool from ever being aborted."""

    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        session.state("processing" if state == "idle" else "idle")
        session.state(state)
        first = await seen(look)
        for _ in range(3):
            session.state(state)
        assert await seen(look) is first

    in_gateway(body)


def test_a_session_that_once_reported_progress_is_heard_in_every_later_run(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session, other = probe.session("k"), probe.session("other")
        async with session.run("talks") as run:
            run.progress("token")
        async with session.run("silent so far"), other.run("bare"):
            told = await look()

        assert (told.sessions["k"].progress_known, told.sessions["other"].progress_known) == (True, False)

    in_gateway(body)


def test_a_state_said_inside_a_run_is_news_only_where_it_differs(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        async with session.run("r1"):
            running = await seen(look)
            session.state("processing")
            assert await seen(look) is running
            session.state("waiting")
            assert (await seen(look)).generation == (running.generation or 0) + 1

    in_gateway(body)


@pytest.mark.parametrize("renamed", [True, False])
def test_a_follow_up_turn_under_the_same_handle_was_asked_nothing(
    in_gateway: Callable[..., None], *, renamed: bool
) -> None:
    """Hermes serves a queued message under the same table entry: two turns of 6 s were force-cleared as zombies."""

    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        run = session.run("t1")
        run.started_ns = time.monotonic_ns()
        session.run_began(run)
        run.abort_requested()
        asked = await seen(look)
        run.id, run.started_ns = "t2" if renamed else "t1", time.monotonic_ns()
        session.run_began(run)
        follow_up = await look()
        later = replace(follow_up.vitals, now_s=follow_up.vitals.now_s + 31)

        assert asked.run is not None
        assert asked.run.abort_requested_s is not None
        assert classify_session(asked, later, Thresholds()).reason is Reason.ZOMBIE_RUN
        assert follow_up.sessions["k"].run is not None
        assert follow_up.sessions["k"].run.handle == asked.run.handle
        assert follow_up.sessions["k"].run.abort_requested_s is None
        assert classify_session(follow_up.sessions["k"], later, Thresholds()).evidence_class is EvidenceClass.NONE

    in_gateway(body)


def test_an_unchanged_session_is_the_same_object_in_the_next_look(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        quiet, busy = probe.session("quiet"), probe.session("busy")
        first = await look()
        busy.queued(1)
        second = await look()

        assert quiet.on_board
        assert second.sessions["quiet"] is first.sessions["quiet"]
        assert second.sessions["busy"] is not first.sessions["busy"]

    in_gateway(body)


def test_a_timeout_stamps_the_abort_request_before_it_cancels(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        ignored = asyncio.Event()

        async def zombie() -> None:
            async with session.run("r1", timeout=0.02):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    ignored.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(zombie())
        await ignored.wait()
        dead = await seen(look)
        assert dead.run is not None
        handle = str(dead.run.handle)

        assert dead.owner is Presence.PRESENT
        assert dead.run.abort_requested_s is not None
        assert not session.forget_run("r1", "another handle")
        assert session.forget_run("r1", handle)
        assert (await seen(look)).owner is Presence.ABSENT

        async with session.run("r2"):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            alive = await seen(look)
        assert alive.run is not None
        assert alive.run.id == "r2"  # the late exit of the zombie changed nothing

    in_gateway(body)


def test_an_activity_that_outlives_its_run_is_ownerless_until_it_is_cleared(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        async with session.run("r1") as run:
            run.model_call("m").__enter__()
        orphaned = await seen(look)
        session.clear_activity()

        assert orphaned.state is SessionState.IDLE
        assert orphaned.activity is not None
        assert orphaned.activity.owner is Presence.ABSENT
        assert orphaned.activity.run_id == "r1"
        assert (await seen(look)).activity is None

    in_gateway(body)


def test_waits_repetition_and_terminal_marks_are_seen(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k", lane="cron")
        async with session.run("r1") as run:
            with run.waiting("approval", delivered=False, deadline=60.0) as wait:
                undelivered = await seen(look)
                wait.delivered()
                delivered = await seen(look)
            for _ in range(3):
                run.step(b"same")
            run.item_ended()
            repeated = await seen(look)
            run.step(b"other")
            run.turn_ended()
            fresh = await seen(look)

        assert undelivered.wait is not None
        assert delivered.wait is not None
        assert (undelivered.state, undelivered.wait.kind) == (SessionState.WAITING, WaitKind.APPROVAL)
        assert undelivered.wait.delivered is Presence.ABSENT
        assert delivered.wait.delivered is Presence.PRESENT
        assert delivered.wait.deadline_s is not None
        assert (repeated.repeats, repeated.terminal, repeated.wait) == (2, TerminalMark.ITEM_END, None)
        assert (fresh.repeats, fresh.terminal) == (0, TerminalMark.TURN_END)

    in_gateway(body)


def test_a_full_board_counts_what_it_cannot_show_and_works_on(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        kept = [probe.session(f"k{number}") for number in range(3)]
        async with kept[2].run("r1") as run:
            run.progress("token")
        snapshot = await look()

        assert [session.on_board for session in kept] == [True, True, False]
        assert set(snapshot.sessions) == {"k0", "k1"}
        assert snapshot.counters["sessions_overflowed"] == 1

    in_gateway(body, capacity=2)


def test_a_forgotten_session_frees_its_slot(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        for number in range(10):
            probe.session(f"forgotten{number}")
            gc.collect()  # frees the slot at the next one's birth
        closed = probe.session("closed")
        closed.close()
        closed.close()
        kept = probe.session("kept")

        assert kept.on_board
        assert set((await look()).sessions) == {"kept"}

    in_gateway(body, capacity=2)


def test_a_closed_sessions_run_cannot_write_into_the_slots_next_life(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        old = probe.session("k")
        async with old.run("r1") as run:
            old.close()
            new = probe.session("k")
            before = await seen(look)
            run.progress("token")
            after = await seen(look)

        assert new is not old
        assert after is before

    in_gateway(body, capacity=1)


def test_dropped_heartbeats_are_counted_and_logged_by_reason(
    in_gateway: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        session.heartbeat_dropped(DropReason.LANE_BUSY)
        session.heartbeat_dropped(DropReason.LANE_BUSY)

        assert (await look()).counters["heartbeats_dropped.lane_busy"] == 2

    in_gateway(body)

    assert [record.getMessage() for record in caplog.records] == ["heartbeat dropped session=k reason=lane_busy"] * 2


def test_a_forked_child_never_writes_to_its_parents_board(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        async with session.run("r1") as run:
            before = await seen(look)
            child = os.fork()
            if child == 0:
                run.progress("token")
                session.state("idle")
                os._exit(0)
            _pid, status = os.waitpid(child, 0)  # noqa: ASYNC222 -- the child ends at once

            assert status == 0
            assert await seen(look) is before

    in_gateway(body)


def test_long_names_are_cut_with_a_digest_so_that_no_two_collide(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        kept = [probe.session("ü" * 90 + end) for end in "ab"]
        snapshot = await look()

        assert all(session.on_board for session in kept)
        assert len(snapshot.sessions) == 2
        assert all(key.startswith("ü" * 42 + "~") and len(key.encode()) <= 96 for key in snapshot.sessions)
        assert snapshot.counters["names_truncated"] == 2

    in_gateway(body)


def test_a_number_that_does_not_fit_leaves_the_lock_even(in_gateway: Callable[..., None]) -> None:
    async def body(probe: Probe, look: Look) -> None:
        session = probe.session("k")
        session.queued(1 << 70)
        async with session.run("r1", timeout=float("inf")) as run:
            with run.tool_call("exec", allowance=1e300):
                inside = await seen(look)

        assert inside.run is not None
        assert inside.activity is not None
        assert (inside.run.timeout_s, inside.activity.allowance_s) == (None, None)
        assert inside.queued is not None

    in_gateway(body)


@pytest.mark.invariant(19)
async def test_reporting_opens_no_file_and_asks_for_no_process(tmp_path: Path) -> None:
    """OpenClaw 87028: synchronous process look-ups starved the loop of the patient."""
    seen: list[str] = []
    watching = True

    def hook(event: str, _arguments: object) -> None:
        mine = threading.current_thread() is threading.main_thread()
        if watching and mine and event.startswith(("open", "os.", "subprocess", "socket", "ctypes", "mmap")):
            seen.append(event)

    async with Probe.open(tmp_path / "board", capacity=4) as probe:
        session = probe.session("s")
        sys.addaudithook(hook)
        async with session.run("r", timeout=60) as run:
            for number in range(100):
                with run.model_call("m"):
                    run.progress()
                with run.tool_call("t", allowance=10), run.waiting("approval", delivered=True):
                    run.step(b"same")
                session.queued(number)
                run.item_ended()
        session.heartbeat_dropped(DropReason.LANE_BUSY)
        watching = False

    assert seen == []
