"""Where the loop is blocked: what is recorded of a loop thread that does not turn."""

import selectors
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import HEADER
from livewatch.probe.watcher import BLOCKED_NS, Watcher
from tests.waiting import until


def wait_for_events(released: threading.Event) -> None:
    with selectors.DefaultSelector() as selector:
        while not released.is_set():
            selector.select(0.2)


def wait_in_code(released: threading.Event) -> None:
    released.wait()


@pytest.mark.parametrize(("waits", "captured"), [(wait_for_events, False), (wait_in_code, True)])
def test_a_loop_that_waits_for_events_is_not_said_to_be_blocked_there(
    tmp_path: Path, waits: Callable[[threading.Event], None], *, captured: bool
) -> None:
    """After a SIGSTOP the gateway was `last blocked at EpollSelector.select`."""
    board, released = BoardWriter(tmp_path / "board", 1), threading.Event()
    board.set("loop_heartbeat_ns", time.monotonic_ns() - BLOCKED_NS)
    loop = threading.Thread(target=waits, args=(released,))
    loop.start()
    watcher = Watcher(board, loop.ident or 0)
    watcher.start()
    beats = HEADER["thread_heartbeat_ns"]
    try:
        began_ns = time.monotonic_ns()
        until(lambda: board.words[beats] - began_ns > BLOCKED_NS, "some looks of the watcher")
    finally:
        released.set()
        loop.join()
        watcher.stop()
    assert (board.words[HEADER["stack_count"]] > 0) is captured
