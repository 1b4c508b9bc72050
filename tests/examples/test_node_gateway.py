"""``examples/node_*.js``: a gateway that is not Python, read and repaired by the real agent."""

import asyncio
import http.client
import json
import os
import socket
import stat
import subprocess
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from livewatch.clock import SystemClock
from livewatch.probe import layout
from livewatch.sources.board import BoardSource
from livewatch_classifiers.model import Session, Snapshot
from livewatch_classifiers.vocabulary import LaneKind, SessionState
from tests.docs.openapi import Answer, Document, request
from tests.examples.stage import EXAMPLES, ExampleStage, node
from tests.waiting import DEADLINE_S, until

CONTROL = Document("control")


class Gateway:
    """The example on a free port, and people who talk to it."""

    def __init__(self, stage: ExampleStage) -> None:
        self.stage = stage
        self.process = stage.start(node(), EXAMPLES / "node_gateway.js", 0, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.people = ThreadPoolExecutor(8)
        until(stage.control.exists, "the gateway's control socket")

    def say(self, session: str, text: str) -> "Future[str]":
        """Send a message and return before it is answered."""
        return self.people.submit(self._post, session, text)

    def _post(self, session: str, text: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", f"/sessions/{session}", text)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def act(self, key: str, session: Session, /, **changed: Any) -> Answer:
        """Ask for an abort of exactly what was seen, or of something else."""
        assert session.run is not None
        assert session.progress_s is not None
        facts: dict[str, Any] = {
            "kind": "abort_run",
            "session": session.key,
            "generation": session.generation,
            "run_id": session.run.id,
            "handle": session.run.handle,
            "progress_ns": round(session.progress_s * 1e9),
            "idempotency_key": key,
            "cause": "by the test",
        }
        body = json.dumps({name: value for name, value in (facts | changed).items() if value is not None}).encode()
        answer = request(self.stage.control, "POST", "/v1/actions", body)
        CONTROL.check("POST", "/v1/actions", answer)
        return answer


@pytest.fixture(name="gateway")
def fixture_gateway(stage: ExampleStage) -> Generator[Gateway]:
    gateway = Gateway(stage)
    yield gateway
    gateway.process.kill()  # so that nobody waits for an answer any more
    gateway.people.shutdown()


def seen(stage: ExampleStage) -> Snapshot:
    """Look once, as the agent does."""

    async def look() -> Snapshot:
        source = BoardSource(stage.board, None, SystemClock())
        try:
            return await source.sample()
        finally:
            await source.close()

    return asyncio.run(look())


def test_the_script_has_the_layout_of_this_build() -> None:
    code = "console.log(JSON.stringify(require(process.argv[1]).LAYOUT))"
    command = [node(), "-e", code, EXAMPLES / "node_writer.js"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    where = layout.Layout(1)

    assert told == {
        "VERSION": layout.VERSION,
        "HEADER": list(layout.HEADER_FIELDS),
        "COLUMNS": list(layout.COLUMNS),
        "RECORD": list(layout.RECORD_FIELDS),
        "TEXT": layout.TEXT_FIELDS,
        "LANES": list(layout.LANES),
        "STATES": list(layout.STATES),
        "ACTIVITIES": list(layout.ACTIVITIES),
        "PHASES": list(layout.PHASES),
        "STALLS_AT": where.stalls_at,
        "HISTOGRAM_AT": where.histogram_at,
        "HEADER_BYTES": where.header_bytes,
        "RECORD_BYTES": layout.RECORD_BYTES,
    }


def test_the_agent_reads_what_the_script_writes(gateway: Gateway) -> None:
    long_key = "k" * 95 + "ü" * 20
    gateway.say("idle", "hello").result(DEADLINE_S)
    gateway.say(long_key.replace("ü", "%C3%BC"), "hello").result(DEADLINE_S)
    gateway.say("busy", "hang")
    until(lambda: "busy" in seen(gateway.stage).sessions, "the session")
    gateway.say("busy", "later")
    until(lambda: seen(gateway.stage).sessions.get("busy", Session("")).queued == 1, "a message that waits")
    snapshot = seen(gateway.stage)
    idle, busy = snapshot.sessions["idle"], snapshot.sessions["busy"]

    assert (idle.state, idle.run, idle.activity, idle.queued) == (SessionState.IDLE, None, None, 0)
    assert idle.lane_kind is LaneKind.SESSION
    assert busy.state is SessionState.PROCESSING
    assert busy.run is not None
    assert busy.run.timeout_s == 600.0
    assert busy.activity is not None
    assert (busy.activity.name, busy.activity.run_id) == ("echo-1", busy.run.id)
    (shortened,) = (key for key in snapshot.sessions if key.startswith("kkk"))
    assert len(shortened.encode()) == 96
    assert shortened[-11] == "~"
    assert snapshot.identity is not None
    assert snapshot.identity.pid == gateway.process.pid
    assert snapshot.counters["unreadable_fields"] == snapshot.counters["torn_slots"] == 0
    assert [stat.S_IMODE(path.stat().st_mode) for path in (gateway.stage.board, gateway.stage.control)] == [0o600] * 2


def test_a_hung_model_call_is_aborted_and_the_message_behind_it_answered(gateway: Gateway) -> None:
    stage = gateway.stage
    gateway.say("healthy", "hello").result(DEADLINE_S)
    stage.watch()
    healthy, sick = gateway.say("healthy", "drip 60"), gateway.say("sick", "hang")
    until(lambda: stage.status()["sessions"]["total"] == 2, "both sessions")
    behind = gateway.say("sick", "still there?")

    assert sick.result(DEADLINE_S).startswith("error: aborted, stalled/active_work_without_progress")
    assert behind.result(DEADLINE_S) == "still there?"
    assert healthy.result(DEADLINE_S).split() == [str(number) for number in range(60)]
    until(lambda: stage.actions() == [("sick", "abort_run", "recovered")], "the outcome, and nothing else")


def test_a_run_that_ignores_its_abort_is_cleared_and_its_lane_goes_on(gateway: Gateway) -> None:
    stage = gateway.stage
    gateway.say("zombie", "hello").result(DEADLINE_S)
    stage.watch()
    deaf = gateway.say("zombie", "deaf")
    until(lambda: stage.status()["running"] == ["zombie"], "the run")
    behind = gateway.say("zombie", "still there?")

    assert deaf.result(DEADLINE_S).startswith("error: cleared, stuck/zombie_run")
    assert behind.result(DEADLINE_S) == "still there?"
    expected = [("zombie", "abort_run", "ineffective"), ("zombie", "force_clear", "recovered")]
    until(lambda: stage.actions() == expected, "both rungs")


def test_a_lane_that_nobody_let_go_is_released(gateway: Gateway) -> None:
    stage = gateway.stage
    stage.watch()
    gateway.say("orphan", "orphan").result(DEADLINE_S)
    behind = gateway.say("orphan", "still there?")

    assert behind.result(DEADLINE_S) == "still there?"
    until(lambda: stage.actions() == [("orphan", "release_lane", "recovered")], "the outcome")


def test_a_drain_lets_what_is_alive_finish_and_ends_the_process(gateway: Gateway) -> None:
    stage = gateway.stage
    stage.watch()
    alive = gateway.say("s", "drip 20")
    until(lambda: stage.status()["running"] == ["s"], "a run")
    drained = stage.run("drain", "--timeout", "10s", "--yes")

    assert alive.result(DEADLINE_S).split() == [str(number) for number in range(20)]
    assert (drained.returncode, gateway.process.wait(DEADLINE_S)) == (0, 0)
    assert not stage.board.exists()


def test_every_answer_of_the_control_socket_is_as_its_document_tells(gateway: Gateway) -> None:
    gateway.say("s", "hang")
    until(lambda: "s" in seen(gateway.stage).sessions, "the session")
    until(lambda: seen(gateway.stage).sessions["s"].activity is not None, "the model call")
    session, told = seen(gateway.stage).sessions["s"], dict[str, str]()
    CONTROL.check("GET", "/v1/info", request(gateway.stage.control, "GET", "/v1/info"))
    for name, changed in {
        "generation": {"generation": 1},
        "run_id": {"run_id": None},
        "handle": {"handle": "another"},
        "progress": {"progress_ns": 1},
        "session": {"session": "another"},
        "unsupported": {"kind": "wake"},
        "released": {"kind": "release_lane"},
    }.items():
        answer = gateway.act(name, session, **changed)
        assert answer.document["status"] in ("refused", "unsupported")
        told[name] = answer.document["check"] or answer.document["status"]
    done, again = gateway.act("abort", session), gateway.act("abort", session)
    bad = [
        request(gateway.stage.control, "POST", "/v1/actions", b"[]"),
        request(gateway.stage.control, "POST", "/v1/actions", b'{"kind": "drain", "idempotency_key": ""}'),
        request(gateway.stage.control, "POST", "/v1/actions", b'{"kind": "drain", "idempotency_key": "d", "x": 1}'),
        request(gateway.stage.control, "POST", "/v1/actions", b"", Content_Length="70000"),
        request(gateway.stage.control, "GET", "/nothing"),
    ]
    for answer in bad:
        CONTROL.check_at("/components/schemas/Error", answer.document)

    assert told == {name: name for name in told} | {"released": "owner"}
    assert done == again
    assert done.document == {"status": "done", "check": None, "detail": "", "released": None}
    assert [answer.status for answer in bad] == [400, 400, 400, 413, 404]


def test_a_blocked_loop_is_seen_and_what_it_could_not_take_up_never_happens(gateway: Gateway) -> None:
    stage = gateway.stage
    hung = gateway.say("s", "hang")
    until(lambda: "s" in seen(stage).sessions, "the session")
    stage.watch("--mode", "observe")
    pipe = stage.folder / "pipe"
    os.mkfifo(pipe)
    gateway.say("blocker", f"block {pipe}")

    def state() -> str:
        return str((stage.status()["vitals"] or {}).get("state"))

    until(lambda: state() == "unresponsive", "a loop that stands")
    session = seen(stage).sessions["s"]
    void = gateway.act("void", session)
    info = request(stage.control, "GET", "/v1/info").document
    pipe.write_bytes(b"go on")
    until(lambda: state() in ("responsive", "degraded"), "a loop that turns again")
    after = gateway.act("after", session, generation=1)  # taken up after whatever was still on its way

    void_detail = "loop: blocked; the action is void"
    assert void.document == {"status": "timed_out", "check": None, "detail": void_detail, "released": None}
    assert info["runs"] == 2
    assert after.document["status"] == "refused"
    assert not hung.done()
    assert seen(stage).sessions["s"].run == session.run


CHURN = """
const { Board, Session } = require(process.argv[1]);
const board = new Board(process.argv[2], 4);
const session = new Session(board, "churn");
board.start();
board.ready();
let n = 0;
function churn() {
  for (let i = 0; i < 50; i += 1) {
    n += 1;
    const run = session.begin(`run-${n}`, n);
    session.change({ activity: 1, activity_owner: 1, queued: n }, { id: `run-${n}`, activity_run: `run-${n}` });
    session.progress();
    session.end(run);
  }
  setImmediate(churn);
}
churn();
console.log("ready");
"""


def test_a_reader_never_believes_half_a_change(stage: ExampleStage) -> None:
    process = stage.start(node(), "-e", CHURN, EXAMPLES / "node_writer.js", stage.board, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    async def looks() -> list[Session]:
        source = BoardSource(stage.board, None, SystemClock())
        found: dict[int | None, Session] = {}
        deadline_s = time.monotonic() + DEADLINE_S
        while len(found) < 100:
            assert time.monotonic() < deadline_s, f"only {len(found)} states were seen"
            for session in (await source.sample()).sessions.values():
                found[session.generation] = session
        await source.close()
        return list(found.values())

    sessions = asyncio.run(looks())
    running = [s for s in sessions if s.run is not None and s.activity is not None and s.activity.run_id == s.run.id]

    for session in sessions:
        assert session.key == "churn"
        if session.run is not None:
            assert session.run.timeout_s == pytest.approx(int(session.run.id.removeprefix("run-")) / 1e3)
            assert session.state is SessionState.PROCESSING
        else:
            assert session.state is SessionState.IDLE
    for session in running:
        assert session.id == session.run.id == f"run-{session.queued}"  # type: ignore[union-attr]  # they have a run
    assert running


def test_a_caller_that_goes_away_hurts_nobody(gateway: Gateway) -> None:
    with socket.socket(socket.AF_UNIX) as half:
        half.connect(str(gateway.stage.control))
        half.sendall(b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")

    CONTROL.check("GET", "/v1/info", request(gateway.stage.control, "GET", "/v1/info"))
    assert gateway.say("s", "hello").result(DEADLINE_S) == "hello"
    assert gateway.process.poll() is None
