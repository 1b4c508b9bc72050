"""What people ask of a running agent: hold, resume, recover by hand; over a real socket, through the commands."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livewatch.cli import cli
from livewatch.clock import SystemClock
from livewatch.local_api.history import History
from livewatch.local_api.operator import Operator
from livewatch.local_api.server import LocalApi
from livewatch.recovery.by_hand import ANSWERED_BY_A_PERSON
from livewatch.recovery.holds import Holds, OperatorHold
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.journal.records import Asked
from livewatch_classifiers import Run, Session
from livewatch_classifiers.decision import Hold, Reply, ReplyStatus
from livewatch_classifiers.vocabulary import ActionKind, Gate, Mode, Presence, SessionState
from tests.recovery.fake_gateway import NOW_S, POLICY, session
from tests.test_agent import Stage

HEALTHY = session(run=Run("r1", NOW_S - 10, handle="h1"), progress_s=NOW_S)


class Desk:
    """An agent with its local API, and a shell beside it."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage()
        self.history = History()
        self.stage.agent._listeners.append(self.history)  # the agent takes listeners at birth only
        self.file = HoldsFile(folder / "holds.json", self.stage.clock)
        self.path = folder / "a.sock"
        self.noted: list[Asked] = []
        operator = Operator(self.stage.agent, self.history, self.stage.clock, self.file, self.noted.append)
        self.api = LocalApi(self.path, operator.handlers())

    async def run(self, *arguments: str) -> Result:
        """Run a command while the agent ticks."""
        command = asyncio.create_task(
            asyncio.to_thread(CliRunner().invoke, cli, [*arguments, "--agent", str(self.path)])
        )
        while not command.done():
            await self.stage.tick()
            await asyncio.wait({command}, timeout=0.01)
        return await command


@pytest.fixture(name="desk")
async def _desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.stage.agent.policy = replace(POLICY, mode=Mode.OBSERVE)
    await desk.api.start()
    await desk.stage.tick()
    yield desk
    await desk.api.close()


