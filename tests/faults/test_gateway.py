"""What befalls the gateway's own files and process: nothing is done to anybody who did not earn it."""

import os
import shutil
import signal
import struct
import subprocess
import sys

from livewatch.probe.layout import HEADER, Layout
from livewatch.sources.process_stat import ProcessStat
from tests.faults.ward import Gateway, Ward, fixture_ward
from tests.waiting import until

__all__ = ["fixture_ward"]


def progress_ns(ward: Ward, key: str) -> int:
    """Return a session's progress as it stands on the board."""
    data, layout = ward.board.read_bytes(), Layout(64)
    for slot in range(layout.capacity):
        at = layout.text_at("key", slot)
        if data[at : at + 96].rstrip(b"\0") == key.encode():
            return int(struct.unpack_from("<q", data, layout.field_at("progress_ns", slot))[0])
    raise LookupError(key)


def test_a_board_folder_that_is_removed_and_made_again_is_found_again(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("work", "healthy")
    agent = ward.agent()
    ward.until_state("responsive")
    shutil.rmtree(ward.board.parent)
    ward.until_state("unresponsive", "gone")
    ward.rounds(10)
    assert ward.status()["last_actions"] == []
    gateway.end()
    again = ward.gateway()
    ward.until_state("responsive")
    ward.repaired(again, "k")
    assert gateway.pulled("healthy") == 0
    ward.ends_well(agent)


def recycled(ward: Ward, gateway: Gateway, pid: int) -> None:
    """Kill the gateway and let its board name another process, as if that had got its pid."""
    gateway.end()
    data = bytearray(ward.board.read_bytes())
    struct.pack_into("<Q", data, HEADER["pid"] * 8, pid)
    stat = ProcessStat.of(pid)
    assert stat is not None
    struct.pack_into("<Q", data, HEADER["start_ticks"] * 8, stat.start_ticks - 1)
    ward.board.write_bytes(data)


def test_a_recycled_pid_is_not_the_gateway_and_its_sessions_are_nobodys(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("work", "healthy")
    agent = ward.agent()
    ward.until_state("responsive")
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as stranger:
        recycled(ward, gateway, stranger.pid)
        ward.rounds(30)
        assert ward.state_of_the_gateway() == "gone"  # also after the first moment, in which only its death was known
        assert ward.status()["last_actions"] == []
        assert stranger.poll() is None
        again = ward.gateway()
        ward.until_state("responsive")
        ward.repaired(again, "k")
    assert [intent.action.session for intent in ward.intents()] == ["k"]
    ward.ends_well(agent)


def test_a_forked_child_that_tells_progress_does_not_keep_its_parents_dead_session_alive(ward: Ward) -> None:
    gateway = ward.gateway()
    gateway.do("hang", "k")
    before_ns = progress_ns(ward, "k")
    gateway.do("fork", "k")
    until(lambda: gateway.heard("child"), "a child")
    assert progress_ns(ward, "k") == before_ns
    agent = ward.agent()
    until(lambda: gateway.pulled("k") == 1, "the repair")
    ward.ends_well(agent)
    os.kill(gateway.heard("child")[0]["child"], signal.SIGKILL)
