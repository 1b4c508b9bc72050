"""`livewatch audit`: the table, the document, and what it says when it cannot read."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch.cli.audit import command
from livewatch.recovery.journal import Journal
from livewatch.recovery.journal.records import Asked
from livewatch_classifiers.decision import Person
from tests.recovery.journal.facts import an_act, completed


async def _tell(path: Path) -> None:
    journal = Journal(path, "gw")
    journal.start()
    abort = an_act("agent:\x1b[31mmain")
    await journal.intent(abort)
    journal.completed(completed(abort))
    clear = an_act("other", "k2")
    await journal.intent(replace(clear, action=replace(clear.action, asked_by=Person("anna", 1000))))
    journal.asked(Asked(Person("anna", 1000), "hold", "hold * until resumed", "*", outcome="done"))
    assert await asyncio.to_thread(journal.close, 10.0)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "journal.sqlite"
    asyncio.run(_tell(path))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_table_names_who_what_and_outcome_and_cannot_steer_the_terminal(journal: Path) -> None:
    result = run("--journal", journal)
    head, abort, clear, hold = result.stdout.splitlines()
    assert result.exit_code == 0
    assert head.split()[:2] == ["WHEN", "(UTC)"]
    assert ("livewatch " in abort, "recovered" in abort, "agent:?[31mmain" in abort) == (True, True, True)
    assert ("anna (1000)" in clear, "not seen" in clear) == (True, True)
    assert "hold * until resumed" in hold
    assert "\x1b" not in result.stdout


def test_the_document_has_the_same_and_names_its_schema(journal: Path) -> None:
    document = json.loads(run("--journal", journal, "--json").stdout)
    assert (document["schema_version"], document["ok"], document["pruned"]) == (1, True, None)
    assert [(e["who"], e["uid"], e["what"], e["outcome"]) for e in document["entries"]] == [
        ("livewatch", None, "abort_run", "recovered"),
        ("anna", 1000, "abort_run", None),
        ("anna", 1000, "hold", "done"),
    ]
    assert [e["id"] for e in document["entries"]] == sorted({e["id"] for e in document["entries"]})


def test_a_glob_chooses_sessions_and_an_empty_answer_says_so(journal: Path) -> None:
    assert len(run("--journal", journal, "--session", "other").stdout.splitlines()) == 2
    assert run("--journal", journal, "--session", "nobody").stdout == "nothing was decided\n"


def test_a_duration_without_unit_is_a_usage_error(journal: Path) -> None:
    result = run("--journal", journal, "--since", "30")
    assert result.exit_code == 2
    assert "30s" in result.stderr


def test_no_journal_is_exit_code_3_and_an_envelope(tmp_path: Path) -> None:
    result = run("--journal", tmp_path / "none", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["type"] == "no_journal"
