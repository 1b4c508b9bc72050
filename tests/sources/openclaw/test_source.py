"""The source against a server that speaks the protocol: what it asks for, and what it survives."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from livewatch.clock import SystemClock
from livewatch.guard.owner import GatewayOwner
from livewatch.sources.base import SourceError
from livewatch.sources.openclaw import source as module
from livewatch.sources.openclaw.source import OpenClawSource
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import Snapshot, Vitals
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vitals import classify_vitals
from livewatch_classifiers.vocabulary import ActionKind, Attention, Presence, ProcessState, Reason, VitalsState
from tests.sources.openclaw.fake_gateway import FakeGateway, eventually, ok, refused, until

KEY = "agent:main:s"


@pytest.fixture(name="gateway")
async def _gateway() -> AsyncGenerator[FakeGateway]:
    async with FakeGateway().serving() as gateway:
        yield gateway


@pytest.fixture(name="source")
async def _source(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[OpenClawSource]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(module, "POLL_S", 0.05)
    monkeypatch.setattr(module, "_BACKOFF_S", (0.05, 0.1))
    source = OpenClawSource(SystemClock(), name="gw", url=gateway.url, acts=True)
    yield source
    await source.close()
    await source.close()


def agent(run: str, phase: str, stream: str = "run_status") -> dict[str, Any]:
    return {"sessionKey": KEY, "runId": run, "stream": stream, "data": {"phase": phase}, "ts": 5}


def abort(run: str | None, progress_s: float | None = None) -> Action:
    return Action(
        ActionKind.ABORT_RUN, KEY, "k", "silent", Reason.ACTIVE_WORK_WITHOUT_PROGRESS, run_id=run,
        progress_s=progress_s, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    )  # fmt: skip


async def seen_run(gateway: FakeGateway, source: OpenClawSource, run: str = "r1") -> None:
    await source.sample()
    await gateway.say("agent", agent(run, "starting_model"))

    async def known() -> bool:
        return KEY in (await source.sample()).sessions

    await eventually(known, "the session")


async def test_it_asks_for_no_more_rights_than_it_uses(gateway: FakeGateway) -> None:
    reader = OpenClawSource(SystemClock(), name="gw", url=gateway.url)
    await reader.sample()
    (connect,) = [request for request in gateway.asked if request["method"] == "connect"]
    assert connect["params"]["scopes"] == ["operator.read"]
    assert connect["params"]["caps"] == []
    assert (await reader.act(abort("r1"))).status is ReplyStatus.REFUSED
    assert gateway.count("sessions.abort") == 0
    await reader.close()


async def test_an_abort_names_session_and_run_and_never_clears_the_queue(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    gateway.answers["sessions.abort"] = lambda asked: ok({"abortedRunId": asked["runId"], "status": "aborted"})
    await seen_run(gateway, source)
    reply = await source.act(abort("r1"))
    (request,) = [request for request in gateway.asked if request["method"] == "sessions.abort"]
    assert reply.status is ReplyStatus.DONE
    assert request["params"] == {"key": KEY, "runId": "r1"}
    assert request["traceparent"].startswith("00-")


async def test_a_run_that_is_not_the_judged_one_or_has_moved_is_left_alone(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    await seen_run(gateway, source)
    replies = [await source.act(action) for action in (abort("r2"), abort(None), abort("r1", progress_s=1.0))]
    assert {reply.status for reply in replies} == {ReplyStatus.REFUSED}
    assert gateway.count("sessions.abort") == 0


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (ok({"abortedRunId": None, "status": "no-active-run"}), ReplyStatus.REFUSED),
        (refused("INVALID_REQUEST", "unauthorized"), ReplyStatus.FAILED),
        (ok([]), ReplyStatus.REFUSED),
    ],
)
async def test_what_the_gateway_answers_is_what_is_reported(
    gateway: FakeGateway, source: OpenClawSource, answer: dict[str, Any], status: ReplyStatus
) -> None:
    gateway.answers["sessions.abort"] = lambda _: answer
    await seen_run(gateway, source)
    assert (await source.act(abort("r1"))).status is status


async def test_nothing_else_is_offered(source: OpenClawSource) -> None:
    assert source.capabilities == {ActionKind.ABORT_RUN}
    reply = await source.act(Action(ActionKind.RELEASE_LANE, KEY, "k", "c", Reason.IDLE))
    assert reply == Reply(ReplyStatus.UNSUPPORTED, "OpenClaw offers no release_lane from outside")


async def test_a_refused_token_is_said_with_what_to_do(gateway: FakeGateway, source: OpenClawSource) -> None:
    gateway.answers["connect"] = lambda _: refused("UNAUTHORIZED", "token mismatch")
    with pytest.raises(SourceError, match=r"token mismatch.*--token-file"):
        await source.sample()


async def test_a_token_that_was_changed_in_its_file_is_taken_up_and_an_old_one_never_repeated(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BACKOFF_S", (0.01, 0.02))
    path = tmp_path / "token"

    def write(token: str) -> None:
        path.write_text(token, encoding="utf-8")
        path.chmod(0o600)

    def connect(params: dict[str, Any]) -> dict[str, Any]:
        if params["auth"]["token"] == "new-0ne":
            return ok({"type": "hello-ok", "server": {"version": "2026.9.6"}})
        return refused("UNAUTHORIZED", f"token mismatch: {params['auth']['token']}")

    gateway.answers["connect"] = connect
    write("0ld-one")
    source = OpenClawSource(SystemClock(), name="gw", url=gateway.url, token_file=path)
    with pytest.raises(SourceError) as caught:
        await source.sample()
    write("new-0ne")

    async def connected() -> bool:
        with contextlib.suppress(SourceError):
            await source.sample()
            return True
        return False

    await eventually(connected, "the new token")
    await source.close()
    assert "0ld-one" not in str(caught.value)


async def test_whoever_took_the_gateways_port_while_it_was_down_does_not_get_the_token(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret", encoding="utf-8")
    path.chmod(0o600)
    looked: list[object] = []

    def somebody(*ends: object) -> int:
        looked.append(ends)
        return 54321

    monkeypatch.setattr("livewatch.sources.openclaw.wire.server_uid", somebody)
    source = OpenClawSource(SystemClock(), name="gw", url=gateway.url, token_file=path, owner=GatewayOwner(54399))
    with pytest.raises(SourceError, match=r"uid 54321 listens at the gateway's port; the token was not sent"):
        await source.sample()
    await source.close()
    assert gateway.asked == []
    assert looked

    named = OpenClawSource(SystemClock(), name="gw", url=gateway.url, token_file=path, owner=GatewayOwner(54321))
    await named.sample()
    await named.close()
    assert gateway.count("connect") == 1


async def test_a_gateway_that_starts_is_asked_again_when_it_says_so(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    starting = [refused("UNAVAILABLE", "starting", retryable=True, retryAfterMs=10)] * 3
    gateway.answers["connect"] = lambda _: starting.pop() if starting else ok({"server": {}})
    await source.sample()
    assert gateway.count("connect") == 4


async def test_a_lost_connection_is_told_and_made_again(gateway: FakeGateway, source: OpenClawSource) -> None:
    await seen_run(gateway, source)
    gateway.rows = [{"key": KEY, "hasActiveRun": True, "activeRunIds": None, "status": "running"}]
    await gateway.drop()
    await until(lambda: gateway.count("connect") == 2, "a second connection")
    seen: list[Snapshot] = []

    async def back() -> bool:
        with contextlib.suppress(SourceError):
            seen.append(await source.sample())
        return bool(seen)

    await eventually(back, "a look after the loss")
    session = seen[0].sessions[KEY]
    assert (session.run, session.owner) == (None, Presence.UNKNOWN)  # what went on meanwhile was not heard
    assert seen[0].counters["resynchronised"] == 2


async def test_another_instance_is_another_gateway(gateway: FakeGateway, source: OpenClawSource) -> None:
    await seen_run(gateway, source)
    before = (await source.sample()).identity
    gateway.instance = "two"
    await gateway.drop()
    await until(lambda: gateway.count("connect") == 2, "a second connection")
    await until(lambda: source._identity != before, "another identity")
    assert not source._tracker.sessions()


async def test_missed_events_and_nonsense_are_counted_and_never_fatal(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    await seen_run(gateway, source)
    for frame in ("{", "[]", "3", '{"type": "res", "id": 7}', '{"type": "event"}', b"\x00\xff"):
        await gateway.send(frame)
    await gateway.say("never.heard.of", {"x": 1})
    await gateway.say("agent", {"sessionKey": KEY, "stream": 3, "data": "no"}, seq=10)
    await gateway.say("tick", {}, seq=20)

    async def gap() -> bool:
        return (await source.sample()).counters["event_gaps"] == 1

    await eventually(gap, "a gap")
    counters = (await source.sample()).counters
    assert (counters["frames_unreadable"], counters["events_ignored"]) == (4, 1)


async def test_a_frame_beyond_the_bound_ends_the_connection_only(gateway: FakeGateway, source: OpenClawSource) -> None:
    await seen_run(gateway, source)
    await gateway.send("x" * (17 << 20))
    await until(lambda: gateway.count("connect") == 2, "a new connection")


async def test_a_flood_of_events_does_not_keep_the_agent_from_looking(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    await seen_run(gateway, source)
    flood = asyncio.ensure_future(_flood(gateway))
    for _ in range(20):
        await source.sample()
        await asyncio.sleep(0)
    flood.cancel()
    await asyncio.gather(flood, return_exceptions=True)
    assert (await source.sample()).sessions[KEY].progress_s is not None


async def test_a_ping_without_answer_is_a_loop_that_stands_and_ages_nobody(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    await seen_run(gateway, source)
    for connection in gateway.connected:
        connection.transport.pause_reading()
    seen: list[Vitals] = []

    async def silent() -> bool:
        seen.append((await source.sample()).vitals)
        return classify_vitals(seen[-1], Thresholds()).state is VitalsState.UNRESPONSIVE

    await eventually(silent, "a loop that stands")
    vitals = seen[-1]
    silent_s = vitals.now_s - (vitals.loop_heartbeat_s or 0.0)
    assert vitals.blind.overlap(vitals.now_s - silent_s, vitals.now_s) > 0.9 * silent_s
    for connection in gateway.connected:
        connection.transport.resume_reading()


async def test_the_gateways_own_verdicts_stand_beside_ours(gateway: FakeGateway, source: OpenClawSource) -> None:
    events: list[dict[str, Any]] = [{"seq": 1, "type": "session.stalled", "reason": "before we came"}]
    gateway.answers["diagnostics.stability"] = lambda _: ok({"lastSeq": len(events), "events": events})
    await source.sample()
    events.append({"seq": 2, "type": "session.long_running", "reason": "active_work"})

    async def heard() -> bool:
        return bool((await source.sample()).opinions)

    await eventually(heard, "an opinion")
    opinions = (await source.sample()).opinions
    assert [(opinion.attention, opinion.reason) for opinion in opinions] == [(Attention.LONG_RUNNING, "active_work")]


async def test_what_does_not_speak_the_protocol_is_told(gateway: FakeGateway, source: OpenClawSource) -> None:
    gateway.answers["connect"] = lambda _: {"ok": "perhaps"}
    with pytest.raises(SourceError):
        await source.sample()


async def _flood(gateway: FakeGateway) -> None:
    while True:
        await gateway.say("agent", agent("r1", "x", "assistant"))


async def test_only_the_gateways_own_process_is_watched(gateway: FakeGateway, source: OpenClawSource) -> None:
    """In a pod without a shared process namespace the gateway's pid is somebody else's here: perhaps our own."""
    told = {"pid": os.getppid(), "processInstanceId": "one", "uptimeMs": 60_000}
    gateway.answers["system.info"] = lambda _: ok(told)
    assert (await source.sample()).vitals.process is ProcessState.UNKNOWN
    told |= {"pid": os.getpid(), "processInstanceId": "two"}  # it listens on the port
    await gateway.drop()

    async def seen() -> bool:
        with contextlib.suppress(SourceError):
            return (await source.sample()).vitals.process is not ProcessState.UNKNOWN
        return False

    await eventually(seen, "its own process")


HUNG: dict[str, Any] = {
    "inFlightRun": {"runId": "r9", "text": "half", "startedAt": 1, "events": []},
    "pendingInputs": {"items": [], "total": 0},
    "sessionInfo": {"hasActiveRun": True, "status": "running"},
}


async def taken_up(gateway: FakeGateway, source: OpenClawSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attach late to a run that says nothing, and read until it is known."""
    monkeypatch.setattr("livewatch.sources.openclaw.tracked.CONFIRMED_AFTER_S", 0.05)
    monkeypatch.setattr("livewatch.sources.openclaw.cold_reads.EVERY_S", 0.02)
    gateway.rows = [{"key": KEY, "hasActiveRun": True, "activeRunIds": None, "status": "running"}]
    gateway.answers["chat.history"] = lambda _: ok(HUNG)
    gateway.answers["sessions.abort"] = lambda asked: ok({"abortedRunId": asked["runId"], "status": "aborted"})

    async def known() -> bool:
        return (await source.sample()).sessions[KEY].run is not None

    await eventually(known, "the run")


