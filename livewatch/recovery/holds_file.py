"""Operators' holds on disk: a restart of livewatch must not undo what a person said."""

import json
import os
from contextlib import suppress
from math import inf, isinf, isnan
from pathlib import Path
from typing import Any

from livewatch.clock import Clock
from livewatch.recovery.holds import OperatorHold


class HoldsFile:
    """One JSON document, mode 0600: ``{"holds": [{"glob", "until" (seconds since 1970, or null), "by"}]}``."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def load(self) -> list[OperatorHold]:
        """Return the holds that have not ended.

        Raises:
            OSError: when the file is there and cannot be read as what `save` writes; acting would ignore a person.
        """
        try:
            document: Any = json.loads(self._path.read_bytes())
            found = [(str(h["glob"]), h["until"], str(h["by"]), str(h.get("reason", ""))) for h in document["holds"]]
            ends = [inf if until is None else float(until) - self._clock.wall_s() for _, until, _, _ in found]
            if any(isnan(left_s) for left_s in ends):
                raise ValueError("an end that is no number")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise OSError(f"{self._path}: cannot be read ({error.strerror}); mend or remove it") from error
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise OSError(f"{self._path}: not a list of holds ({error!r}); mend or remove it") from error
        now_s = self._clock.monotonic_s()
        return [
            OperatorHold(glob, now_s + left_s, by, reason)
            for (glob, _, by, reason), left_s in zip(found, ends, strict=True)
            if left_s > 0
        ]

    def save(self, holds: list[OperatorHold]) -> None:
        """Replace the file at once or not at all.

        Raises:
            OSError: when the disk does not take it.
        """
        to_wall_s = self._clock.wall_s() - self._clock.monotonic_s()
        rows = [
            {
                "glob": h.glob,
                "until": None if isinf(h.until_s) else h.until_s + to_wall_s,
                "by": h.by,
                "reason": h.reason,
            }
            for h in holds
        ]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"holds": rows}, file)
            file.flush()
            os.fsync(descriptor)
        beside.replace(self._path)
