"""What two readers of HTTP could understand differently is refused, on both sockets alike."""

from pathlib import Path

import pytest

from tests.security.servers import Server, request, serving

BOTH = pytest.mark.parametrize("server", list(Server))
BODY = b'{"kind": "drain", "session": "*", "idempotency_key": "k"}'
LENGTH = len(BODY)


def acting(target: str, *headers: str, body: bytes = BODY, line: str = "") -> bytes:
    return "\r\n".join([line or f"POST {target} HTTP/1.1", *headers, "", ""]).encode("latin-1") + body


@BOTH
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"Content-Length: +{LENGTH}"], b"400"),
        ([f"Content-Length: {LENGTH // 10}_{LENGTH % 10}"], b"400"),
        ([f"Content-Length: {LENGTH} {LENGTH}"], b"400"),
        ([f"Content-Length: {LENGTH},{LENGTH}"], b"400"),
        ([f"Content-Length: {LENGTH}.0"], b"400"),
        ([f"Content-Length: 0x{LENGTH:x}"], b"400"),
        ([f"Content-Length: \xb2{LENGTH}"], b"400"),
        (["Content-Length:"], b"400"),
        ([f"Content-Length: {LENGTH}", f"Content-Length: {LENGTH}"], b"400"),
        ([f"Content-Length: {LENGTH}", f"content-length: {LENGTH + 1}"], b"400"),
        ([f"Content-Length : {LENGTH}"], b"400"),
        ([f"Content-Length: {LENGTH}", "Transfer-Encoding: chunked"], b"501"),
        (["Transfer-Encoding: identity"], b"501"),
        ([f"Content-Length: {LENGTH}", "Expect: 100-continue"], b"417"),
        ([f"Content-Length: {LENGTH}", " folded"], b"400"),
        ([f"Content-Length: {LENGTH}", "No colon"], b"400"),
        ([f"Content-Length: {LENGTH}", "A: \x00"], b"400"),
        ([f"Content-Length: {LENGTH}", "A: b\nC: d"], b"400"),
        ([f"Content-Length: {LENGTH}", "A: \xfc"], b"400"),
        ([f"Content-Length: {LENGTH}", *(f"A{number}: b" for number in range(70))], b"431"),
        (["Content-Length: 65537"], b"413"),
        (["Content-Length: 99999999999999999999999999"], b"400"),
    ],
    ids=str,
)
async def test_a_head_that_is_not_plain_makes_nobody_act(
    server: Server, folder: Path, headers: list[str], status: bytes
) -> None:
    async with serving(server, folder / "s") as served:
        target = served.act_request().split()[1].decode()
        answer = await served.ask(acting(target, *headers))

        assert (answer[9:12], served.acted) == (status, 0)


@BOTH
@pytest.mark.parametrize(
    "line",
    ["POST  {} HTTP/1.1", "post {} HTTP/1.1", "POST {} HTTP/2", "POST {}", "POST {}\xe9 HTTP/1.1", "POST x{} HTTP/1.1"],
)
async def test_a_first_line_that_is_not_plain_is_refused(server: Server, folder: Path, line: str) -> None:
    async with serving(server, folder / "s") as served:
        target = served.act_request().split()[1].decode()
        answer = await served.ask(acting(target, f"Content-Length: {LENGTH}", line=line.format(target)))

        assert (answer[9:12], served.acted) == (b"400", 0)


@BOTH
@pytest.mark.parametrize(
    "body",
    [b"[]", b"3", b"{", b"\xff", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 60000, b'{"a": ' + b"9" * 5000 + b"}"],
)
async def test_a_body_that_is_no_plain_object_is_refused(server: Server, folder: Path, body: bytes) -> None:
    async with serving(server, folder / "s") as served:
        target = served.act_request().split()[1].decode()
        answer = await served.ask(request("POST", target, body))

        assert (answer[9:12], served.acted) == (b"400", 0)


@BOTH
async def test_other_methods_act_on_nothing(server: Server, folder: Path) -> None:
    async with serving(server, folder / "s") as served:
        target = served.act_request().split()[1].decode()
        answers = [await served.ask(request(method, target, BODY)) for method in ("PUT", "DELETE", "PATCH", "HEAD")]

        assert ([answer[9:12] for answer in answers], served.acted) == ([b"404"] * 4, 0)


@BOTH
async def test_a_plain_request_is_served(server: Server, folder: Path) -> None:
    async with serving(server, folder / "s") as served:
        assert (await served.ask(served.act_request()))[9:12] == b"200"
        assert served.acted == 1


async def test_who_sends_slowly_loses_his_place_in_the_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livewatch.probe.control._REQUEST_WITHIN_S", 0.05)
    async with serving(Server.PROBE, folder / "s") as served:
        assert await served.ask(b"GET /v1/info HT") == b""


@pytest.mark.parametrize("given", ['"nan"', "1e999", "-1", '"soon"'])
async def test_a_drain_without_an_end_is_refused(folder: Path, given: str) -> None:
    async with serving(Server.PROBE, folder / "s") as served:
        body = b'{"kind": "drain", "session": "*", "idempotency_key": "k", "timeout_s": %s}' % given.encode()
        answer = await served.ask(request("POST", "/v1/actions", body))

        assert (answer[9:12], b'"done"' in answer, served.acted) == (b"400", False, 0)
