"""What other parts of livewatch note through Python's logging, as lines of livewatch's own log."""

import logging
from collections.abc import Callable, Mapping

_ROOT = "livewatch"
NOTE = "livewatch.note"
"""The event of such a line."""
_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warning"))


class Notes(logging.Handler):
    """Which permission a source lacks, where it connects to: said once there, written down here.

    From warnings on, and what a part of livewatch lets through by its own logger's level.
    """

    def __init__(self, say: Callable[[str, str, Mapping[str, object]], None], target: str) -> None:
        super().__init__()
        self._say = say
        self._target = target
        self._logger = logging.getLogger(_ROOT)
        self._propagated = self._logger.propagate
        self._logger.propagate = False
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one note."""
        detail = record.getMessage()
        if record.exc_info is not None and record.exc_info[1] is not None:
            detail = f"{detail}: {record.exc_info[1]!r}"
        level = next((name for limit, name in _LEVELS if record.levelno >= limit), "info")
        part = record.name.removeprefix(f"{_ROOT}.")
        self._say(level, NOTE, {"target": self._target, "part": part, "detail": detail})

    def close(self) -> None:
        """Leave logging as it was."""
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagated
        super().close()
