"""Reads and actions are authorised apart, by what the kernel says of the other end, on both sockets alike."""

import asyncio
import stat
from pathlib import Path

import pytest

from tests.security.servers import Server, serving
from tests.security.strangers import GID, UID, Stranger

BOTH = pytest.mark.parametrize("server", list(Server))
LISTED = (f"{UID}", f"@{GID}")


@BOTH
async def test_nobody_but_this_user_and_root_can_even_connect_by_default(
    server: Server, folder: Path, stranger: Stranger
) -> None:
    async with serving(server, folder / "s") as served:
        refused = await asyncio.to_thread(stranger.ask, served.path, served.act_request())
        own = await served.ask(served.act_request())

        assert stat.S_IMODE(served.path.stat().st_mode) == 0o600
        assert refused == b"PermissionError"
        assert (own[9:12], served.acted) == (b"200", 1)


@BOTH
@pytest.mark.parametrize("word", LISTED)
async def test_a_reader_may_read_and_not_act(server: Server, folder: Path, stranger: Stranger, word: str) -> None:
    async with serving(server, folder / "s", readers=[word]) as served:
        read = await asyncio.to_thread(stranger.ask, served.path, served.read_request(), (GID,))
        acted = await asyncio.to_thread(stranger.ask, served.path, served.act_request(), (GID,))

        assert (read[9:12], acted[9:12], served.acted) == (b"200", b"403", 0)
        assert f"uid {UID} may not act here; root".encode() in acted


@BOTH
@pytest.mark.parametrize("word", LISTED)
async def test_an_operator_may_do_both(server: Server, folder: Path, stranger: Stranger, word: str) -> None:
    async with serving(server, folder / "s", operators=[word]) as served:
        read = await asyncio.to_thread(stranger.ask, served.path, served.read_request(), (GID,))
        acted = await asyncio.to_thread(stranger.ask, served.path, served.act_request(), (GID,))

        assert (read[9:12], acted[9:12], served.acted) == (b"200", b"200", 1)


@BOTH
async def test_whoever_is_not_listed_is_told_who_may(server: Server, folder: Path, stranger: Stranger) -> None:
    async with serving(server, folder / "s", readers=["54399"], operators=["@54398"]) as served:
        read = await asyncio.to_thread(stranger.ask, served.path, served.read_request())
        acted = await asyncio.to_thread(stranger.ask, served.path, served.act_request())
        rubbish = await asyncio.to_thread(stranger.ask, served.path, b"\x00\xff\r\n\r\n")

        assert [answer[9:12] for answer in (read, acted, rubbish)] == [b"403"] * 3
        assert b"may not read here; root, " in read
        assert b"@54398, 54399 may" in read
        assert served.acted == 0
