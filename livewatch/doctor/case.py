"""The case: what is configured, what the running agent says, and what the board shows; gathered once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from livewatch.clock import Clock, SystemClock
from livewatch.configuration.settings import Settings, SourceKind
from livewatch.doctor.board_look import BoardLook, look_at_board
from livewatch.guard.access import AccessError
from livewatch.guard.owner import GatewayOwner
from livewatch.local_api.client import AgentRefused, AgentUnreachable, ask
from livewatch.local_api.paths import agent_socket
from livewatch.recovery.journal.paths import journal_path
from livewatch.sources.base import SourceError


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What a running agent said."""

    about: Mapping[str, Any]
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the checks look at."""

    settings: Settings
    """In force for a next start; what they do not name is taken from the running agent."""
    config_path: Path | None = None
    config_problem: str = ""
    """Why the configuration cannot be used; empty when it can."""
    configured_board: Path | None = None
    """The board that the settings themselves name."""
    agent: AgentAnswer | None = None
    agent_problem: str = ""
    board: BoardLook | None = None
    board_problem: SourceError | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Clock = field(default_factory=SystemClock)

    @property
    def owner(self) -> GatewayOwner:
        """Whose board and control socket are believed.

        Raises:
            AccessError: when the user who was named is not known here.
        """
        return GatewayOwner.named(self.settings.target.owner)

    @property
    def agent_socket(self) -> Path:
        """Where the agent answers, or would."""
        return agent_socket(self.settings.target.name, self.settings.agent.agent_socket)

    @property
    def journal(self) -> Path:
        """Where the agent writes its journal, or would."""
        if self.agent is not None and "journal" in self.agent.about:
            return Path(str(self.agent.about["journal"]))
        return journal_path(self.settings.target.name, self.settings.agent.state_dir)

    @property
    def mode(self) -> str:
        """How far recovery may go: the running agent's mode, or the one that the next would have."""
        return str(self.agent.status["mode"]) if self.agent is not None else self.settings.recovery.mode.value

    @property
    def abort_after_s(self) -> float:
        """The limit of silence after which a run is aborted, in force likewise."""
        if self.agent is not None:
            return float(self.agent.status["thresholds"]["abort_after_s"])
        return self.settings.thresholds.abort_after_s

    @property
    def warn_after_s(self) -> float:
        """The limit of silence in force: the running agent's, or the one that the next would have."""
        if self.agent is not None:
            return float(self.agent.status["thresholds"]["warn_after_s"])
        return self.settings.thresholds.warn_after_s


def gather(
    settings: Settings,
    *,
    config_path: Path | None = None,
    config_problem: str = "",
    environ: Mapping[str, str] | None = None,
) -> Case:
    """Ask the agent, if one runs, and read the board; never raises for what they answer."""
    case = Case(
        settings,
        config_path,
        config_problem,
        settings.target.board,
        environ=os.environ if environ is None else environ,
    )
    try:
        about = ask(case.agent_socket, "GET", "/v1/about")
        status = ask(case.agent_socket, "GET", "/v1/status")
        case = replace(case, agent=AgentAnswer(about, status))
    except (AgentUnreachable, AgentRefused) as error:
        case = replace(case, agent_problem=str(error))
    case = replace(case, settings=_completed(case))
    board = case.settings.target.board
    if board is None:
        return case
    try:
        return replace(case, board=look_at_board(board, case.owner))
    except AccessError as error:
        return replace(case, board_problem=SourceError(str(error), "correct target.owner"))
    except SourceError as error:
        return replace(case, board_problem=error)


def _completed(case: Case) -> Settings:
    """Return the settings with what they leave open taken from the running agent."""
    if case.agent is None:
        return case.settings
    about, target = case.agent.about, case.settings.target
    named = any((target.board, target.pid, target.port))
    completed = replace(
        target,
        source=target.source if named else SourceKind(str(about.get("source", target.source.value))),
        board=target.board or _path(about.get("board")),
        socket=target.socket or _path(about.get("socket")),
        pid=target.pid or about.get("watched_pid"),
        port=target.port or about.get("watched_port"),
    )
    return replace(case.settings, target=completed)


def _path(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) else None
