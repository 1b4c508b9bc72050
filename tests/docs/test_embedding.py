"""``docs/embedding.md``: every snippet runs, the five lines as a program under a real agent."""

import ast
import asyncio
import re
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livewatch.clock import SystemClock
from livewatch.probe import Activity, Levers, Probe, Run, Session, Waiting
from livewatch.sources.board import BoardSource
from livewatch.sources.control import ControlClient
from livewatch_classifiers.decision import Action, Reply, ReplyStatus
from livewatch_classifiers.model import Session as Seen
from livewatch_classifiers.vocabulary import ActionKind, Presence, Reason, WaitKind
from tests.docs.conftest import short_folder
from tests.examples.stage import EXAMPLES, ExampleStage
from tests.waiting import until

PAGE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text(encoding="utf-8")
FIVE_LINES, TURN, LEVERS, LIFESPAN = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
BETWEEN_OBJECTS = {"run_began", "run_ended", "show_run", "activity_began", "activity_ended", "show_activity"} | {
    "wait_began", "wait_ended", "show_wait", "progress_function", "admits"
}  # fmt: skip
"""Called by the probe's own objects."""


def test_the_five_lines_are_a_program_that_a_real_agent_watches() -> None:
    with short_folder() as folder:
        stage = ExampleStage(folder)
        program = folder / "program.py"
        program.write_text(FIVE_LINES.replace('"run/', f'"{folder}/'), encoding="utf-8")
        try:
            stage.start(sys.executable, program)
            stage.watch("--warn-after", "1m", "--abort-after", "2m")
            until(lambda: stage.status()["running"] == ["agent:main"], "the run of the page")
            told = stage.ask("/v1/explain", session="agent:main")
            silences = {row["fact"]: row["value"] for row in told["seen"]}
        finally:
            stage.close()

    assert silences["run"] == "run-1"
    assert told["verdict"]["attention"] == "none"


def test_there_are_five_of_them() -> None:
    assert re.findall(r"#\s(\d):", FIVE_LINES) == ["1", "2", "3", "4", "5"]


@pytest.fixture(name="folder")
def fixture_folder() -> Any:
    with short_folder() as folder:
        yield folder


class Look:
    """What a reader sees while the snippet runs."""

    def __init__(self, board: Path) -> None:
        self.source = BoardSource(board, None, SystemClock())
        self.seen: list[Seen] = []

    async def __call__(self) -> None:
        self.seen += (await self.source.sample()).sessions.values()


async def test_tools_and_waits_are_seen_as_the_page_declares_them(folder: Path) -> None:
    async with Probe.open(folder / "board") as probe:
        look = Look(folder / "board")

        async def model(_prompt: str) -> AsyncIterator[str]:
            yield "a"
            await look()

        async def the_answer() -> str:
            await look()
            return "yes"

        class Quick:
            """asyncio with a sleep and a `make world` that take no time."""

            subprocess = asyncio.subprocess

            @staticmethod
            async def sleep(_seconds: float) -> None:
                await look()

            @staticmethod
            async def create_subprocess_exec(*_words: str, **more: Any) -> Any:
                await look()
                return await asyncio.create_subprocess_exec(sys.executable, "-c", "print('line')", **more)

        async def ask_the_user(_question: str) -> None:
            await look()

        names: dict[str, Any] = {
            "asyncio": Quick, "model": model, "ask_the_user": ask_the_user, "the_answer": the_answer
        }  # fmt: skip
        exec(TURN, names)
        answer = await names["turn"](probe.session("s"), "r1", "hello")
        await look.source.close()

    calls = [(s.activity.kind.value, s.activity.allowance_s) for s in look.seen if s.activity and s.activity.kind]
    waits = [(s.wait.kind, s.wait.delivered) for s in look.seen if s.wait is not None]
    assert answer == "yes"
    assert calls == [("model_call", 300.0), ("tool_call", 2400.0)]
    assert waits == [
        (WaitKind.APPROVAL, Presence.ABSENT),
        (WaitKind.APPROVAL, Presence.PRESENT),
        (WaitKind.PROVIDER_BACKOFF, Presence.UNKNOWN),
    ]


async def test_the_levers_abort_a_run_and_clear_one_that_does_not_listen(folder: Path) -> None:
    went_on: list[str] = []
    names: dict[str, Any] = {"go_on": went_on.append}
    exec(LEVERS, names)
    running: dict[str, tuple[Run, asyncio.Task[None]]] = {}
    levers: Levers = names["MyLevers"](running)
    async with Probe.open(folder / "board", folder / "control", levers=levers) as probe:
        client, stop = ControlClient(folder / "control"), asyncio.Event()
        session = probe.session("s")
        task = asyncio.create_task(deaf(session, running, stop))
        await asyncio.sleep(0)
        abort = action(session, ActionKind.ABORT_RUN)
        aborted = await client.act(abort)
        stale = await client.act(replace(abort, idempotency_key="again"))
        requested_ns = running["r1"][0].abort_requested_ns
        cleared = await client.act(action(session, ActionKind.FORCE_CLEAR))
        stop.set()
        await task

    assert aborted == Reply(ReplyStatus.DONE)
    assert stale.status is ReplyStatus.REFUSED
    assert requested_ns > 0
    assert cleared == Reply(ReplyStatus.DONE, "", 1)
    assert (went_on, running, session.current) == (["s"], {}, None)


async def deaf(session: Session, running: dict[str, Any], stop: asyncio.Event) -> None:
    async with session.run("r1") as run:
        running["r1"] = (run, asyncio.current_task())
        while not stop.is_set():
            try:
                await stop.wait()
            except asyncio.CancelledError:
                continue


def action(session: Session, kind: ActionKind) -> Action:
    assert session.current is not None
    return Action(
        kind,
        session.key,
        kind.value,
        "by the test",
        Reason.ACTIVE_WORK_WITHOUT_PROGRESS,
        generation=session.generation,
        run_id=session.current.id,
        handle=session.current.handle,
        progress_s=session.progress_ns / 1e9,
    )


def test_the_lifespan_is_that_of_the_example() -> None:
    example = ast.parse((EXAMPLES / "fastapi_gateway.py").read_text(encoding="utf-8"))
    (there,) = (n for n in example.body if isinstance(n, ast.AsyncFunctionDef) and n.name == "lifespan")
    (here,) = ast.parse(textwrap.dedent(LIFESPAN)).body
    assert isinstance(here, ast.AsyncFunctionDef)

    assert ast.dump(ast.Module(here.body, [])) == ast.dump(ast.Module(there.body[1:], []))  # without the docstring


def test_as_many_lines_of_the_example_are_for_livewatch_as_the_page_says() -> None:
    lines = (EXAMPLES / "fastapi_gateway.py").read_text(encoding="utf-8").splitlines()

    assert sum(line.endswith("  # livewatch") for line in lines) == 8
    assert "eight of its lines and three levers" in PAGE


@pytest.mark.parametrize("kind", [Probe, Session, Run, Activity, Waiting, Levers])
def test_every_public_call_of_the_probe_is_told(kind: type) -> None:
    names = {name for name, value in vars(kind).items() if callable(value) or isinstance(value, classmethod)}
    public = {name for name in names if not name.startswith("_")} - BETWEEN_OBJECTS

    assert {name for name in public if not re.search(rf"\b{name}(\(|`)", PAGE)} == set()
