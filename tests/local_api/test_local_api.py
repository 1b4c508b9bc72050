"""The local API over a real socket."""

import asyncio
import os
import pwd
import socket
import stat
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import explain as explain_command
from livewatch.cli import status as status_command
from livewatch.local_api import views
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.history import History
from livewatch.local_api.requests import Nothing, Request, SessionRequest
from livewatch.local_api.server import ApiError, Handler, LocalApi
from livewatch.sources.base import SourceError
from livewatch_classifiers.decision import Person
from tests.test_agent import Stage


class Echoed(Request, frozen=True):
    """Anything that the tests say to it."""

    a: str = ""


async def echo(request: Echoed, _caller: Person) -> dict[str, Any]:
    return {"a": request.a} if request.a else {}


async def whoami(_request: Nothing, caller: Person) -> dict[str, Any]:
    return {"who": caller.name, "uid": caller.uid}


HANDLERS = {
    ("GET", "/e"): Handler(Echoed, echo),
    ("POST", "/e"): Handler(Echoed, echo),
    ("GET", "/w"): Handler(Nothing, whoami),
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    server = LocalApi(tmp_path / "a.sock", HANDLERS)
    await server.start()
    yield server
    await server.close()
    await server.close()


async def raw(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""  # refused in the middle of what it sent
        finally:
            writer.close()


async def test_parameters_travel_both_ways_and_the_socket_is_private(api: LocalApi) -> None:
    assert await asyncio.to_thread(ask, api.path, "GET", "/e", a="1 &ü") == {"a": "1 &ü"}
    assert await asyncio.to_thread(ask, api.path, "POST", "/e", a="1", b=None) == {"a": "1"}
    assert stat.S_IMODE(api.path.stat().st_mode) == 0o600


async def test_a_client_cannot_say_that_it_is_somebody_else(api: LocalApi) -> None:
    answer = await asyncio.to_thread(ask, api.path, "GET", "/w")
    assert answer == {"who": pwd.getpwuid(os.getuid()).pw_name, "uid": os.getuid()}
    with pytest.raises(AgentRefused, match='no parameter "who"'):
        await asyncio.to_thread(ask, api.path, "GET", "/w", who="the president")


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        (b"\x00\r\n\r\n", b"400"),
        (b"GET //[ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /e HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
        (b"POST /e HTTP/1.1\r\nContent-Length: 999999\r\n\r\n", b"413"),
        (b"POST /e HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /e HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", b"400"),
        (b"POST /e HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b"[" * 60000, b"400"),
        (b"GET /nothing HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /e HTTP/1.1\r\nA: " + b"x" * 70000, b""),
    ],
    ids=range(9),
)
async def test_a_bad_request_gets_an_answer_or_a_closed_door(
    api: LocalApi, request_bytes: bytes, answer: bytes
) -> None:
    assert (await raw(api.path, request_bytes))[9:12] == answer
    assert await asyncio.to_thread(ask, api.path, "GET", "/e", a="still") == {"a": "still"}


async def test_a_slow_client_is_let_go(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewatch.local_api.server._TIMEOUT_S", 0.01)
    assert await raw(api.path, b"GET /e HT") == b""


async def test_a_live_socket_is_refused_and_a_stale_one_replaced(api: LocalApi, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="answers there"):
        await LocalApi(api.path, {}).start()
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stale))
    second = LocalApi(stale, {("GET", "/e"): Handler(Echoed, echo)})
    await second.start()
    assert await asyncio.to_thread(ask, stale, "GET", "/e") == {}
    await second.close()
    assert not stale.exists()


async def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("x", encoding="utf-8")
    with pytest.raises(OSError, match="not a socket"):
        await LocalApi(precious, {}).start()
    assert precious.read_text(encoding="utf-8") == "x"


async def test_nobody_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AgentUnreachable, match="livewatch run"):
        ask(tmp_path / "none.sock", "GET", "/e")


async def test_status_and_explain_read_well_and_end_with_the_documented_codes(tmp_path: Path) -> None:
    stage, history = Stage(), History()

    async def status(_request: Nothing, _caller: Person) -> dict[str, Any]:
        return views.status(stage.agent, history) | {"holds": [], "locks": []}

    async def explain(request: SessionRequest, _caller: Person) -> dict[str, Any]:
        document = views.explain(stage.agent, request.session)
        if document is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "no_such_session", "no such session")
        return document

    path = tmp_path / "a.sock"
    api = LocalApi(
        path,
        {("GET", "/v1/status"): Handler(Nothing, status), ("GET", "/v1/explain"): Handler(SessionRequest, explain)},
    )
    await api.start()

    async def run(command: Any, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, command, [*arguments, "--agent", str(path)])

    await stage.tick()
    sick = await run(status_command.command)
    told = await run(explain_command.command, "s")
    unknown = await run(explain_command.command, "other")
    stage.source.sessions = {}
    await stage.tick()
    quiet = await run(status_command.command)
    stage.source.problem = SourceError("no board", "start it")
    await stage.tick()
    blind = await run(status_command.command)
    await api.close()
    nobody = await run(status_command.command)

    assert [r.exit_code for r in (sick, told, unknown, quiet, blind, nobody)] == [1, 0, 1, 0, 1, 3]
    assert "1 sessions: 1 stuck" in sick.output
    assert "stuck / zombie_run" in told.output
    assert "force_clear: was sent" in told.output
    assert "?" not in sick.output
    assert "sessions unknown while the gateway cannot be read" in blind.output
