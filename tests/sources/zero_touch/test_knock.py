"""Real connections: taken, waiting, refused, and the doors that are none."""

import os
import socket

import pytest

from livewatch.sources.zero_touch.door import Door, Listener, door_of, listeners
from livewatch.sources.zero_touch.doorbell import Doorbell
from livewatch.sources.zero_touch.knock import Knock

ME = os.getpid()


@pytest.mark.parametrize(("bind", "knock_at"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "::1")])
def test_a_connection_is_taken_when_it_is_accepted_and_not_before(bind: str, knock_at: str) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.create_server((bind, 0), family=family) as server:
        knock = Knock(ME, Door(knock_at, server.getsockname()[1]))
        before = knock.taken()
        taken, _ = server.accept()
        after = knock.taken()
        taken.close()
        closed = knock.taken()
        knock.close()

    assert (before, after, closed) == (False, True, True)


def test_a_queue_that_is_full_is_a_connection_not_taken() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        door = Door("127.0.0.1", server.getsockname()[1])
        knocks = [Knock(ME, door) for _ in range(3)]
        taken = [knock.taken() for knock in knocks]
        for knock in knocks:
            knock.close()

    assert taken == [False, False, False]


def test_the_doorbell_finds_the_port_of_a_process_and_says_when_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        bell = Doorbell(ME, port)
        knock = bell()
        assert knock is not None
        knock.close()
    assert bell() is None


def test_our_own_listener_is_found_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert Listener(ME, "127.0.0.1", server.getsockname()[1]) in listeners()


@pytest.mark.parametrize(
    ("port", "found", "expected"),
    [
        (None, [Listener(7, "0.0.0.0", 80)], Door("127.0.0.1", 80)),
        (None, [Listener(7, "::", 80)], Door("::1", 80)),
        (80, [Listener(7, "127.0.0.1", 70), Listener(7, "127.0.0.1", 80)], Door("127.0.0.1", 80)),
        (None, [Listener(7, "192.0.2.1", 80)], None),  # the loopback does not reach it
        (None, [Listener(8, "127.0.0.1", 80)], None),
        (80, [Listener(7, "127.0.0.1", 80), Listener(8, "127.0.0.1", 80)], None),  # another worker may answer
        (None, [Listener(None, "127.0.0.1", 80)], None),
        (80, [Listener(None, "127.0.0.1", 80)], Door("127.0.0.1", 80)),  # named by a person
        (None, [], None),
    ],
)
def test_a_door_is_a_loopback_address_that_the_process_alone_listens_at(
    port: int | None, found: list[Listener], expected: Door | None
) -> None:
    assert door_of(7, port, found) == expected
