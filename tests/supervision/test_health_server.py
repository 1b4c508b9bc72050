"""The health pages over real connections: plain clients, slow ones, many, and broken ones."""

import json
import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

import pytest

from livewatch.supervision.health_server import HealthServer
from livewatch.supervision.pulse import Phase, Pulse
from livewatch_exporters.prometheus import ListenError
from tests.supervision.ticks import seen
from tests.waiting import until

PATIENT_S = 30.0  # no client of these tests is cut off because the machine is busy
STRICT_S = 0.2


@contextmanager
def serving(within_s: float) -> Generator[tuple[HealthServer, Pulse]]:
    pulse = Pulse(time.monotonic, 1.0)
    server = HealthServer("0", pulse, within_s=within_s)
    server.start()
    yield server, pulse
    server.close()


@pytest.fixture(name="served")
def fixture_served() -> Generator[tuple[HealthServer, Pulse]]:
    with serving(PATIENT_S) as made:
        yield made


@pytest.fixture(name="strict")
def fixture_strict() -> Generator[HealthServer]:
    with serving(STRICT_S) as (server, _pulse):
        yield server


def address(server: HealthServer) -> tuple[str, int]:
    url = urlsplit(server.url)
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


def ask(server: HealthServer, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection(*address(server), timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()


def test_both_pages_follow_the_pulse(served: tuple[HealthServer, Pulse]) -> None:
    server, pulse = served
    before = [ask(server, page)[0].status for page in ("/livez", "/readyz")]
    pulse.phase = Phase.OPEN
    pulse.on_tick(seen())
    response, body = ask(server, "/readyz?verbose")
    pulse._last_s -= 1000.0
    late = [ask(server, page)[0].status for page in ("/livez", "/readyz")]

    assert (before, response.status, late) == ([200, 503], 200, [503, 503])
    assert json.loads(body)["ticks"] == 1
    assert response.getheader("Content-Type") == "application/json"
    assert response.getheader("Cache-Control") == "no-store"


def test_head_has_the_same_head_and_no_body(served: tuple[HealthServer, Pulse]) -> None:
    server, _ = served
    response, body = ask(server, "/livez", "HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.getheader("Content-Length", "0")) > 0
    assert ask(server, "/nothing", "HEAD")[1] == b""


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/livez", 405), ("DELETE", "/readyz", 405), ("GET", "/metrics", 404)]
)
def test_it_is_read_only_and_serves_nothing_else(
    served: tuple[HealthServer, Pulse], method: str, path: str, status: int
) -> None:
    response, body = ask(served[0], path, method)
    assert (response.status, json.loads(body)["ok"]) == (status, False)
    assert response.getheader("Allow") == ("GET, HEAD" if status == 405 else None)


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET /livez SPDY/9\r\n\r\n", b"\x00\xff\r\n\r\n"])
def test_what_is_not_http_is_told_so(served: tuple[HealthServer, Pulse], sent: bytes) -> None:
    with closing(socket.create_connection(address(served[0]), timeout=10)) as client:
        client.sendall(sent)
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")


def ended(client: socket.socket) -> bool:
    try:
        return client.recv(4096) == b""
    except ConnectionResetError:
        return True


def answers(server: HealthServer) -> bool:
    try:
        return ask(server, "/livez")[0].status == 200
    except (OSError, HTTPException):
        return False


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nX-Slow: ", b"GET /" + b"x" * 100_000])
def test_a_client_that_is_slow_silent_or_endless_is_cut_off(strict: HealthServer, sent: bytes) -> None:
    with closing(socket.create_connection(address(strict), timeout=10)) as client:
        with suppress(ConnectionError):  # cut off while it still sends
            client.sendall(sent)
        assert ended(client)
    until(lambda: answers(strict), "an answer")


def test_clients_that_hold_every_place_lose_them_and_the_page_answers_again(strict: HealthServer) -> None:
    with ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(closing(socket.create_connection(address(strict), timeout=10)))
        until(lambda: answers(strict), "an answer")


def test_the_host_is_loopback_unless_one_is_given(served: tuple[HealthServer, Pulse]) -> None:
    assert served[0].url.startswith("http://127.0.0.1:")
    with closing(HealthServer("[::1]:0", served[1])) as six:
        assert six.url.startswith("http://[::1]:")


def test_a_taken_port_and_a_wrong_address_are_named(served: tuple[HealthServer, Pulse]) -> None:
    taken = urlsplit(served[0].url).netloc
    with pytest.raises(ListenError, match=f"cannot serve health on {taken}"):
        HealthServer(taken, served[1])
    with pytest.raises(ListenError, match="host:port"):
        HealthServer("nowhere", served[1])


def test_closing_is_safe_before_the_start_and_twice_and_frees_the_port(served: tuple[HealthServer, Pulse]) -> None:
    never = HealthServer("0", served[1])
    never.close()
    never.close()
    server, pulse = served
    where = urlsplit(server.url).netloc
    server.close()
    server.close()
    HealthServer(where, pulse).close()
