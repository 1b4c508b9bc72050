"""The journal on real files: what is written, what survives, and what happens when the disk says no."""

import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.reader import read_journal
from livewatch.recovery.journal.reconcile import reconcile
from livewatch.recovery.journal.records import Asked
from livewatch.recovery.journal.schema import MIGRATIONS
from livewatch.recovery.journal.store import Retention
from livewatch.recovery.journal.writer import WriterSettings
from livewatch_classifiers.decision import Person
from tests.recovery.journal.facts import (
    IDENTITY,
    a_session,
    a_snapshot,
    a_tick,
    an_act,
    completed,
    falls_sick,
    gets_well,
    wait_until,
)

Keep = Callable[..., Journal]


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def size(path: Path) -> int:
    return path.stat().st_size


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 6] = b"\xff" * (4096 * 4)
    path.write_bytes(content)


def aside(path: Path) -> list[Path]:
    return [p for p in path.parent.iterdir() if ".corrupt-" in p.name]


async def test_an_intent_is_on_disk_when_the_wait_for_it_ends(keep: Keep, path: Path) -> None:
    journal = keep()
    journal.on_tick(a_tick())
    await journal.intent(an_act())
    assert rows(path, "SELECT idempotency_key, how FROM intents") == [("k1", None)]
    assert journal.health.late_intents == 0


async def test_an_outcome_settles_its_intent(keep: Keep, path: Path) -> None:
    journal = keep()
    await journal.intent(an_act())
    journal.completed(completed(an_act()))
    assert journal.close(10.0)
    assert rows(path, "SELECT how, outcome, detail FROM intents") == [("seen", "recovered", "seen to work")]


async def test_the_same_key_sent_again_after_a_crash_is_a_second_intent_and_the_newest_is_settled(
    keep: Keep, path: Path
) -> None:
    journal = keep()
    await journal.intent(an_act())
    await journal.intent(an_act())
    journal.completed(completed(an_act()))
    assert journal.close(10.0)
    assert rows(path, "SELECT outcome FROM intents ORDER BY id") == [(None,), ("recovered",)]


async def test_the_next_agent_finds_the_open_intents_of_the_last_and_settles_them_by_looking(
    keep: Keep, path: Path
) -> None:
    first = keep()
    first.on_tick(a_tick())
    await first.intent(an_act("a", "k1"))
    await first.intent(an_act("b", "k2"))
    first.completed(completed(an_act("b", "k2")))
    assert first.close(10.0)

    second = keep()
    found = await second.open_intents()
    assert [(i.action.session, i.identity) for i in found] == [("a", IDENTITY)]
    second.settle(reconcile(found, a_snapshot(a_session("a"))))
    assert second.close(10.0)
    assert rows(path, "SELECT how, outcome FROM intents ORDER BY id") == [("judged_again", None), ("seen", "recovered")]

    assert await keep().open_intents() == []


async def test_open_intents_of_another_gateway_are_not_ours(keep: Keep) -> None:
    first = keep(target="one")
    await first.intent(an_act())
    assert first.close(10.0)
    assert await keep(target="two").open_intents() == []


async def test_two_gateways_share_one_file(keep: Keep, path: Path) -> None:
    journals = [keep(target=f"gw{n}") for n in range(4)]
    for n, journal in enumerate(journals):
        await journal.intent(an_act(idempotency_key=f"k{n}"))
    wait_until(lambda: all(not j.degraded and j.health.written for j in journals))
    assert rows(path, "SELECT target FROM intents ORDER BY target") == [(f"gw{n}",) for n in range(4)]


def test_an_orderly_end_is_noted_and_a_kill_is_told_by_its_absence(keep: Keep, path: Path) -> None:
    assert keep().close(10.0)
    journal = keep()
    wait_until(journal._writer.ready.is_set)
    assert [ended is not None for (ended,) in rows(path, "SELECT ended_wall_s FROM lives ORDER BY id")] == [True, False]


def test_close_may_be_called_twice_and_what_comes_after_is_ignored(keep: Keep) -> None:
    journal = keep()
    assert journal.close(10.0)
    journal.on_tick(a_tick(transitions=(falls_sick(),)))
    journal.completed(completed(an_act()))
    assert journal.close(10.0)


