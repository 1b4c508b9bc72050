"""Where the sockets may lie, and what is never removed or followed to make room for them."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.servers import Server, serving

BOTH = pytest.mark.parametrize("server", list(Server))
LISTENS_THEN_FORKS = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen(8)
if os.fork():
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


def orphaned_listener(path: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", LISTENS_THEN_FORKS, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def refusal(server: Server, path: Path) -> str:
    with pytest.raises(OSError) as caught:  # noqa: PT011 -- the text is looked at by who asks
        async with serving(server, path):
            pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@BOTH
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
async def test_a_folder_in_which_others_could_replace_the_socket_is_refused(
    server: Server, folder: Path, mode: int
) -> None:
    (folder / "open").mkdir()
    (folder / "open").chmod(mode)

    assert "others may replace what lies in" in await refusal(server, folder / "open" / "s")


@BOTH
async def test_a_folder_for_everybody_in_which_each_keeps_what_is_his_is_good_enough(
    server: Server, folder: Path
) -> None:
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    async with serving(server, folder / "tmp" / "s") as served:
        assert (await served.ask(served.read_request()))[9:12] == b"200"


@BOTH
async def test_a_folder_or_a_link_of_somebody_else_is_refused(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.geteuid()
    (folder / "real").mkdir(mode=0o700)
    (folder / "link").symlink_to(folder / "real")
    async with serving(server, folder / "link" / "s") as served:  # our own link is our own affair
        assert (await served.ask(served.read_request()))[9:12] == b"200"
    if mine == 0:  # really somebody else's
        os.chown(folder / "real", 54321, -1)
        os.chown(folder / "link", 54321, -1, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)

    assert "belongs to" in await refusal(server, folder / "real" / "s")
    assert "symbolic link of" in await refusal(server, folder / "link" / "s")


@BOTH
async def test_all_that_is_made_on_the_way_is_private_whatever_the_umask(server: Server, folder: Path) -> None:
    mask = os.umask(0)
    try:
        async with serving(server, folder / "a" / "b" / "s") as served:
            modes = [stat.S_IMODE(part.stat().st_mode) for part in (folder / "a", folder / "a" / "b", served.path)]
    finally:
        os.umask(mask)

    assert modes == [0o700, 0o700, 0o600]


@BOTH
async def test_the_socket_is_private_from_its_first_moment(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    bind = socket.socket.bind

    def look(self: socket.socket, address: str) -> None:
        bind(self, address)
        modes.append(stat.S_IMODE(Path(address).stat().st_mode))

    monkeypatch.setattr(socket.socket, "bind", look)
    mask = os.umask(0)
    try:
        async with serving(server, folder / "s"):
            assert modes == [0o600]
            assert os.umask(0) == 0, "the umask belongs to the whole process"
    finally:
        os.umask(mask)


@BOTH
async def test_where_nobody_says_who_connects_the_mode_alone_keeps_others_out_and_the_agent_says_so(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(socket, "SO_PEERCRED")
    mask = os.umask(0)
    try:
        async with serving(server, folder / "s") as served:
            assert (await served.ask(served.act_request()))[9:12] == b"200"
            assert stat.S_IMODE(os.stat(served.path).st_mode) == 0o600  # noqa: PTH116 -- no coroutine may call pathlib's
            assert "somebody answers there" in await refusal(server, folder / "s")
        with pytest.raises(ValueError, match="does not say who connects"):
            async with serving(server, folder / "t", readers=["2001"]):
                pass
    finally:
        os.umask(mask)

    told = [record.getMessage() for record in caplog.records if "does not say who connects" in record.getMessage()]
    assert bool(told) is (server is Server.AGENT)


@BOTH
async def test_a_link_and_a_file_in_the_sockets_place_are_left_alone(server: Server, folder: Path) -> None:
    precious = folder / "thesis.txt"
    precious.write_text("x", encoding="utf-8")
    (folder / "link").symlink_to(precious)
    (folder / "dangling").symlink_to(folder / "elsewhere")

    assert "not a socket, left alone" in await refusal(server, precious)
    assert "a symbolic link, left alone" in await refusal(server, folder / "link")
    assert "a symbolic link, left alone" in await refusal(server, folder / "dangling")
    assert precious.read_text(encoding="utf-8") == "x"
    assert not (folder / "elsewhere").is_symlink()
    assert not (folder / "elsewhere").exists()


@BOTH
async def test_a_socket_of_somebody_else_is_left_alone(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, path = os.geteuid(), folder / "s"
    os.chmod(folder, 0o1777)  # noqa: PTH101 -- no coroutine may call pathlib's
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    if mine == 0:
        os.chown(path, 54321, -1)
    else:
        os.chmod(folder, 0o700)  # noqa: PTH101 -- as above
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    told = await refusal(server, path)

    assert "left alone" in told or "belongs to" in told
    assert path.is_socket()


@BOTH
async def test_where_somebody_answers_nobody_else_listens(server: Server, folder: Path) -> None:
    async with serving(server, folder / "s") as first:
        assert f"process {os.getpid()} answers there" in await refusal(server, folder / "s")
        assert (await first.ask(first.read_request()))[9:12] == b"200"


@BOTH
async def test_somebody_too_busy_to_answer_is_not_taken_for_dead(server: Server, folder: Path) -> None:
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(path))
        busy.listen(0)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for one in waiting:
            one.settimeout(0.0)
            one.connect_ex(str(path))
        assert "answers there" in await refusal(server, path)
        for one in waiting:
            one.close()


@BOTH
async def test_what_a_dead_process_left_is_replaced(server: Server, folder: Path) -> None:
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serving(server, path) as served:
        assert (await served.ask(served.read_request()))[9:12] == b"200"
    assert not path.exists()


@BOTH
async def test_a_forked_child_that_outlived_the_listener_keeps_nobody_from_starting(
    server: Server, folder: Path
) -> None:
    path = folder / "s"
    parent = orphaned_listener(path)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"
    parent.wait()
    async with serving(server, path) as served:
        answer = await served.ask(served.read_request())
    parent.communicate(b"")  # the child reads its end and goes

    assert answer[9:12] == b"200"


@BOTH
async def test_a_path_too_long_for_a_socket_is_one_line_that_says_so(server: Server, folder: Path) -> None:
    assert "a socket's path is at most 107" in await refusal(server, folder / ("x" * 120))


@BOTH
async def test_a_server_that_ends_leaves_its_successors_socket_alone(server: Server, folder: Path) -> None:
    path = folder / "s"
    async with serving(server, path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
    assert path.is_socket()


async def test_a_probe_that_cannot_listen_leaves_no_board_and_no_thread(folder: Path) -> None:
    (folder / "s").write_bytes(b"")
    tasks = len(asyncio.all_tasks())

    assert "not a socket" in await refusal(Server.PROBE, folder / "s")
    assert not (folder / "s.board").exists()
    assert len(asyncio.all_tasks()) == tasks