async def test_a_run_that_was_never_heard_is_looked_at_once_more_before_it_is_aborted(
    gateway: FakeGateway, source: OpenClawSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken_up(gateway, source, monkeypatch)
    moved = {**HUNG, "inFlightRun": {**HUNG["inFlightRun"], "text": "half and more"}}
    for answer in (
        ok(moved),
        refused("UNAVAILABLE"),
        ok({**HUNG, "sessionInfo": {"hasActiveRun": True, "status": "queued"}}),
    ):
        gateway.answers["chat.history"] = lambda _, answer=answer: answer  # type: ignore[misc]  # bound here
        source._tracker.to_read = lambda *_: []  # type: ignore[method-assign]  # only the look of the abort itself
        assert (await source.act(abort("r9"))).status is ReplyStatus.REFUSED
    assert gateway.count("sessions.abort") == 0
    gateway.answers["chat.history"] = lambda _: ok(HUNG)
    assert (await source.act(abort("r9"))).status is ReplyStatus.DONE
    (request,) = [request for request in gateway.asked if request["method"] == "sessions.abort"]
    assert request["params"] == {"key": KEY, "runId": "r9"}


async def test_a_run_whose_id_nobody_told_is_refused_as_unknown_and_not_as_another(
    gateway: FakeGateway, source: OpenClawSource
) -> None:
    gateway.rows = [{"key": KEY, "hasActiveRun": True, "activeRunIds": ["r1"], "status": "running"}]
    await source.sample()
    for run in (None, "r1"):
        reply = await source.act(abort(run))
        assert (reply.status, reply.detail) == (ReplyStatus.REFUSED, module.NOT_KNOWN)
    assert gateway.count("sessions.abort") == 0


async def test_reads_that_fail_leave_the_run_unknown_and_the_connection_alone(
    gateway: FakeGateway, source: OpenClawSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewatch.sources.openclaw.tracked.CONFIRMED_AFTER_S", 0.02)
    monkeypatch.setattr("livewatch.sources.openclaw.cold_reads.EVERY_S", 0.01)
    gateway.rows = [{"key": KEY, "hasActiveRun": True, "activeRunIds": None, "status": "running"}]
    gateway.answers["chat.history"] = lambda _: refused("INVALID_REQUEST")
    await source.sample()
    await until(lambda: gateway.count("chat.history") >= 3, "three reads")
    session = (await source.sample()).sessions[KEY]
    assert (session.run, session.owner, session.queued) == (None, Presence.UNKNOWN, None)
    assert gateway.count("connect") == 1