def test_file_side_files_and_directory_are_private(keep: Keep, path: Path) -> None:
    journal = keep()
    journal.on_tick(a_tick(transitions=(falls_sick(),)))
    wait_until(lambda: journal.health.written)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_made_private(keep: Keep, path: Path) -> None:
    assert keep().close(10.0)
    path.chmod(0o644)
    assert keep().close(10.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.fixture
def garbage(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"this was a journal once" * 500)
    return path.read_bytes()


async def test_a_corrupt_file_is_moved_aside_whole_and_a_new_one_takes_the_intent(
    keep: Keep, path: Path, garbage: bytes
) -> None:
    journal = keep()
    await journal.intent(an_act())
    assert not journal.degraded
    assert rows(path, "SELECT idempotency_key FROM intents") == [("k1",)]
    (kept,) = aside(path)
    assert kept.read_bytes() == garbage


async def test_a_file_that_is_damaged_in_the_middle_is_moved_aside(keep: Keep, path: Path) -> None:
    journal = keep()
    for n in range(200):
        journal.on_tick(a_tick(n, transitions=(falls_sick(f"s{n}"),)))
    assert journal.close(10.0)
    damage(path)
    after = keep()
    await after.intent(an_act())
    assert not after.degraded
    assert aside(path)


async def test_a_locked_file_is_kept_for_in_memory_and_written_when_it_is_free(keep: Keep, path: Path) -> None:
    journal = keep()
    await journal.intent(an_act())
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        await journal.intent(an_act(idempotency_key="k2"))
        assert journal.degraded
        assert "locked" in journal.health.problem
        journal.completed(completed(an_act(idempotency_key="k2")))
    finally:
        other.close()
    wait_until(lambda: not journal.degraded)
    assert journal.dropped == 0
    assert journal.health.episodes == 1
    assert rows(path, "SELECT idempotency_key, outcome FROM intents ORDER BY id") == [("k1", None), ("k2", "recovered")]


async def test_a_path_that_cannot_exist_degrades_to_memory_with_one_log_line(
    keep: Keep, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    journal = keep(at=tmp_path / "file" / "journal.sqlite")
    await journal.intent(an_act())
    for n in range(3):
        journal.on_tick(a_tick(n, transitions=(falls_sick(f"s{n}"),)))
        await journal.intent(an_act(idempotency_key=f"again{n}"))
    assert journal.degraded
    assert journal.health.late_intents == 4
    assert await journal.open_intents() == []
    assert len([r for r in caplog.records if "carrying on in memory" in r.message]) == 1


async def test_memory_is_bounded_and_what_falls_out_is_counted(keep: Keep, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = keep(WriterSettings(backlog_items=10, retry_s=0.01), at=tmp_path / "file" / "journal.sqlite")
    for n in range(25):
        await journal.intent(an_act(idempotency_key=f"k{n}"))
    assert journal.dropped == 15


def test_a_full_queue_is_counted_and_never_waited_for(path: Path) -> None:
    journal = Journal(path, "gw", settings=WriterSettings(queue_items=2))  # its thread is not running
    for n in range(5):
        journal.on_tick(a_tick(n, snapshot=None, transitions=(falls_sick(f"s{n}"),)))
    assert journal.dropped == 3


async def test_an_intent_waits_no_longer_than_its_bound_when_nobody_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewatch.recovery.journal.journal.INTENT_WAIT_S", 0.01)
    journal = Journal(path, "gw")  # its thread is not running
    await journal.intent(an_act())
    assert journal.health.late_intents == 1


async def test_names_that_are_no_text_are_written_with_marks_instead_of_ending_the_journal(
    keep: Keep, path: Path
) -> None:
    journal = keep()
    journal.on_tick(a_tick(transitions=(falls_sick("bad\udc80key"), falls_sick("good"))))
    await journal.intent(an_act())
    assert ("good",) in rows(path, "SELECT session FROM events")
    assert not journal.degraded


async def test_a_file_of_a_newer_version_is_left_as_it_is(keep: Keep, path: Path) -> None:
    assert keep().close(10.0)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    journal = keep()
    await journal.intent(an_act())
    assert journal.degraded
    assert "version" in journal.health.problem
    assert aside(path) == []


async def test_a_file_that_somebody_removed_is_started_anew(keep: Keep, path: Path) -> None:
    journal = keep(WriterSettings(retry_s=0.02, maintain_every_s=0.0))
    await journal.intent(an_act())
    for side in path.parent.iterdir():
        side.unlink()
    wait_until(path.exists)
    await journal.intent(an_act(idempotency_key="k2"))
    assert ("k2",) in rows(path, "SELECT idempotency_key FROM intents")


async def test_what_is_older_than_the_retention_goes_but_never_an_open_intent(keep: Keep, path: Path) -> None:
    first = keep()
    first.on_tick(a_tick(transitions=(falls_sick(),)))
    await first.intent(an_act(idempotency_key="open"))
    await first.intent(an_act(idempotency_key="done"))
    first.completed(completed(an_act(idempotency_key="done")))
    assert first.close(10.0)
    connection = sqlite3.connect(path)
    for table in ("events", "intents", "frames"):
        connection.execute(f"UPDATE {table} SET wall_s = 1000")
    connection.commit()
    connection.close()

    journal = keep(WriterSettings(retry_s=0.02, maintain_every_s=0.0))
    wait_until(lambda: rows(path, "SELECT count(*) FROM frames") == [(0,)])
    wait_until(lambda: rows(path, "SELECT idempotency_key FROM intents") == [("open",)])
    assert rows(path, "SELECT count(*) FROM events") == [(0,)]
    assert not journal.degraded


async def test_a_file_above_its_size_loses_the_oldest_first_and_gives_the_space_back(keep: Keep, path: Path) -> None:
    limit = 256 * 1024
    journal = keep(WriterSettings(retry_s=0.02, maintain_every_s=0.0, retention=Retention(size_bytes=limit)))
    await journal.intent(an_act(idempotency_key="open"))
    for n in range(3_000):
        if n % 500 == 0:
            wait_until(journal._writer._queue.empty)
        journal.on_tick(a_tick(n, snapshot=None, transitions=(falls_sick("s" * 50 + str(n)),)))
    await journal.intent(an_act(idempotency_key="last"))
    assert journal.close(10.0)
    assert journal.dropped == 0
    assert size(path) <= limit * 1.5
    ((newest, count),) = rows(path, "SELECT max(wall_s), count(*) FROM events")
    assert newest == a_tick(2_999).wall_s
    assert 0 < int(str(count)) < 3_000
    assert rows(path, "SELECT idempotency_key FROM intents ORDER BY id") == [("open",), ("last",)]


async def test_an_agent_that_ends_between_intent_and_outcome_leaves_the_intent_open(keep: Keep) -> None:
    journal = keep()
    journal.on_tick(a_tick(transitions=(falls_sick(),)))
    await journal.intent(an_act())
    journal.on_tick(a_tick(1, transitions=(gets_well(),)))
    found = await keep().open_intents()
    assert [(i.how, i.outcome) for i in found] == [(None, None)]


async def test_an_intent_overtakes_a_storm_of_other_notes(keep: Keep, path: Path) -> None:
    journal = keep()
    await journal.open_intents()
    for n in range(20):
        journal.on_tick(a_tick(n, snapshot=None, transitions=tuple(falls_sick(f"s{n}-{m}") for m in range(500))))
    await journal.intent(an_act())
    assert rows(path, "SELECT count(*) FROM intents") == [(1,)]
    ((noted,),) = rows(path, "SELECT count(*) FROM events")
    assert journal.close(10.0)
    assert rows(path, "SELECT count(*) FROM events") == [(10_000,)]
    assert int(str(noted)) < 10_000


def test_a_disk_that_damages_every_file_is_not_filled_with_what_was_moved_aside(keep: Keep, path: Path) -> None:
    journal = keep()
    wait_until(journal._writer.ready.is_set)
    writer = journal._writer
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    assert writer._replace(error)
    assert not writer._replace(error)
    assert len({p.name.removesuffix("-wal").removesuffix("-shm") for p in aside(path)}) == 1


def test_what_a_person_asked_for_is_in_the_journal_with_the_name(path: Path) -> None:
    journal = Journal(path, "gw")
    journal.start()
    journal.asked(Asked(Person("anna", 1000), "hold", "hold * until resumed"))
    assert journal.close()

    (event,) = read_journal(path).events
    told = {name: event.event.data[name] for name in ("who", "uid", "what")}
    assert (event.event.kind.value, told) == (
        "operator",
        {"who": "anna", "uid": 1000, "what": "hold * until resumed"},
    )
