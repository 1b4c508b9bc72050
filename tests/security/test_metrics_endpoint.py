"""The page of metrics: on loopback unless told otherwise, to be read and nothing else."""

import contextlib
import http.client
import io
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from livewatch_exporters import prometheus
from livewatch_exporters.telemetry import Telemetry
from livewatch_exporters.telemetry_settings import TelemetrySettings

DEADLINE_S = 20.0


@pytest.fixture(name="served")
def fixture_served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    telemetry = Telemetry.start(TelemetrySettings(target="gw", metrics_listen=":0"), stream=io.StringIO())
    url = urlsplit(telemetry.prometheus_url or "")
    assert url.hostname is not None
    assert url.port is not None
    yield url.hostname, url.port
    telemetry.shutdown()


def answer(served: tuple[str, int], method: str, body: bytes | None = None) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection(*served, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request(method, "/metrics", body)
        response = connection.getresponse()
        return response.status, response.getheader("Allow"), response.read()


def test_it_listens_on_loopback_when_no_host_is_given(served: tuple[str, int]) -> None:
    assert served[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "<script>"])
def test_it_is_for_reading_and_repeats_nothing_of_what_it_refuses(served: tuple[str, int], method: str) -> None:
    status, allowed, body = answer(served, method, b"x=1")

    assert (status, allowed) == (405, "GET, HEAD")
    assert body == b"metrics can only be read: GET /metrics\n"


def test_it_can_be_read_and_its_head_asked_for(served: tuple[str, int]) -> None:
    read, head = answer(served, "GET"), answer(served, "HEAD")

    assert (read[0], head[0], head[2]) == (200, 200, b"")
    assert (read[1], head[1]) == (None, None)


def test_rubbish_gets_a_short_answer_or_none(served: tuple[str, int]) -> None:
    for data in (
        b"\x00\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET " + b"x" * 70_000 + b"\r\n\r\n",
        b"a b c d\r\n\r\n",
    ):
        with socket.create_connection(served, timeout=DEADLINE_S) as asking, contextlib.suppress(ConnectionError):
            asking.sendall(data)
            said = asking.recv(65536)
            assert b"200" not in said
            assert b"x" * 100 not in said
    assert answer(served, "GET")[0] == 200


def test_more_connections_than_there_are_places_are_closed_at_once(
    served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus._Handler, "timeout", DEADLINE_S)
    with contextlib.ExitStack() as stack:
        open_ones = [
            stack.enter_context(socket.create_connection(served, timeout=DEADLINE_S))
            for _ in range(prometheus._CONNECTIONS_MAX)
        ]
        late = stack.enter_context(socket.create_connection(served, timeout=DEADLINE_S))
        with contextlib.suppress(ConnectionError):
            assert late.recv(1) == b""
        open_ones[0].sendall(b"HEAD /metrics HTTP/1.0\r\n\r\n")
        assert open_ones[0].recv(12).endswith(b"200")
