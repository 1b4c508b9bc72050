"""Snapshots as JSON lines: what the journal keeps around incidents, and what traces and replays are made of.

One line is one `Frame`. Fields that have their default value are left out, so that a quiet session costs little; what
is left out is read back as its default. Numbers that are not finite cannot be told in JSON and come back as unknown.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, cast

import msgspec

from livewatch_classifiers.model import Snapshot

FORMAT_VERSION = 1
_LAST_DAY_S = 253_402_214_400.0
"""The last day of the year 9999; Python's calendar ends there."""


class RecordingError(ValueError):
    """A line is not a frame that this version can read."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One look at one gateway, as recorded."""

    wall_s: float
    """Unix time at which it was recorded; ages inside the snapshot are monotonic."""
    target: str
    snapshot: Snapshot
    v: int = FORMAT_VERSION


def encode_frame(frame: Frame) -> bytes:
    """Return one JSON line without its line end."""
    return msgspec.json.encode({"v": frame.v, **compact(frame)})


def decode_frame(line: bytes | str) -> Frame:
    """Return the frame of one line.

    Raises:
        RecordingError: when the line is damaged, or written by a newer version.
    """
    try:
        frame = msgspec.json.decode(line, type=Frame)
        check_wall(frame.wall_s)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise RecordingError(f"not a recorded frame: {error}") from error
    if frame.v > FORMAT_VERSION:
        raise RecordingError(f"recorded in format {frame.v}; this version reads up to {FORMAT_VERSION}")
    return frame


def check_wall(wall_s: float) -> float:
    """Return a Unix time that a calendar has.

    Raises:
        ValueError: for any other, also one that is no number at all.
    """
    if not 0 <= wall_s <= _LAST_DAY_S:
        raise ValueError(f"{wall_s!r} is no moment in Unix time")
    return wall_s


def decode_frames(lines: Iterable[bytes | str]) -> Iterator[Frame]:
    """Yield the frames of a recording, oldest first; empty lines are skipped.

    Raises:
        RecordingError: at the first bad line, with its number.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield decode_frame(line)
        except RecordingError as error:
            raise RecordingError(f"line {number}: {error}") from error


def compact_json(value: object) -> str:
    """Return any frozen fact (action, verdict, reply, ...) as compact JSON text without default values."""
    return msgspec.json.encode(compact(value)).decode()


def compact(value: object) -> Any:
    """Return a frozen fact as tables and lists without default values; everything else as it is."""
    if isinstance(value, (str, int, float)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept: dict[str, Any] = {}
        for name, default in _defaults(type(value)):
            item = getattr(value, name)
            if default is MISSING or item != default:
                kept[name] = compact(item)
        return kept
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, object]", value)
        return {key: compact(item) for key, item in mapping.items()}
    if isinstance(value, (tuple, list)):
        return [compact(item) for item in cast("Iterable[object]", value)]
    return value


@cache
def _defaults(kind: type) -> tuple[tuple[str, object], ...]:
    """Return the fields that are facts; one that takes no part in comparison adds none."""
    return tuple((item.name, _default(item)) for item in fields(kind) if item.compare)


def _default(item: Field[Any]) -> object:
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default
