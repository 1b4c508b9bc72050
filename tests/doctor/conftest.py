"""Cases made of real files."""

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livewatch.configuration.settings import AgentSettings, Settings, TargetSettings, TelemetryOptions
from livewatch.doctor.board_look import look_at_board
from livewatch.doctor.case import AgentAnswer, Case
from livewatch.recovery.settings import Policy
from livewatch.sources.base import SourceError
from livewatch_classifiers.thresholds import Thresholds
from tests.sources.board_on_disk import Board, Clock

MakeCase = Callable[..., Case]
MakeBoard = Callable[..., Board]
ABOUT: dict[str, Any] = {
    "version": "0.1.0",
    "pid": 77,
    "board": "/run/gw/board",
    "prometheus_url": None,
    "interval_s": 1.0,
    "journal_health": {"degraded": False, "problem": "", "dropped": 0, "late_intents": 0},
}
STATUS: dict[str, Any] = {
    "problem": "",
    "health_penalty": 0,
    "mode": "observe",
    "acts": True,
    "actor": "",
    "sessions": {"total": 3},
    "thresholds": {"warn_after_s": 120.0, "abort_after_s": 360.0},
}


@pytest.fixture(name="folder")
def fixture_folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="lw") as name:  # pytest's own folders are too long for UNIX sockets
        yield Path(name)


@pytest.fixture(name="make_board")
def fixture_make_board(folder: Path) -> Iterator[MakeBoard]:
    """Write a board of this very process at ``folder / "board"``, private as the probe makes it."""
    boards: list[Board] = []

    def make(**arguments: int) -> Board:
        board = Board(folder / "board", **arguments)
        board.path.chmod(0o600)
        boards.append(board)
        return board

    yield make
    for board in boards:
        board.close()


@pytest.fixture(name="make_case")
def fixture_make_case(folder: Path) -> MakeCase:
    """Make a case whose files all lie in ``folder``; ``about`` and ``status`` stand for an agent's answers."""

    def make(
        *,
        about: dict[str, Any] | None = None,
        status: dict[str, Any] | None = None,
        listen: str | None = None,
        thresholds: Thresholds | None = None,
        policy: Policy | None = None,
        target: dict[str, Any] | None = None,
        **facts: Any,
    ) -> Case:
        settings = Settings(
            target=TargetSettings(**(target or {})),
            thresholds=thresholds or Thresholds(),
            recovery=policy or Policy(),
            telemetry=TelemetryOptions(metrics_listen=listen),
            agent=AgentSettings(state_dir=folder / "state", agent_socket=folder / "agent"),
        )
        agent = None
        if about is not None or status is not None:
            agent = AgentAnswer(ABOUT | (about or {}), STATUS | (status or {}))
        case = Case(settings, agent=agent, environ=facts.pop("environ", {}), clock=facts.pop("clock", Clock()))
        case = replace(case, **facts)
        if case.settings.target.board is None or case.board is not None:
            return case
        try:
            return replace(case, board=look_at_board(case.settings.target.board))
        except SourceError as error:
            return replace(case, board_problem=error)

    return make


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make this process a user who owns nothing here; a test cannot become another user unless it is root."""
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    return 4711
