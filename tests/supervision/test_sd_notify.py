import os
import socket
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from livewatch.supervision.sd_notify import NotifySocket, watchdog_s


def listening(address: str) -> socket.socket:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    end.bind(address)
    end.settimeout(5.0)
    return end


def test_facts_arrive_as_one_datagram_of_lines() -> None:
    with TemporaryDirectory(prefix="lw") as folder:
        path = str(Path(folder) / "notify")
        with closing(listening(path)) as end, closing(NotifySocket(path)) as channel:
            assert channel.say(READY=1, STATUS="two\nlines  and\ta tab")
            assert end.recv(4096) == b"READY=1\nSTATUS=two lines and a tab"


def test_an_abstract_socket_is_reached_by_its_at_sign() -> None:
    name = f"livewatch-test-{os.getpid()}"
    with closing(listening(f"\0{name}")) as end, closing(NotifySocket(f"@{name}")) as channel:
        assert channel.say(WATCHDOG=1)
        assert end.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "vsock:2:1234", "notify.sock"])
def test_without_an_address_that_is_understood_nobody_listens(address: str) -> None:
    channel = NotifySocket(address)
    assert not channel.listens
    assert not channel.say(READY=1)


def test_a_supervisor_that_is_gone_or_does_not_read_neither_blocks_nor_raises() -> None:
    with TemporaryDirectory(prefix="lw") as folder:
        path = str(Path(folder) / "notify")
        with closing(NotifySocket(path)) as channel:
            assert not channel.say(READY=1)
            with closing(listening(path)):
                taken = sum(channel.say(STATUS="x" * 1000) for _ in range(10_000))
    assert 0 < taken < 10_000


def test_a_closed_channel_is_closed_twice_and_says_nothing() -> None:
    channel = NotifySocket("@nobody")
    channel.close()
    channel.close()
    assert not channel.say(READY=1)


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "42"}, 2.5),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "2500000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_a_watchdog_counts_only_if_it_is_for_this_process(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_s(environ, pid=42) == seconds


def test_the_watchdog_of_this_process_is_its_own() -> None:
    assert watchdog_s({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}) == 1.0
