"""The second witness, on real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from livewatch.sources.round_trip import HealthUrl, RoundTrip, RoundTripReading
from livewatch.sources.witnessed import WitnessedSource
from livewatch.testing import FakeClock, FakeGateway
from livewatch_classifiers.decision import Action, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Reason
from tests.waiting import until

ANSWER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Page:
    """A listener that answers, stays silent or talks nonsense, as told."""

    def __init__(self) -> None:
        self.answer: bytes | None = ANSWER
        self.asked = b""
        self.server = socket.create_server(("127.0.0.1", 0))
        self.kept: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> HealthUrl:
        return HealthUrl.parse(f"http://127.0.0.1:{self.server.getsockname()[1]}/healthz?a=1")

    def close(self) -> None:
        if self.server.fileno() < 0:
            return
        with socket.socket() as waker:
            self.answer = b""
            waker.connect(self.server.getsockname())
        self.server.close()
        for connection in self.kept:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
                self.asked = connection.recv(1000)
                if self.answer is None:
                    self.kept.append(connection)
                    continue
                connection.sendall(self.answer)
                connection.close()
            except OSError:
                return


@pytest.fixture(name="page")
def _page() -> Iterator[Page]:
    page = Page()
    yield page
    page.close()


@pytest.fixture(name="witness")
def _witness(page: Page) -> Iterator[RoundTrip]:
    witness = RoundTrip(page.url, period_s=0.01, timeout_s=1.0)
    yield witness
    witness.close()
    witness.close()


def sees(witness: RoundTrip, holds: Callable[[RoundTripReading], object]) -> RoundTripReading:
    seen: list[RoundTripReading] = []

    def look() -> object:
        seen.append(witness.reading())
        return holds(seen[-1])

    until(look)
    return seen[-1]


def test_any_answer_shows_that_the_loop_turns(page: Page, witness: RoundTrip) -> None:
    reading = sees(witness, lambda reading: reading.took_s is not None)
    assert page.asked.startswith(b"GET /healthz?a=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert reading.overdue_s is None
    assert reading.latest is not None
    assert (reading.latest.name, reading.latest.error) == ("health", "")


def test_silence_adds_up_over_requests_until_an_answer_comes(page: Page, witness: RoundTrip) -> None:
    sees(witness, lambda reading: reading.took_s is not None)
    page.answer = None
    silent = sees(witness, lambda reading: (reading.overdue_s or 0.0) > 1.2)  # more than one request's patience
    page.answer = ANSWER
    again = sees(witness, lambda reading: reading.overdue_s is None and reading.latest and not reading.latest.error)
    assert silent.latest is not None
    assert silent.latest.error == "timeout"
    assert again.took_s is not None


def test_nobody_who_listens_is_no_silence(page: Page, witness: RoundTrip) -> None:
    page.close()
    refused = sees(witness, lambda reading: reading.latest and reading.latest.error == "refused")
    assert refused.overdue_s is None


def test_who_does_not_speak_http_has_not_answered(page: Page, witness: RoundTrip) -> None:
    page.answer = b"220 mail.example ESMTP\r\n"
    reading = sees(witness, lambda reading: reading.latest is not None)
    assert (reading.took_s, reading.latest and reading.latest.error) == (None, "refused")


def test_a_silent_page_does_not_delay_the_end(page: Page) -> None:
    page.answer = None
    witness = RoundTrip(page.url, timeout_s=3600.0)
    sees(witness, lambda reading: reading.overdue_s is not None)
    witness.close()
    assert witness._thread is not None
    until(lambda: witness._thread is not None and not witness._thread.is_alive())


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "https://127.0.0.1/", "http:///x", "http://a:b@host/", "http://h/a b", "http://h:x/"]
)
def test_a_page_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        HealthUrl.parse(url)


async def test_the_witness_stands_beside_what_the_source_saw(page: Page, witness: RoundTrip) -> None:
    gateway = FakeGateway(FakeClock())
    source = WitnessedSource(gateway, witness)
    sees(witness, lambda reading: reading.took_s is not None)
    page.answer = None
    sees(witness, lambda reading: reading.overdue_s is not None)
    plain, seen = await gateway.sample(), await source.sample()
    assert seen.vitals.round_trip_s is not None
    assert seen.vitals.round_trip_overdue_s is not None
    assert seen.vitals.loop_heartbeat_s == plain.vitals.loop_heartbeat_s
    assert [done.name for done in seen.passes] == [*(done.name for done in plain.passes), "health"]
    assert (source.name, source.capabilities, source.discards) == (gateway.name, gateway.capabilities, frozenset())
    reply = await source.act(Action(ActionKind.WAKE, "nobody", "k", "c", Reason.IDLE))
    assert reply.status in ReplyStatus
    await source.close()
