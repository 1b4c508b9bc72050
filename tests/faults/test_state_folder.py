"""A state folder that is full, no folder, or locked by somebody: repairs go on, and the journal says what it lacks."""

import contextlib
import resource
import shutil
import sqlite3

import pytest

from tests.faults.ward import Ward, fixture_ward
from tests.waiting import until

__all__ = ["fixture_ward"]
_BYTES = 120_000
"""An empty journal fits, some minutes of it do not."""


def fill(pid: int) -> None:
    """Let a process write no file beyond some bytes; what goes beyond fails as it does on a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_BYTES, _BYTES))


def test_a_full_disk_costs_notes_that_are_counted_and_no_repair(ward: Ward) -> None:
    gateway = ward.gateway()
    agent = ward.agent()
    fill(agent.pid)
    number = 0

    def problem() -> str:
        nonlocal number
        number += 1
        ward.repaired(gateway, f"k{number}")
        return str(ward.journal_health().get("problem", ""))

    until(problem, "a journal that is full and says so", within_s=90.0)
    ward.repaired(gateway, "last")

    assert "carrying on in memory" in ward.said()
    ward.ends_well(agent)


def test_a_file_where_the_folder_should_be_costs_no_repair_and_what_was_noted_is_written_once_it_is_gone(
    ward: Ward,
) -> None:
    ward.state.write_text("not a folder", encoding="utf-8")
    gateway = ward.gateway()
    agent = ward.agent()
    ward.repaired(gateway, "k")
    assert ward.journal_health()["degraded"]
    assert ward.state.read_text(encoding="utf-8") == "not a folder"
    ward.state.unlink()
    until(lambda: [intent.action.session for intent in ward.intents()] == ["k"], "the note of before")
    ward.ends_well(agent)


def test_a_journal_that_somebody_locked_holds_up_no_repair_and_lacks_nothing_afterwards(ward: Ward) -> None:
    gateway = ward.gateway()
    first = ward.agent()
    until(ward.journal.exists, "a journal")
    ward.ends_well(first)
    with contextlib.closing(sqlite3.connect(ward.journal, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        agent = ward.agent()
        ward.repaired(gateway, "k")
        assert ward.journal_health()["degraded"]
        other.execute("ROLLBACK")
    until(lambda: [intent.action.session for intent in ward.intents()] == ["k"], "the note of before", within_s=60.0)
    assert ward.journal_health()["dropped"] == 0
    ward.ends_well(agent)


def test_a_state_folder_that_is_removed_under_the_agent_costs_no_repair(ward: Ward) -> None:
    gateway = ward.gateway()
    agent = ward.agent()
    until(ward.journal.exists, "a journal")
    shutil.rmtree(ward.state)
    ward.repaired(gateway, "k")
    ward.ends_well(agent)


def test_a_folder_that_nobody_may_write_is_told_and_costs_no_repair(ward: Ward) -> None:
    gateway = ward.gateway()
    agent = ward.agent("--state-dir", "/sys/livewatch")  # read-only for root too, which no mode of a folder is
    ward.repaired(gateway, "k")
    assert ward.journal_health()["degraded"]
    assert "carrying on in memory" in ward.said()
    ward.ends_well(agent)


@pytest.mark.parametrize("found", [b"not a database at all " * 500, b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_journal_is_kept_beside_a_new_one_and_said_aloud(ward: Ward, found: bytes) -> None:
    ward.state.mkdir(mode=0o700)
    ward.journal.write_bytes(found)
    gateway = ward.gateway()
    agent = ward.agent()
    ward.repaired(gateway, "k")
    until(lambda: [intent.action.session for intent in ward.intents()] == ["k"], "the note in a new journal")
    (aside,) = ward.state.glob("*.corrupt-*")
    assert aside.read_bytes() == found
    assert aside.name in ward.said()
    ward.ends_well(agent)
