"""The audit on real files: every decision once, no row ever changed, and nothing gone without a record."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.audit import AUTOMATIC, read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError
from livewatch.recovery.journal.records import Asked
from livewatch.recovery.journal.schema import MIGRATIONS, migrate
from livewatch.recovery.journal.store import Retention
from livewatch.recovery.journal.writer import WriterSettings
from livewatch_classifiers.decision import Act, Person
from livewatch_classifiers.vocabulary import Outcome
from tests.recovery.journal.facts import WALL_S, an_act, completed, wait_until
from tests.recovery.journal.story import _StoryClock

Keep = Callable[..., Journal]
ANNA = Person("anna", 1000)


def by_hand(act: Act) -> Act:
    return replace(act, action=replace(act.action, asked_by=ANNA))


async def decisions(journal: Journal, count: int) -> None:
    for number in range(count):
        act = an_act(idempotency_key=f"k{number}")
        await journal.intent(act)
        journal.completed(completed(act))


def ids(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT id FROM audit ORDER BY id")]


async def test_what_is_automatic_and_what_a_person_asked_for_appear_once_each_with_their_outcome(
    keep: Keep, path: Path
) -> None:
    journal = keep()
    automatic, manual = an_act(idempotency_key="k1"), by_hand(an_act("other", "k2"))
    for act, outcome in ((automatic, Outcome.RECOVERED), (manual, Outcome.INEFFECTIVE)):
        await journal.intent(act)
        journal.completed(completed(act, outcome))
    drain = Asked(ANNA, "drain", "drain within 30s", "*", key="d")
    journal.asked(Asked(ANNA, "hold", "hold a* until resumed", "a*", outcome="done"))
    journal.asked(drain)
    journal.asked(replace(drain, what="drain: done", outcome="done", settles=True))
    assert journal.close(10.0)

    told = [(e.who, e.uid, e.what, e.session, e.run, e.outcome) for e in read_audit(path).entries]
    assert told == [
        (AUTOMATIC, None, "abort_run", "agent:main:main", "r1", "recovered"),
        ("anna", 1000, "abort_run", "other", "r1", "ineffective"),
        ("anna", 1000, "hold", "a*", None, "done"),
        ("anna", 1000, "drain", "*", None, "done"),
    ]
    assert read_audit(path).entries[0].why == automatic.action.cause


async def test_the_same_key_asked_again_is_another_decision(keep: Keep, path: Path) -> None:
    journal = keep()
    await decisions(journal, 1)
    wait_until(lambda: read_audit(path).entries[0].outcome)
    await journal.intent(an_act(idempotency_key="k0"))
    assert journal.close(10.0)
    assert [e.outcome for e in read_audit(path).entries] == ["recovered", None]


async def test_since_and_session_choose(keep: Keep, path: Path) -> None:
    clock = _StoryClock()
    journal = keep(clock=clock)
    await journal.intent(an_act("a:1", "k1"))
    clock.after_s = 100.0
    await journal.intent(an_act("a:2", "k2"))
    await journal.intent(an_act("b:1", "k3"))
    assert journal.close(10.0)
    assert [e.session for e in read_audit(path, since_wall_s=WALL_S + 50).entries] == ["a:2", "b:1"]
    assert [e.session for e in read_audit(path, session="a:*").entries] == ["a:1", "a:2"]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET who = 'nobody'",
        "UPDATE OR REPLACE audit SET id = 2 WHERE id = 1",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = 1",
        (
            "INSERT OR REPLACE INTO audit (id, life, target, wall_s, kind, decision, who, what)"
            " VALUES (1, 1, 'gw', 0.0, 'decided', 'k', 'nobody', 'nothing')"
        ),
        "REPLACE INTO audit SELECT * FROM audit",
    ],
)
async def test_no_row_can_be_changed_or_taken_away(keep: Keep, path: Path, sql: str) -> None:
    journal = keep()
    await decisions(journal, 2)
    assert journal.close(10.0)
    before = read_audit(path)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute(sql)
    assert read_audit(path) == before


async def test_a_row_that_a_pruning_names_may_go_and_the_record_of_it_stays(keep: Keep, path: Path) -> None:
    journal = keep()
    await decisions(journal, 2)
    assert journal.close(10.0)
    forged = (
        "INSERT INTO audit (life, target, wall_s, kind, decision, who, what, upto, removed)"
        " VALUES (1, 'gw', 0.0, 'pruned', 'p', 'nobody', 'prune', 2, 1)"
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(forged)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("DELETE FROM audit")
        connection.execute("DELETE FROM audit WHERE id <= 2")
    assert ids(path) == [3, 4, 5]
    assert read_audit(path).removed == 1


async def test_what_is_too_old_goes_and_is_recorded(keep: Keep, path: Path) -> None:
    settings = WriterSettings(retry_s=0.02, maintain_every_s=0.0, retention=Retention(audit_age_s=3600.0))
    clock = _StoryClock()
    clock.after_s = -7200.0
    old = keep(clock=clock)
    await decisions(old, 3)
    assert old.close(10.0)
    young = keep(settings, clock=None)
    await young.intent(an_act(idempotency_key="young"))
    wait_until(lambda: read_audit(path).removed)
    await decisions(young, 1)
    assert young.close(10.0)

    audit = read_audit(path)
    assert audit.removed == 3
    assert audit.pruned_wall_s is not None
    assert min(ids(path)) > 3


async def test_one_old_moment_among_young_ones_prunes_nothing(keep: Keep, path: Path) -> None:
    settings = WriterSettings(retry_s=0.02, maintain_every_s=0.0, retention=Retention(audit_age_s=3600.0))
    clock = _StoryClock()
    journal = keep(settings, clock=clock)
    await journal.intent(an_act(idempotency_key="k1"))
    clock.after_s = -WALL_S  # the clock jumps to 1970
    await journal.intent(an_act(idempotency_key="k2"))
    assert journal.close(10.0)
    assert len(read_audit(path).entries) == 2
    assert read_audit(path).removed == 0


async def test_what_is_too_much_goes_oldest_first_and_every_loss_is_counted(keep: Keep, path: Path) -> None:
    settings = WriterSettings(retry_s=0.02, maintain_every_s=0.0, retention=Retention(audit_rows=20))
    journal = keep(settings)
    await decisions(journal, 100)
    wait_until(lambda: len(ids(path)) <= 21)
    assert journal.close(10.0)

    audit = read_audit(path)
    assert audit.removed + sum(e.what == "abort_run" and e.why != "" for e in audit.entries) == 100
    assert max(ids(path)) > 200


def test_a_file_without_an_audit_says_so(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
    with pytest.raises(JournalUnreadableError, match="has no audit yet"):
        read_audit(path)


async def test_a_file_of_the_first_version_gets_an_audit_and_keeps_its_story(keep: Keep, path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
    journal = keep()
    await decisions(journal, 1)
    assert journal.close(10.0)
    assert [e.outcome for e in read_audit(path).entries] == ["recovered"]
