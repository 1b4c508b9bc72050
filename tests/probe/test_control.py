"""The control socket against a real loop: every check refuses, a blocked loop voids, a repeat does nothing."""

import asyncio
import stat
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from livewatch.clock import SystemClock
from livewatch.probe import Levers, Probe, Refused, Session, layout
from livewatch.sources.board import BoardSource
from livewatch.sources.control import ControlClient
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Reason


class RecordingLevers(Levers):
    def __init__(self) -> None:
        self.pulled: list[tuple[str, ...]] = []

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:
        self.pulled.append(("abort_run", session, run_id, cause))
        return 1

    def release_lane(self, session: str, cause: str) -> int | None:
        raise Refused(f"owner: {session} is alive ({cause})")

    def evict_session(self, session: str, cause: str) -> int | None:
        raise RuntimeError(f"broken lever: {session}, {cause}")


class Gateway:
    def __init__(self, folder: Path) -> None:
        self.levers = RecordingLevers()
        self.socket = folder / "control.sock"
        self.probe = Probe.open(folder / "board", self.socket, levers=self.levers, capacity=4)
        self.client = ControlClient(self.socket)

    def action(self, judged: Session, /, **changed: object) -> Action:
        run = judged.current
        facts: dict[str, object] = {
            "kind": ActionKind.ABORT_RUN,
            "session": judged.key,
            "idempotency_key": "key-1",
            "cause": "silent for 15 min",
            "reason": Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
            "generation": judged.generation,
            "run_id": run.id if run else None,
            "handle": run.handle if run else None,
            "progress_s": judged.progress_ns / 1e9,
        }
        return Action(**{**facts, **changed})  # type: ignore[arg-type]  # test shorthand


@pytest.fixture(name="gateway")
async def _gateway(tmp_path: Path) -> AsyncGenerator[Gateway]:
    gateway = Gateway(tmp_path)
    async with gateway.probe:
        yield gateway


