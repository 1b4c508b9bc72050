"""When a changed file counts: once it is settled, whatever way it was changed."""

import asyncio
from pathlib import Path

import pytest

from livewatch.configuration.reload import FileWatch, Reloader, Stamp
from tests.sources.openclaw.fake_gateway import until

FILE = Path("livewatch.toml")
LOOK_EVERY_S = 0.01


def stamp(number: int) -> dict[Path, Stamp | None]:
    return {FILE: (1, 2, number, 10)}


def test_a_change_counts_once_and_only_when_it_was_seen_twice() -> None:
    watch = FileWatch(stamp(1))

    assert [watch.changed(stamp(n)) for n in (1, 2, 3, 3, 3)] == [False, False, False, True, False]


def test_a_file_that_was_away_between_two_looks_is_no_change() -> None:
    watch = FileWatch(stamp(1))

    assert [watch.changed(now) for now in ({FILE: None}, stamp(1), stamp(1))] == [False, False, False]


def test_a_file_that_is_gone_or_new_is_a_change() -> None:
    watch = FileWatch({})

    assert [watch.changed(now) for now in (stamp(1), stamp(1), {FILE: None}, {FILE: None})] == [
        False,
        True,
        False,
        True,
    ]


def in_place(path: Path) -> None:
    path.write_text("something else", encoding="utf-8")


def renamed_over(path: Path) -> None:
    path.with_suffix(".new").write_text("something else", encoding="utf-8")
    path.with_suffix(".new").rename(path)


def link_swapped(path: Path) -> None:
    """Do as the kubelet does with a ConfigMap: a new folder, and the link to it renamed over the old one."""
    folder = path.parent / "..2"
    folder.mkdir()
    (folder / path.name).write_text("something else", encoding="utf-8")
    (path.parent / "..data_tmp").symlink_to("..2")
    (path.parent / "..data_tmp").rename(path.parent / "..data")


@pytest.mark.parametrize("change", [in_place, renamed_over, link_swapped])
def test_each_way_to_change_a_file_is_seen(tmp_path: Path, change: object) -> None:
    (tmp_path / "..1").mkdir()
    (tmp_path / "..1" / FILE).write_text("first", encoding="utf-8")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / FILE).symlink_to(Path("..data") / FILE)
    read: list[str] = []

    async def reload() -> None:
        read.append((tmp_path / FILE).read_text(encoding="utf-8"))

    async def scene() -> None:
        reloader = Reloader(reload, lambda: [tmp_path / FILE], look_every_s=LOOK_EVERY_S)
        reloader.start()
        reloader.ask()
        await until(lambda: read == ["first"], "the first look")
        assert callable(change)
        change(tmp_path / FILE)
        await until(lambda: read == ["first", "something else"], "the change")
        await reloader.close()
        await reloader.close()

    asyncio.run(scene())


def test_a_failure_that_nobody_expected_does_not_end_the_watch() -> None:
    calls: list[int] = []

    async def reload() -> None:
        calls.append(1)
        raise RuntimeError

    async def scene() -> None:
        reloader = Reloader(reload, list, look_every_s=LOOK_EVERY_S)
        reloader.start()
        for count in (1, 2):
            reloader.ask()
            await until(lambda count=count: len(calls) == count, "the call")
        await reloader.close()

    asyncio.run(scene())
