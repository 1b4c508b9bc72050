"""One look at a board, shared by every check that asks about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from livewatch.guard.owner import GatewayOwner
from livewatch.probe.layout import Layout
from livewatch.sources.base import SourceError
from livewatch.sources.board_file import BoardFile, same_namespace, writer_of
from livewatch.sources.board_slots import BoardSlots
from livewatch.sources.process_stat import ProcessStat
from livewatch_classifiers.model import Session


@dataclass(frozen=True, slots=True)
class BoardLook:
    """What one look gave."""

    path: Path
    header: Mapping[str, int]
    layout: Layout
    sessions: Mapping[str, Session]
    process: ProcessStat | None
    """``None`` when the gateway process is known to have ended; `process_problem` says how."""
    process_problem: SourceError | None = None

    @property
    def pid(self) -> int | None:
        """The gateway's pid; ``None`` where it means nothing here, in another namespace."""
        return self.header["pid"] if same_namespace(self.header) else None


def look_at_board(path: Path, owner: GatewayOwner | None = None) -> BoardLook:
    """Read the board once.

    Raises:
        SourceError: when there is no whole board that this version reads.
    """
    file = BoardFile(path, owner)
    try:
        header, layout = file.look()
        slots = BoardSlots()
        slots.look(file.read, layout, header["slots_used"])
        sessions = slots.sessions(MappingProxyType({}))
    finally:
        file.close()
    try:
        return BoardLook(path, header, layout, sessions, writer_of(path, header))
    except SourceError as error:
        return BoardLook(path, header, layout, sessions, None, error)