def read(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


async def test_a_person_repairs_what_the_mode_forbids_to_automation_and_is_named_everywhere(desk: Desk) -> None:
    desk.stage.source.sessions = {"s": desk.stage.source.sessions["s"]}
    looked = await desk.run("recover", "s", "--dry-run")
    assert desk.stage.source.acted == []
    desk.stage.source.obeys = True
    done = await desk.run("recover", "s", "--yes", "--json")

    assert (looked.exit_code, done.exit_code) == (0, 0)
    assert "force_clear on run r1" in looked.output
    (action,) = desk.stage.source.acted
    assert action.kind is ActionKind.FORCE_CLEAR
    assert action.cause.startswith("by hand, ")
    assert read(done)["outcome"]["outcome"] == "recovered"
    assert read(done)["outcome"]["cause"] == action.cause


ENDED = session(run=None, owner=Presence.ABSENT, state=SessionState.IDLE, queued=3, oldest_queued_s=NOW_S - 5)
MOVED = session(generation=8, progress_s=NOW_S - 1)


@pytest.mark.parametrize(
    ("reply", "after", "outcome", "code"),
    [
        (Reply(ReplyStatus.DONE), None, "ineffective", 1),
        (Reply(ReplyStatus.DONE), ENDED, "ineffective", 1),
        (Reply(ReplyStatus.DONE), replace(ENDED, queued=0), "recovered", 0),
        (Reply(ReplyStatus.FAILED, "no such lever"), None, "failed", 1),
        (Reply(ReplyStatus.TIMED_OUT, "no answer"), None, "timed_out", 1),
        (Reply(ReplyStatus.UNSUPPORTED, "no"), None, "refused", 5),
        (Reply(ReplyStatus.REFUSED, "owner: alive"), None, "refused", 5),
        (Reply(ReplyStatus.REFUSED, "run: another run is active now, or none"), None, "refused", 5),
        (Reply(ReplyStatus.REFUSED, "progress: the run moved"), MOVED, "superseded", 5),
    ],
)
async def test_only_what_was_seen_to_move_after_the_action_is_exit_code_0(
    desk: Desk, reply: Reply, after: Session | None, outcome: str, code: int
) -> None:
    """A real OpenClaw refused, and the command ended with 0 (D5)."""
    source = desk.stage.source
    source.sessions = {"s": source.sessions["s"]}
    source.reply, source.becomes = reply, after
    done = await desk.run("recover", "s", "--action", "abort_run", "--yes", "--json")

    assert (read(done)["outcome"]["outcome"], done.exit_code, read(done)["ok"]) == (outcome, code, code == 0)


async def test_a_run_that_is_not_known_cannot_be_aborted_by_hand_either(desk: Desk) -> None:
    desk.stage.source.sessions = {"s": session(run=None, owner=Presence.UNKNOWN)}
    done = await desk.run("recover", "s", "--action", "abort_run", "--yes")

    assert done.exit_code == 5
    assert "no run of this session is known" in done.output
    assert desk.stage.source.acted == []


async def test_every_other_gate_holds_for_people_as_well_and_is_named(desk: Desk) -> None:
    await desk.run("hold", "--session", "s*", "--for", "30m")
    refused = await desk.run("recover", "s", "--yes")
    dry = await desk.run("recover", "s", "--dry-run", "--json")

    assert (refused.exit_code, dry.exit_code) == (5, 5)
    assert "refused by gate operator_hold" in refused.stderr
    assert [g["gate"] for g in read(dry)["gates"] if g["holds"]] == ["operator_hold"]
    assert [(a.verb, a.session, a.outcome) for a in desk.noted] == [
        ("hold", "s*", "done"),
        ("force_clear", "s", "refused"),
    ]
    assert desk.stage.source.acted == []


async def test_a_rung_can_be_chosen_and_one_that_the_gateway_lacks_is_refused(desk: Desk) -> None:
    desk.stage.source.capabilities = frozenset({ActionKind.ABORT_RUN, ActionKind.FORCE_CLEAR})
    chosen = await desk.run("recover", "s", "--action", "abort_run", "--dry-run", "--json")
    lacking = await desk.run("recover", "s", "--action", "restart_target", "--yes")
    unknown = await desk.run("recover", "s", "--action", "kill", "--yes")

    assert read(chosen)["action"] == "abort_run"
    assert (lacking.exit_code, unknown.exit_code) == (5, 2)
    assert "abort_run" in unknown.stderr


async def test_a_session_that_is_well_has_no_repair_of_its_own(desk: Desk) -> None:
    desk.stage.source.sessions = {"s": HEALTHY}
    nothing = await desk.run("recover", "s", "--yes")
    nobody = await desk.run("recover", "other", "--yes")

    assert (nothing.exit_code, nobody.exit_code) == (1, 1)
    assert "has no repair of its own" in nothing.stderr
    assert "no session 'other'" in nobody.stderr


async def test_nothing_is_sent_without_a_yes_where_nobody_can_be_asked(desk: Desk) -> None:
    ended = await desk.run("recover", "s")

    assert ended.exit_code == 2
    assert "--yes" in ended.stderr
    assert desk.stage.source.acted == []


async def test_hold_and_resume_name_the_person_and_reach_the_gate(desk: Desk) -> None:
    desk.stage.agent.policy = POLICY
    held = await desk.run("hold", "--json")
    desk.stage.source.sessions = {"t": replace(desk.stage.source.sessions["s"], key="t")}
    report = await desk.stage.tick()
    resumed = await desk.run("resume")
    again = await desk.run("resume")

    assert read(held)["held"] == "*"
    assert [asked.what for asked in desk.noted] == [
        "hold * until resumed",
        "resume everything: 1 holds ended",
        "resume everything: 0 holds ended",
    ]
    assert isinstance(report.decisions[0], Hold)
    assert report.decisions[0].gate is Gate.OPERATOR_HOLD
    assert report.decisions[0].detail.startswith("held by ")
    assert "1 hold ended" in resumed.output
    assert "nothing was held" in again.output


async def test_a_hold_survives_the_agent_and_ends_when_it_was_to_end(desk: Desk) -> None:
    await desk.run("hold", "--session", "a*", "--for", "30m")
    await desk.run("hold", "--session", "b*")
    desk.stage.clock.now_s += 60.0
    remembered = Holds(HoldsFile(desk.file._path, desk.stage.clock).load())
    now_s = desk.stage.clock.now_s

    assert {hold.glob for hold in remembered.current(now_s)} == {"a*", "b*"}
    assert {hold.glob for hold in remembered.current(now_s + 1800)} == {"b*"}


def test_a_file_of_holds_that_cannot_be_understood_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "holds.json"
    path.write_text("{}", encoding="utf-8")

    with pytest.raises(OSError, match="mend or remove it"):
        HoldsFile(path, SystemClock()).load()


def test_the_file_of_holds_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "holds.json"
    HoldsFile(path, SystemClock()).save([OperatorHold("*")])

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_only_what_limits_automation_is_answered_by_a_person() -> None:
    assert {Gate.MODE, Gate.CONFIRMED, Gate.QUARANTINE} == ANSWERED_BY_A_PERSON
