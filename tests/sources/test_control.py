"""The control client against real UNIX sockets that behave, refuse, hang, lie and drown."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from livewatch.sources.board import BoardSource
from livewatch.sources.control import ControlClient
from livewatch_classifiers.decision import Action, RefusedCheck, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Reason
from tests.sources.board_on_disk import Board, Clock

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
ACTION = Action(
    ActionKind.ABORT_RUN,
    "agent:main",
    "key-1",
    "silent for 300 s",
    Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
    generation=7,
    run_id="r-1",
    handle="h-1",
    progress_s=86_400.123_456_789,
)


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return tmp_path / "control"


@contextlib.asynccontextmanager
async def serving(at: Path, answer: Answer) -> AsyncIterator[list[bytes]]:
    """Serve one answer to every request; yields the requests seen."""
    requests: list[bytes] = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        requests.append(head + await reader.readexactly(length))
        with contextlib.suppress(ConnectionError):
            await answer(requests[-1], writer)
            if answer is hang:
                await over.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, at)
    try:
        yield requests
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def hang(_request: bytes, _writer: asyncio.StreamWriter) -> None:
    """Say nothing."""


def says(document: object, status: int = 200, head: str = "") -> Answer:
    body = json.dumps(document).encode()
    return sends(f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def sends(data: bytes) -> Answer:
    async def answer(_request: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


async def test_an_action_arrives_whole_and_its_reply_comes_back(at: Path) -> None:
    async with serving(at, says({"status": "done", "detail": "gone\nnow", "released": 1})) as requests:
        reply = await ControlClient(at).act(ACTION)
    assert reply == Reply(ReplyStatus.DONE, "gone now", 1)
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/actions HTTP/1.1\r\n")
    document = json.loads(body)
    assert abs(document.pop("progress_ns") - 86_400_123_456_789) < 1000
    assert document == {
        "kind": "abort_run",
        "session": "agent:main",
        "idempotency_key": "key-1",
        "cause": "silent for 300 s",
        "reason": "active_work_without_progress",
        "generation": 7,
        "run_id": "r-1",
        "handle": "h-1",
    }


async def test_a_refusal_is_a_refusal(at: Path) -> None:
    async with serving(at, says({"status": "refused", "detail": "generation"}, 409)):
        assert await ControlClient(at).act(ACTION) == Reply(ReplyStatus.REFUSED, "generation")


@pytest.mark.parametrize(
    ("document", "check"),
    [
        ({"detail": "it moved", "check": "progress"}, RefusedCheck.PROGRESS),
        ({"detail": "run: of a newer gateway", "check": "colour"}, RefusedCheck.LEVER),
        ({"detail": "generation: is 13 now"}, RefusedCheck.GENERATION),
        ({"detail": "run: none is registered now"}, RefusedCheck.RUN_ID),
        ({"detail": "running out of patience"}, None),
        ({"detail": "weather: bad"}, None),
    ],
)
async def test_which_check_refused_is_a_member_and_for_older_gateways_the_first_word(
    at: Path, document: dict[str, str], check: RefusedCheck | None
) -> None:
    async with serving(at, says({"status": "refused"} | document)):
        assert (await ControlClient(at).act(ACTION)).check is check


async def test_a_request_that_the_gateway_cannot_read_is_refused_and_not_waited_for(at: Path) -> None:
    refused = Reply(ReplyStatus.REFUSED, "generation: not a number", check=RefusedCheck.REQUEST)
    async with serving(at, says({"error": "generation: not a number"}, 400)):
        assert await ControlClient(at).act(ACTION) == refused


async def test_an_error_document_keeps_the_gateways_words(at: Path) -> None:
    async with serving(at, says({"error": "no such path"}, 404)):
        assert await ControlClient(at).act(ACTION) == Reply(ReplyStatus.FAILED, "no such path")


async def test_an_answer_without_length_ends_with_the_connection(at: Path) -> None:
    async with serving(at, sends(b'HTTP/1.1 200 OK\r\n\r\n{"status": "done"}')):
        assert (await ControlClient(at).act(ACTION)).status is ReplyStatus.DONE


async def test_an_answer_in_chunks_is_put_together(at: Path) -> None:
    """Node sends so whenever nobody gave it a length."""
    chunks = b'9;x=y\r\n{"status"\r\nA\r\n: "done"  \r\n1\r\n}\r\n0\r\n\r\n'
    async with serving(at, sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)):
        assert await ControlClient(at).act(ACTION) == Reply(ReplyStatus.DONE)


def chunked(body: bytes) -> Answer:
    return sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (sends(b""), "closed the connection"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"), "closed the connection"),
        (sends(b"\x00\xff\r\n\r\n"), "not HTTP"),
        (sends(b"HTTP/1.1 twohundred OK\r\n\r\n"), "not HTTP"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "no valid length"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{{{"), "not JSON"),
        (sends(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 60_000), "not JSON"),
        (says([1, 2]), "not a JSON object"),
        (says({"status": "maybe"}), "without a status"),
        (says({"status": ["done"]}), "without a status"),
        (says({}, 500), "500"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"), "too long"),
        (sends(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000), "too long"),
        (sends(b"x" * 200_000), "too long"),
        (chunked(b"9\r\n{"), "closed the connection"),
        (chunked(b"nine\r\n{}\r\n"), "no valid length"),
        (chunked(b"-1\r\n{}\r\n"), "no valid length"),
        (chunked(b"\r\n{}\r\n"), "no valid length"),
        (chunked(b"FFFFF\r\n" + b"x" * 100_000), "too long"),
        (chunked((b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3), "too long"),
        (chunked(b"x" * 100_000), "too long"),
    ],
)
async def test_an_unusable_answer_is_a_failure_that_says_why(at: Path, answer: Answer, detail: str) -> None:
    async with serving(at, answer):
        reply = await ControlClient(at).act(ACTION)
        assert reply.status is ReplyStatus.FAILED
        assert detail in reply.detail
        assert "\n" not in reply.detail


async def test_a_gateway_that_accepts_and_says_nothing_times_out(at: Path) -> None:
    async with serving(at, hang):
        assert (await ControlClient(at, timeout_s=0.05).act(ACTION)).status is ReplyStatus.TIMED_OUT
        assert await ControlClient(at, timeout_s=0.05).info() is None


async def test_a_gateway_that_never_accepts_is_bounded_too(at: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))
        listener.listen(0)
        replies = await asyncio.gather(*(ControlClient(at, timeout_s=0.05).act(ACTION) for _ in range(5)))
    assert {reply.status for reply in replies} <= {ReplyStatus.TIMED_OUT, ReplyStatus.FAILED}


async def test_a_socket_that_is_missing_or_deaf_is_named(at: Path) -> None:
    assert "no control socket" in (await ControlClient(at).act(ACTION)).detail
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))
        assert "nobody listens" in (await ControlClient(at).act(ACTION)).detail


async def test_a_path_too_long_for_a_socket_is_a_failure(tmp_path: Path) -> None:
    reply = await ControlClient(tmp_path / ("x" * 300)).act(ACTION)
    assert reply.status is ReplyStatus.FAILED


async def test_a_link_a_file_and_a_foreign_socket_are_refused(
    at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(at, says({"status": "done"})) as requests:
        link, file = tmp_path / "link", tmp_path / "file"
        link.symlink_to(at)
        file.write_bytes(b"")
        assert "not a socket" in (await ControlClient(link).act(ACTION)).detail
        assert "not a socket" in (await ControlClient(file).act(ACTION)).detail
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert "belongs to uid" in (await ControlClient(at).act(ACTION)).detail
        assert not requests


async def test_a_source_without_socket_asks_for_nothing(tmp_path: Path) -> None:
    source = BoardSource(tmp_path / "board", None, Clock())
    assert source.capabilities == frozenset()
    assert (await source.act(ACTION)).status is ReplyStatus.UNSUPPORTED
    await source.close()


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"capabilities": ["wake", "restart_target", "fly", 3]}, {ActionKind.WAKE}),
        ({"capabilities": ["wake"], "pid": 1}, set()),
    ],
)
async def test_capabilities_are_what_the_gateway_of_this_board_offers(
    at: Path, tmp_path: Path, info: dict[str, Any], expected: set[ActionKind]
) -> None:
    board = Board(tmp_path / "board")
    source = BoardSource(board.path, at, Clock())
    assert source.capabilities == set(ActionKind) - {ActionKind.RESTART_TARGET}
    async with serving(at, says(info)) as requests:
        await source.sample()
        asking = source._asking
        assert asking is not None
        await asking
        await source.sample()
    assert requests[0].startswith(b"GET /v1/info HTTP/1.1\r\n")
    assert source.capabilities == expected
    await source.close()
    await source.close()
    board.close()


async def test_what_a_gateway_says_it_throws_away_is_known(at: Path, tmp_path: Path) -> None:
    board = Board(tmp_path / "board")
    source = BoardSource(board.path, at, Clock())
    info = {"capabilities": ["evict_session"], "discards": ["evict_session", "restart_target", "fly", 3]}
    async with serving(at, says(info)):
        await source.sample()
        asking = source._asking
        assert asking is not None
        await asking
    assert source.discards == {ActionKind.EVICT_SESSION, ActionKind.RESTART_TARGET}
    await source.close()
    board.close()


async def test_a_gateway_that_does_not_answer_is_asked_again_later(at: Path, tmp_path: Path) -> None:
    board, clock = Board(tmp_path / "board"), Clock()
    source = BoardSource(board.path, at, clock)
    await source.sample()
    asking = source._asking
    assert asking is not None
    await asking
    await source.sample()
    assert source._asking is None
    clock.now_s += 5
    async with serving(at, says({"capabilities": []})):
        await source.sample()
        asking = source._asking
        assert asking is not None
        await asking
    assert source.capabilities == frozenset()
    await source.close()
    board.close()
