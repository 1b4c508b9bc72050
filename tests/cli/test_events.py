"""`livewatch events` without an agent: lines, documents, choices, and what it says when it cannot read."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch import __version__
from livewatch.cli.events import command
from livewatch.recovery.journal import Journal
from tests.recovery.journal.facts import a_tick, an_act, completed, falls_sick

KEY = "agent:\x1b[31mmain"


async def _tell(path: Path) -> None:
    journal = Journal(path, "gw")
    journal.start()
    await journal.open_intents()
    journal.on_tick(a_tick(transitions=(falls_sick(KEY),), snapshot=None))
    await journal.intent(an_act("other"))
    journal.completed(completed(an_act("other")))
    assert await asyncio.to_thread(journal.close, 10.0)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "journal.sqlite"
    asyncio.run(_tell(path))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_every_line_has_time_session_and_words_and_cannot_steer_the_terminal(journal: Path) -> None:
    result = run("--journal", journal)
    assert result.exit_code == 0
    told = result.stdout
    began = f"livewatch {__version__} began"
    for words in (began, "stalled/blocked_tool_call, rule 9", "abort_run decided", "recovered"):
        assert words in told
    assert "agent:?[31mmain" in told
    assert "\x1b" not in told
    assert all(line[19] == "Z" for line in told.splitlines())


def test_each_document_is_a_line_with_its_place_in_the_sequence(journal: Path) -> None:
    documents = [json.loads(line) for line in run("--journal", journal, "--json").stdout.splitlines()]
    assert {d["schema_version"] for d in documents} == {1}
    assert {d["kind"] for d in documents} == {"agent_began", "transition", "intent", "outcome", "agent_ended"}
    places = [int(d["cursor"].partition(":")[2]) for d in documents]
    assert places == sorted(set(places))
    transition = next(d for d in documents if d["kind"] == "transition")
    assert (transition["session"], transition["data"]["after"]["evidence"]["limit_s"]) == (KEY, 300.0)


def test_a_glob_chooses_sessions(journal: Path) -> None:
    told = run("--journal", journal, "--session", "oth*").stdout.splitlines()
    assert len(told) == 2
    assert all("other" in line for line in told)


def test_a_glob_that_matches_nothing_says_so(journal: Path) -> None:
    told = run("--journal", journal, "--session", "nobody*", "--since", "9d")

    assert (told.exit_code, told.stdout) == (0, "")
    assert "no event about a session that matches 'nobody*' within 9d" in told.stderr


def test_a_duration_without_unit_is_a_usage_error_and_no_journal_is_3(journal: Path, tmp_path: Path) -> None:
    usage = run("--journal", journal, "--since", "30")
    missing = run("--journal", tmp_path / "none", "--json")
    assert (usage.exit_code, missing.exit_code) == (2, 3)
    assert "30s" in usage.stderr
    envelope = json.loads(missing.stdout)
    assert (envelope["schema_version"], envelope["error"]["type"]) == (1, "no_journal")


def test_a_reader_that_has_seen_enough_is_no_problem(journal: Path) -> None:
    code = "from livewatch.cli import main; main()"
    command_line = [sys.executable, "-c", code, "events", "--journal", str(journal)]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(20), process.stderr.read()) == (0, "")