async def test_a_true_judgement_pulls_the_lever_once_however_often_it_is_sent(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1"):
        action = gateway.action(session)
        first = await gateway.client.act(action)
        again = await gateway.client.act(action)

    assert first == again == Reply(ReplyStatus.DONE, "", 1)
    assert gateway.levers.pulled == [("abort_run", "k", "r1", "silent for 15 min")]


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"session": "another"}, "session"),
        ({"generation": 1}, "generation"),
        ({"generation": None}, "generation"),
        ({"run_id": "r0"}, "run"),
        ({"handle": "another"}, "handle"),
        ({"progress_s": 1.0}, "progress"),
        ({"progress_s": None}, "progress"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
async def test_whatever_is_no_longer_true_is_refused_by_name(
    gateway: Gateway, changed: dict[str, object], check: str
) -> None:
    """OpenClaw 145152, 92270: correct at classification, murder at execution."""
    session = gateway.probe.session("k")
    async with session.run("r1"):
        reply = await gateway.client.act(gateway.action(session, **changed))

    assert reply.status is ReplyStatus.REFUSED
    assert reply.detail.startswith(f"{check}: ")
    assert not gateway.levers.pulled


async def test_a_run_that_moved_since_it_was_judged_lives(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1") as run:
        action = gateway.action(session)
        await asyncio.to_thread(threading.Event().wait, 0.001)  # so that the clock moves past the tolerance
        run.progress("token")
        reply = await gateway.client.act(action)

    assert (reply.status, reply.detail) == (ReplyStatus.REFUSED, "progress: the run moved since it was judged")


async def test_a_loop_is_bound_by_run_handle_and_repeats_and_not_by_what_each_step_changes(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1") as run:
        for _ in range(25):
            run.step("same")
        action = gateway.action(session, repeats=run.repeats)
        for _ in range(13):
            await asyncio.sleep(0.001)
            with run.tool_call("exec"):
                pass
            run.step("same")
        reply = await gateway.client.act(action)

    assert reply.status is ReplyStatus.DONE
    assert [pulled[:3] for pulled in gateway.levers.pulled] == [("abort_run", "k", "r1")]


@pytest.mark.parametrize(
    ("changed", "check"),
    [
        ({"run_id": "r0"}, "run"),
        ({"handle": "another"}, "handle"),
        ({"repeats": 26}, "repeats"),
        ({"repeats": 0}, "repeats"),
        ({"repeats": "many"}, "repeats"),
        ({"repeats": True}, "repeats"),
        ({"kind": ActionKind.EVICT_SESSION, "generation": 1}, "generation"),
    ],
)
async def test_repeats_loosen_nothing_but_what_a_step_changes(
    gateway: Gateway, changed: dict[str, object], check: str
) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1") as run:
        for _ in range(26):
            run.step("same")
        reply = await gateway.client.act(gateway.action(session, **{"repeats": run.repeats, **changed}))

    assert reply.status is ReplyStatus.REFUSED
    assert reply.detail.startswith(f"{check}: ")
    assert not gateway.levers.pulled


async def test_a_loop_that_did_something_new_lives(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1") as run:
        for _ in range(25):
            run.step("same")
        action = gateway.action(session, repeats=run.repeats)
        run.step("new")
        reply = await gateway.client.act(action)

    assert reply == Reply(ReplyStatus.REFUSED, "repeats: the run did something new since it was judged")


async def test_a_lever_may_refuse_lack_or_break_without_hurting_the_gateway(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    refused = await gateway.client.act(gateway.action(session, kind=ActionKind.RELEASE_LANE))
    lacking = await gateway.client.act(gateway.action(session, kind=ActionKind.WAKE, idempotency_key="2"))
    broken = await gateway.client.act(gateway.action(session, kind=ActionKind.EVICT_SESSION, idempotency_key="3"))

    assert refused.status is ReplyStatus.REFUSED
    assert refused.detail.startswith("owner: k is alive")
    assert lacking.status is ReplyStatus.UNSUPPORTED
    assert (broken.status, "broken lever" in broken.detail) == (ReplyStatus.FAILED, True)


async def test_an_action_that_a_blocked_loop_could_not_take_up_never_happens_later(gateway: Gateway) -> None:
    session = gateway.probe.session("k")
    async with session.run("r1"):
        action = gateway.action(session)
        replies: list[Reply] = []
        asking = threading.Thread(target=lambda: replies.append(asyncio.run(gateway.client.act(action))))
        asking.start()
        asking.join()  # blocks the loop for as long as the answer takes
        for _ in range(10):
            await asyncio.sleep(0)

    assert replies[0].status is ReplyStatus.TIMED_OUT
    assert not gateway.levers.pulled


async def test_the_socket_belongs_to_this_user_alone_and_says_what_it_can_do(gateway: Gateway) -> None:
    info = await gateway.client.info()

    assert stat.S_IMODE(gateway.socket.stat().st_mode) == 0o600
    assert info is not None
    assert info["capabilities"] == ["release_lane", "abort_run", "evict_session"]


async def test_names_too_long_for_the_board_still_reach_their_session_and_run(gateway: Gateway) -> None:
    session = gateway.probe.session("k" * 200)
    async with session.run("r" * 100):
        shown = gateway.action(
            session, session=layout.shown("key", session.key), run_id=layout.shown("run_id", "r" * 100)
        )
        reply = await gateway.client.act(shown)

    assert reply.status is ReplyStatus.DONE
    assert gateway.levers.pulled == [("abort_run", "k" * 200, "r" * 100, "silent for 15 min")]


class SlowLevers(Levers):
    """A lever that outlasts the socket's patience, the first time."""

    def __init__(self) -> None:
        self.pulled = 0
        self.may_return = threading.Event()

    def abort_run(self, session: str, run_id: str, cause: str) -> int | None:  # noqa: ARG002 -- the base's signature
        self.pulled += 1
        self.may_return.wait(10)
        return 1


async def test_a_lever_that_outlasts_the_answer_is_not_pulled_again_by_a_repeat(tmp_path: Path) -> None:
    levers = SlowLevers()
    async with Probe.open(tmp_path / "board", tmp_path / "control", levers=levers, capacity=2) as probe:
        session = probe.session("s")
        async with session.run("r1"):
            run = session.current
            assert run is not None
            action = Action(
                ActionKind.ABORT_RUN, "s", "key-1", "c", Reason.BLOCKED_TOOL_CALL,
                generation=session.generation, run_id="r1", handle=run.handle, progress_s=session.progress_ns / 1e9,
            )  # fmt: skip

            def ask() -> Reply:
                return asyncio.run(ControlClient(tmp_path / "control", 10.0).act(action))

            def ask_twice() -> tuple[Reply, Reply]:
                first = ask()
                levers.may_return.set()
                return first, ask()

            first, second = await asyncio.to_thread(ask_twice)

    assert first.status is ReplyStatus.TIMED_OUT
    assert second.status is ReplyStatus.DONE
    assert levers.pulled == 1


class LosingLevers(RecordingLevers):
    discards = ("evict_session",)


async def test_a_lever_that_loses_messages_is_declared_and_reaches_the_agent(tmp_path: Path) -> None:
    async with Probe.open(tmp_path / "board", tmp_path / "c.sock", levers=LosingLevers(), capacity=2):
        info = await ControlClient(tmp_path / "c.sock").info()
        source = BoardSource(tmp_path / "board", tmp_path / "c.sock", SystemClock())
        async with asyncio.timeout(20):
            while not source.discards:
                await source.sample()
                await asyncio.sleep(0)
        await source.close()

    assert info is not None
    assert info["discards"] == ["evict_session"]
    assert source.discards == {ActionKind.EVICT_SESSION}


def test_a_discarding_lever_that_the_gateway_does_not_have_is_refused_at_the_start(tmp_path: Path) -> None:
    class Misspelt(RecordingLevers):
        discards = ("evict_sesion",)

    with pytest.raises(ValueError, match="evict_sesion"):
        Probe.open(tmp_path / "board", tmp_path / "c.sock", levers=Misspelt(), capacity=2)
