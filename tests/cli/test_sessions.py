"""`livewatch sessions list` and `show`, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import cli
from livewatch.local_api.history import History
from livewatch.local_api.lookups import Lookups
from livewatch.local_api.server import LocalApi
from livewatch.recovery.holds import OperatorHold
from livewatch.sources.base import SourceError
from livewatch_classifiers import Activity
from livewatch_classifiers.model import Wait
from livewatch_classifiers.vocabulary import ActivityKind, Presence, WaitKind
from tests.recovery.fake_gateway import NOW_S, session
from tests.test_agent import Stage


class Served:
    """An agent of facts behind a real socket, and the command line that asks it."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage()
        self.history = History()
        self.path = folder / "a.sock"
        self.api = LocalApi(self.path, Lookups(self.stage.agent, self.history, self.stage.clock).handlers())

    async def run(self, *arguments: str) -> Result:
        command = ["sessions", *arguments, "--agent", str(self.path)]
        return await asyncio.to_thread(CliRunner().invoke, cli, command)

    async def document(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((await self.run(*arguments, "--json")).stdout)
        return document


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    served.history.on_tick(await served.stage.tick())
    await served.api.start()
    yield served
    await served.api.close()


async def test_the_list_shows_each_session_with_what_is_wrong(served: Served) -> None:
    told = (await served.run("list")).stdout.splitlines()
    assert told[0].split() == ["ATTENTION", "SESSION", "DOING", "AGE", "SILENT", "QUEUED", "WHY"]
    assert told[1].split()[:2] == ["stuck", "s"]
    assert "zombie_run; force_clear" in told[1]
    assert told[-1] == "1 sessions; in the gateway: 1 stuck, 0 stalled, 0 long running"


async def test_what_the_list_leaves_out_is_told(served: Served) -> None:
    served.stage.source.sessions |= {key: session(key, progress_s=NOW_S + 1) for key in ("t", "u")}
    await served.stage.tick()
    short = (await served.run("list", "--limit", "1")).stdout.splitlines()[-1]
    some = (await served.run("list", "--session", "[tu]", "--sort", "session")).stdout.splitlines()
    assert short == "1 of 3 sessions; in the gateway: 1 stuck, 0 stalled, 2 long running; --limit shows more"
    assert [line.split()[1] for line in some[1:-1]] == ["t", "u"]
    assert some[-1].startswith("2 sessions (of 3)")


async def test_the_json_has_a_version_and_only_what_was_asked_for(served: Served) -> None:
    served.stage.source.sessions["well"] = session("well", progress_s=NOW_S + 1)
    await served.stage.tick()
    document = await served.document("list", "--attention", "stuck", "--attention", "stalled")
    assert (document["schema_version"], document["total"], document["matching"]) == (1, 2, 1)
    assert [row["session"] for row in document["sessions"]] == ["s"]


async def test_a_key_from_the_gateway_cannot_steer_the_terminal(served: Served) -> None:
    served.stage.source.sessions = {"\x1b[2J": session("\x1b[2J")}
    await served.stage.tick()
    assert "\x1b" not in (await served.run("list")).stdout
    assert "\x1b" not in (await served.run("show", "\x1b[2J")).stdout


async def test_show_has_facts_judgement_and_what_happened(served: Served) -> None:
    served.stage.agent.controls.holds.hold(OperatorHold("s*", by="anna"))
    told = (await served.run("show", "s")).stdout
    for said in (
        "s: stuck / zombie_run (rule 5)",
        "1 waiting in the session lane",
        "run           r1 for 15m01s, asked to end 10m01s ago; live handle: there",
        "prompt holder not there",
        "next          force_clear:",
        "paused        by anna",
        "stuck / zombie_run",
    ):
        assert said in told
    document = await served.document("show", "s")
    assert document["schema_version"] == 1
    assert document["facts"]["run"]["abort_requested_age_s"] == 601
    assert [change["reason"] for change in document["labels"]] == ["zombie_run"]


async def test_show_names_waits_activities_and_repeats(served: Served) -> None:
    served.stage.source.sessions["w"] = session(
        "w",
        activity=Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r1", NOW_S - 60, "exec", 90.0, NOW_S - 1),
        wait=Wait(WaitKind.SUBAGENT, NOW_S - 5, NOW_S - 2, session="child", answer_impossible=True),
        repeats=4,
        repeating_since_s=NOW_S - 30,
        queued=None,
    )
    await served.stage.tick(after_s=0)
    told = (await served.run("show", "w")).stdout
    assert "tool call exec for 1m01s, may take 1m30s, its processes worked 2s ago, of run r1" in told
    assert "subagent for 6s, 3s past its deadline, session child, nobody can answer" in told
    assert "the same step 4 times for 31s" in told
    assert "queue         cannot be seen" in told


async def test_problems_are_one_line_with_the_documented_code(served: Served) -> None:
    unknown = await served.run("show", "other")
    served.stage.source.problem = SourceError("no board", "start it")
    await served.stage.tick()
    blind = await served.run("list")
    await served.api.close()
    nobody = await served.run("list", "--json")
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "livewatch: no session 'other'; `livewatch sessions list` names them\n",
    )
    assert (blind.exit_code, blind.stderr) == (1, "livewatch: no board: start it\n")
    assert nobody.exit_code == 3
    assert json.loads(nobody.stdout)["error"]["type"] == "unreachable"
