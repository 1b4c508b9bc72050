"""A real journal, replayed: approximate, and close."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from livewatch.agent import Agent
from livewatch.cli import replay as command
from livewatch.recovery.journal import Journal
from tests.recovery.journal.test_journal_with_agent import POLICY, GatewayClock, ZombieGateway

RECORDED = '[recovery]\nmode = "abort"\nhealthy_for = "0s"\nstartup_grace = "0s"\nresume_grace = "0s"\n'


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "gw.journal.sqlite"
    asyncio.run(fall_ill(path))
    return path


async def fall_ill(path: Path) -> None:
    gateway = ZombieGateway(path)
    clock = GatewayClock(gateway)
    journal = Journal(path, "gw", clock=clock)
    journal.start()
    await journal.open_intents()
    agent = Agent(gateway, clock=clock, intents=journal, policy=POLICY, listeners=[journal])
    async with asyncio.timeout(20):
        completed = 0
        while not completed:
            completed = len((await agent.tick()).completed)
            await asyncio.sleep(0.001)  # a flood of ticks, that still leaves the interpreter to other threads
    await agent.close()
    assert journal.close(10.0)


def replayed(*arguments: object) -> dict[str, object]:
    ended = CliRunner().invoke(command.command, [*map(str, arguments), "--json"])
    assert ended.exit_code == 0, ended.output
    return dict(json.loads(ended.stdout))


def test_a_journal_replayed_under_what_was_in_force_says_and_does_what_was_done(journal: Path, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.toml"
    recorded.write_text(RECORDED, encoding="utf-8")
    told = replayed(journal, "--recorded", recorded)
    assert (told["approximate"], told["labels"]) == (True, [])
    assert isinstance(told["actions"], list)
    (action,) = told["actions"]
    assert (action["action"], action["outcome"]) == ("force_clear", "recovered")
    assert action["replayed"] is not None


def test_without_what_was_in_force_defaults_are_taken_and_that_is_said(journal: Path) -> None:
    ended = CliRunner().invoke(command.command, [str(journal)])
    assert ended.exit_code == 0
    assert "defaults are taken" in ended.stderr
    assert "not replayed: blocked by mode" in ended.stdout
